"""What is wrong with a command is one line, before a teacher is asked, with nothing written."""

import in_process
import numpy as np
import pytest
import tiny_runs

from kd_jax.command import __main__ as command
from kd_jax.command import teachers
from kd_jax.errors import InputError
from kd_jax.runtime import ending

PLUGIN = """
from kd_jax.distill.methods import Method
def term(student, teacher, batch, extra):
    raise RuntimeError("no term")
{}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the table and its teacher, and what else is named below."""
    found = tmp_path_factory.mktemp("refused")
    tiny_runs.write(found)
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    np.savez(found / "labeled.npz", inputs=x, labels=np.arange(40) % 2)
    np.savez(found / "bare.npz", inputs=x, teacher_logits=x)
    (found / "theirs").mkdir()
    (found / "theirs" / "thesis.txt").write_text("mine")
    (found / "link").symlink_to("theirs")
    (found / "file").write_text("mine")
    for name, text in {
        "raises.py": "raise RuntimeError('no\\nGPU')", "exits.py": "raise SystemExit(3)",
        "none.py": PLUGIN.format(""), "three.py": PLUGIN.format("METHODS = [3]"),
        "term.py": PLUGIN.format("METHODS = [Method('x', term)]"),
        "weights.py": PLUGIN.format("METHODS = [Method('x', term, term)]"),
        "fails.py": PLUGIN.format("def METHODS():\n    return 1 / 0"),
        "twice.py": PLUGIN.format("METHODS = [Method('labels only', term)]"),
    }.items():  # fmt: skip
        (found / name).write_text(text)
    (found / "odd.py").write_text(ODD)
    return found


def line(folder, given):
    """What a command ends with."""
    with pytest.raises(BaseException) as error:
        config = tiny_runs.config(folder, **given)
        in_process.performed("distill", config, command.program)
    found, code = ending.of(error.value)
    assert code == 2 and found.startswith("error: ") and "\n" not in found, error.value
    return found


@pytest.mark.parametrize(
    "given, match",
    [
        ({"label": "verdct"}, "--label=verdct: {}/people.csv has no such column; did you mean"),
        ({"label": ""}, "or --label=none if nobody knows; the columns are ['age', 'town'"),
        ({"data": "{}/no.csv"}, "no.csv does not exist"),
        ({"data": "n" * 5000 + ".csv"}, "does not exist"),
        ({"teacher": ("{}/no.py:f",)}, "no.py: there is no such file"),
        ({"teacher": ("n" * 5000 + ".npy",)}, "does not exist"),
        ({"teacher": ("{}/raises.py:f",)}, "cannot be imported (RuntimeError: no GPU)"),
        ({"teacher": ("{}/exits.py:f",)}, "cannot be imported (SystemExit: 3)"),
        ({"teacher": ("train:mpl:8",)}, "--teacher=train:mpl:8: expected mlp:64,64"),
        ({"cross_fit": 3}, "--cross_fit=3 is for teachers that are trained here"),
        ({"teacher": ("train:mlp:2",), "cross_fit": 99, "split": (0.2, 0.3, 0.5)},
         "--cross_fit=99: expected at most 40, as many as training rows"),
        ({"augment": "crop_flip"}, "--augment=crop_flip is for images [H, W, C] and people has"),
        ({"methods": ("soft_target",)}, "--methods=soft_target: did you mean 'soft_targets'?"),
        ({"methods": ("labels", "hint")}, "method hint (FitNet) learns from a teacher's features"),
        ({"methods": ("labels", "fsp"), "teacher": ("train:mlp:4",)}, "does not fit these"),
        ({"student": "mlp:64,x"}, "--student=mlp:64,x: expected the widths"),
        ({"formats": ("onx",)}, "--formats=onx: expected one of onnx"),
        ({"temperatures": (0.0,)}, "--temperatures=0: expected a finite number above 0"),
        ({"plugin": "{}/raises.py"}, "raises.py cannot be imported (RuntimeError"),
        ({"plugin": "{}/none.py"}, "none.py has no METHODS"),
        ({"plugin": "{}/three.py"}, "METHODS holds 3: expected a list of kd_jax.Method"),
        ({"plugin": "{}/weights.py"}, "method x has weights=<function"),
        ({"plugin": "{}/fails.py"}, "METHODS() fails (ZeroDivisionError"),
        ({"plugin": "{}/term.py"}, "method x does not fit these networks: RuntimeError: no term"),
        ({"plugin": "{}/twice.py"}, "two methods are called labels only"),
        ({"data": "{}/bare.npz", "label": "", "methods": ("labels",), "teacher": ()},
         "--methods: labels only needs labels, and --data has none: take pseudo_labels"),
        ({"data": "{}/bare.npz", "label": "", "teacher": ("train:mlp:4",)}, "learns from labels"),
        ({"data": "{}/labeled.npz", "label": "", "teacher": ()}, "--teacher is not given"),
        ({"data": "{}/labeled.npz", "label": "", "teacher": ("train:mlp:4",), "stream": True},
         "error: --teacher=train:mlp:4 and --stream: a teacher is trained on rows in memory only"),
        ({"out": "{}/small", "keep": "soft target, T=2"},
         "--keep=soft target, T=2: did you mean 'soft targets, T=2'?"),
        ({"keep": "labels only"}, "says which student --out keeps: give --out too"),
        ({"out": "{}/theirs"}, "holds other files (thesis.txt)"),
        ({"out": "{}/link"}, "holds other files (thesis.txt)"),
        ({"out": "{}/file"}, "is a file: expected a new folder"),
        ({"out": "{}/file/x"}, "cannot be written (Not a directory)"),
        ({"out": "/proc/x"}, "--out=/proc/x cannot be written"),
        ({"out": "n" * 300}, "cannot be written (File name too long)"),
        ({"out": "o\0"}, "--out=o\\x00 is no path of a folder"),
        ({"out": "{}/runs"}, "overlap: name a folder apart from it"),
        ({"out": "{}"}, "holds other files"),
    ],
)  # fmt: skip
def test_bad_commands_are_one_line_before_anything_is_done(folder, given, match):
    def named(value):
        if isinstance(value, tuple):
            return tuple(map(named, value))
        return value.replace("{}", str(folder)) if isinstance(value, str) else value

    before = sorted(folder.rglob("*"))
    said = line(folder, {name: named(value) for name, value in given.items()})
    assert match.replace("{}", str(folder)) in said, said
    left = [path for path in folder.rglob("*") if "__pycache__" not in path.parts]
    assert sorted(left) == [path for path in before if "__pycache__" not in path.parts]
    assert (folder / "theirs" / "thesis.txt").read_text() == "mine" and not list(
        (folder / "log").iterdir()
    )


ODD = """
import jax
import jax.numpy as jnp
import kd_jax as kd
def factorized(x):
    return jnp.linalg.cholesky(x[:, :, None] * x[:, None] + jnp.eye(x.shape[1]))[:, 0]
def by_numpy(x):
    return jax.pure_callback(lambda a: a, jax.ShapeDtypeStruct(x.shape, x.dtype), x)
def of(first):
    def student(input_shape, classes):
        def init(key):
            return {"w": jnp.zeros((input_shape[0], classes))}
        return kd.Model(init, lambda params, x: first(x) @ params["w"])
    return student
plain, odd, foreign = of(lambda x: x), of(factorized), of(by_numpy)
"""


@pytest.mark.parametrize("student, formats, said", [
    ("odd", ("onnx", "stablehlo"), "--formats: onnx of --student={}/odd.py:odd: this network cannot"
     " be converted (cholesky requires static batch dimension): take others, as "
     "--formats=stablehlo"),
    ("plain", ("safetensors",), "--formats: safetensors of --student={}/odd.py:plain: this network "
     "cannot be converted (only those of kd_jax.models can be built again from it): take others"),
    ("plain", ("int8", "onnx"), "(it has no kernel of a dense layer): take others, as --formats=o"),
    ("foreign", ("stablehlo",), "student.stablehlo cannot be written ("),
])  # fmt: skip
def test_what_cannot_be_exported_is_told_before_a_teacher_is_asked(folder, student, formats, said):
    for name, package in {"onnx": "jax2onnx", "safetensors": "safetensors"}.items():
        if name in formats:
            pytest.importorskip(package, reason="needs the extra export")
    given = {"student": f"{folder}/odd.py:{student}", "formats": formats, "out": f"{folder}/small"}
    assert said.replace("{}", str(folder)) in line(folder, given)
    assert not list((folder / "log").iterdir()) and not (folder / "small").exists()


def test_onnx_that_was_not_asked_for_is_left_out_of_a_run(folder, monkeypatch, capsys):
    def asked(*_, **__):
        raise InputError("a teacher is asked")

    pytest.importorskip("jax2onnx")
    monkeypatch.setattr(teachers, "read", asked)
    given = {"student": f"{folder}/odd.py:odd", "formats": (), "out": f"{folder}/small"}
    assert "a teacher is asked" in line(folder, given)
    assert "onnx will not be in --out: this network cannot be conv" in capsys.readouterr().out


def test_a_folder_that_holds_what_is_read_is_no_place_for_the_student(tmp_path):
    (tmp_path / "old").mkdir()
    tiny_runs.write(tmp_path / "old")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "cat").mkdir()
    for out, data in [("new/small", "new"), ("new/cat/small", "new")]:
        given = {"data": str(tmp_path / data), "out": str(tmp_path / out), "label": ""}
        assert "overlap: name a folder apart" in line(tmp_path / "old", given)
    runs = {"out": str(tmp_path / "deep"), "workdir": str(tmp_path / "deep" / "runs")}
    assert "--workdir=" in line(tmp_path / "old", runs)


@pytest.mark.parametrize("body, match", [
    ("raise KeyError('age')", "fails on inputs [140, 3]: KeyError: 'age'"),
    ("raise SystemExit(3)", "SystemExit: 3"),
    ("return np.zeros(len(table))", "gives [140]: expected [140, 2]"),
    ("return np.full((len(table), 2), np.nan)", "for row 0: expected finite numbers"),
    ("return np.zeros((len(table), 3))", "gives [140, 3]: expected [140, 2]"),
])  # fmt: skip
def test_a_teacher_that_fails_leaves_no_run(tmp_path, body, match):
    tiny_runs.write(tmp_path)
    (tmp_path / "f.py").write_text(f"import numpy as np\ndef f(table):\n    {body}\n")
    given = {"teacher": (f"{tmp_path / 'f.py'}:f",), "out": str(tmp_path / "out")}
    assert match in line(tmp_path, given)
    assert not (tmp_path / "runs" / "distill").exists() and not (tmp_path / "out").exists()


def test_a_teacher_that_changes_what_it_sees_changes_its_own_copy(tmp_path):
    from kd_jax.distill import given_teachers

    rows = np.ones((3, 2), np.float32)

    def teacher(x):
        x *= 0
        return x

    given_teachers.answers("rude", teacher, rows)
    np.testing.assert_array_equal(rows, 1)


def test_input_errors_are_what_is_raised(folder):
    with pytest.raises(InputError):
        tiny_runs.config(folder, cross_fit=1)
