"""Teachers by name: what they say of each part, asked once, cached by content, or why not."""

import jax
import jax.export
import numpy as np
import pytest
from one_process import verified_here
from refusals import refused
from scipy import special

from kd_jax import models
from kd_jax.command import config, problem, saved_networks, teacher_sources, teachers
from kd_jax.export import network

LOGITS = np.random.default_rng(3).normal(size=(40, 2)).astype(np.float32)
# probability of "yes" by age; every call leaves a line in the file calls
FUNCTION = """
import os
import numpy as np
from {module} import slope
with open(os.path.join(*{calls!r}), "a") as file:
    print("imported", file=file)
def predict(rows):
    with open(os.path.join(*{calls!r}), "a") as file:
        print(rows.num_rows, *rows.column_names, file=file)
    with open({weights!r}) as file:
        bias = float(file.read())
    p = 1 / (1 + np.exp(-slope * (rows["age"].to_numpy() - bias)))
    return np.stack([1 - p, p], 1)
"""


def read(names, problem, folder, **options):
    """(what the teachers of names say, those that are to be trained)."""
    found = teachers.sources(names, problem)
    trained = [each for each in found if isinstance(each, teacher_sources.ToTrain)]
    return teachers.read(found, problem, folder, **options), trained


@pytest.fixture
def table(settings, people):
    """A problem of 40 rows: 28, 4 and 8."""
    return problem.read(settings(data=people(), label="old", ignore=("id",)))


@pytest.fixture
def function(write, tmp_path):
    """The place of FUNCTION, in a file of its own with a module and weights beside it."""

    def to(module):
        write(f"{module}.py", "slope = 0.5")
        write("bias.txt", "40")
        weights = str(tmp_path / "bias.txt")
        (tmp_path / "log").mkdir()
        text = FUNCTION.format(
            module=module, calls=(str(tmp_path), "log", "calls"), weights=weights
        )
        return f"{write('mine.py', text)}:predict"

    return to


def rows_of(found, outputs):
    """What the parts of a problem should be told, from outputs of the file's rows."""
    return {name: outputs[part.rows] for name, part in found.parts.items()}


def same(found, expected):
    for name, logits in expected.items():
        p = special.softmax(logits.astype(np.float64), -1)
        np.testing.assert_allclose(special.softmax(found.logits[name], -1), p, atol=1e-6)
        assert found.logits[name].dtype == np.float32


def test_a_function_is_asked_about_raw_rows_once(table, function, tmp_path):
    place, calls = function("beside_once"), tmp_path / "log" / "calls"
    (found,), trained = read([place], table, tmp_path / "runs")
    assert not trained and found.classes == ["no", "yes"]
    z = 0.5 * (np.arange(40) + 20 - 40)
    same(found, rows_of(table, np.stack([0 * z, z], 1)))
    asked = ["imported", *(f"{n} age town id" for n in (28, 4, 8))]
    assert calls.read_text().splitlines() == asked
    read([place], table, tmp_path / "runs")
    assert calls.read_text().splitlines() == asked
    read([place], table, tmp_path / "runs", again=True)
    assert calls.read_text().splitlines() == 2 * asked
    np.testing.assert_allclose(found.ask(table.test.raw), found.logits["test"])


def test_what_a_function_reaches_by_its_text_decides_whether_it_is_asked(
    table, function, tmp_path, settings, people
):
    place, calls = function("beside_changed"), tmp_path / "log" / "calls"
    count = 0
    for change in ("nothing", "weights", "module", "source"):
        path = {"weights": "bias.txt", "module": "beside_changed.py", "source": "mine.py"}
        if change in path:
            text = (tmp_path / path[change]).read_text()
            (tmp_path / path[change]).write_text(text + "\n")
        read([place], table, tmp_path / "runs")
        count += 4
        assert len(calls.read_text().splitlines()) == count, change
    other = problem.read(settings(data=people(), label="old", base_seed=1))
    read([place], other, tmp_path / "runs")
    assert len(calls.read_text().splitlines()) == count + 4


def test_a_functions_own_order_of_classes_is_mapped(table, write, tmp_path):
    text = (
        "import numpy as np\ndef f(rows):\n    z = rows['age'].to_numpy() * 0.1\n"
        "    return np.stack([z, -z], 1)\nf.classes = ['yes', 'no']\n"
    )
    place, z = f"{write('own.py', text)}:f", (np.arange(40) + 20) * 0.1
    for _ in range(2):  # asked, and found
        (found,), _ = read([place], table, tmp_path / "runs")
        same(found, rows_of(table, np.stack([-z, z], 1)))
    np.testing.assert_allclose(found.ask(table.test.raw)[:, 1], z[table.test.rows], rtol=1e-6)


def test_functions_of_pandas_and_of_lists(table, write, tmp_path):
    pytest.importorskip("pandas")
    text = (
        "def frame(rows):\n    z = rows.to_pandas()[['age', 'age']] * [-0.1, 0.1]\n    return z\n"
        "def lists(rows):\n    return [[-0.1 * a, 0.1 * a] for a in rows.to_pydict()['age']]\n"
    )
    path = write("kinds.py", text)
    z = (np.arange(40) + 20) * 0.1
    for name in ("frame", "lists"):
        (found,), _ = read([f"{path}:{name}"], table, tmp_path / "runs")
        same(found, rows_of(table, np.stack([-z, z], 1)))


def test_saved_outputs_are_in_the_order_of_the_file(table, tmp_path):
    np.save(tmp_path / "z.npy", LOGITS)
    np.save(tmp_path / "p.npy", special.softmax(LOGITS.astype(np.float64), -1))
    for name in ("z.npy", "p.npy"):
        (found,), _ = read([str(tmp_path / name)], table, tmp_path)
        same(found, rows_of(table, LOGITS))
        assert found.ask is None


def test_saved_outputs_of_several_files_stand_one_after_the_other(settings, people, tmp_path):
    other = people("other.csv", range(3, 23))
    found = problem.read(settings(data=people(), test_data=other, label="old", columns=("age",)))
    np.save(tmp_path / "data.npy", LOGITS)
    (answers,), _ = read([str(tmp_path / "data.npy")], found, tmp_path)
    assert answers.logits["test"] is None
    assert teachers.ensemble([answers, answers]).logits["test"] is None
    both = np.concatenate([LOGITS, -LOGITS[:20]])
    np.save(tmp_path / "both.npy", both)
    (answers,), _ = read([str(tmp_path / "both.npy")], found, tmp_path)
    np.testing.assert_array_equal(answers.logits["test"], -LOGITS[:20])
    np.testing.assert_array_equal(answers.logits["train"], LOGITS[found.train.rows])
    np.save(tmp_path / "none.npy", LOGITS[:39])
    refused("has 39 rows: expected 40, as --data has or 60, with those of test_data", read,
            [str(tmp_path / "none.npy")], found, tmp_path)  # fmt: skip


def test_a_network_in_a_file_is_asked_about_the_inputs(table, tmp_path):
    kernel = np.random.default_rng(1).normal(size=(5, 2)).astype(np.float32)
    shape = jax.export.symbolic_shape("b, 5")
    exported = jax.export.export(jax.jit(lambda x: x @ kernel))(
        jax.ShapeDtypeStruct(shape, np.float32)
    )
    (tmp_path / "m.stablehlo").write_bytes(exported.serialize())
    (found,), _ = read([str(tmp_path / "m.stablehlo")], table, tmp_path / "runs")
    same(found, {name: part.inputs @ kernel for name, part in table.parts.items()})


def test_a_network_in_a_file_sees_bytes_as_they_are(settings, arrays, tmp_path):
    values = np.random.default_rng(2).integers(256, size=(40, 3), dtype=np.uint8)
    found = problem.read(settings(data=arrays(inputs=values, labels=np.arange(40) % 2)))
    shape = jax.ShapeDtypeStruct(jax.export.symbolic_shape("b, 3"), np.float32)
    exported = jax.export.export(jax.jit(lambda x: x[:, :2] / 255))(shape)
    (tmp_path / "m.stablehlo").write_bytes(exported.serialize())
    (answers,), _ = read([str(tmp_path / "m.stablehlo")], found, tmp_path / "runs")
    same(answers, rows_of(found, values[:, :2] / 255))
    assert "values from 0 to 255" in answers.notes[0]


def test_the_outputs_of_an_npz_file_are_a_teacher(settings, arrays, tmp_path):
    path = arrays(inputs=LOGITS, labels=np.arange(40) % 2, teacher_logits=LOGITS)
    found = problem.read(settings(data=path))
    (answers,), _ = read([], found, tmp_path)
    np.testing.assert_array_equal(answers.logits["test"], LOGITS[found.test.rows])


@pytest.mark.parametrize("value", [-np.inf, np.inf, np.nan])
def test_every_way_in_takes_minus_infinity_for_probability_0_and_refuses_the_rest(
    settings, arrays, write, tmp_path, value
):
    given = LOGITS.copy()
    given[7, 1] = value
    np.save(tmp_path / "given.npy", given)
    write(
        "f.py",
        f"import numpy as np\ndef f(x):\n    return np.load({str(tmp_path)!r} + '/given.npy')"
        "[np.round(x[:, 0]).astype(int)]\n",
    )
    rows = np.arange(40, dtype=np.float32)[:, None]
    labels = np.arange(40) % 2

    def held():
        path = arrays("held.npz", inputs=rows, labels=labels, teacher_logits=given)
        return read([], problem.read(settings(data=path)), tmp_path)

    found = problem.read(settings(data=arrays(inputs=rows, labels=labels)))
    for way in (held, lambda: read([str(tmp_path / "given.npy")], found, tmp_path),
                lambda: read([f"{tmp_path / 'f.py'}:f"], found, tmp_path)):  # fmt: skip
        if value != -np.inf:
            refused(r"row \d+.*: expected finite numbers below 3.4e38", way)
            continue
        (answers,), _ = way()
        for name, part in found.parts.items():
            np.testing.assert_array_equal(answers.logits[name], given[part.rows])


def test_without_labels_the_teacher_says_how_many_classes(settings, arrays, write, tmp_path):
    found = problem.read(settings(data=arrays(inputs=LOGITS)))
    place = write("three.py", "def f(x):\n    return x[:, [0, 1, 0]]\nf.classes = ['a']\n")
    refused("names 1", read, [f"{place}:f"], found, tmp_path)
    place.write_text("def f(x):\n    return x[:, [0, 1, 0]]\n")
    (answers,), _ = read([f"{place}:f"], found, tmp_path)
    assert answers.classes == ["0", "1", "2"] and answers.logits["test"].shape == (8, 3)
    refused("learns from labels", read, ["train:mlp:8"], found, tmp_path)


def test_saved_outputs_have_rows_that_a_split_leaves_out(settings, arrays, tmp_path):
    path = arrays(inputs=LOGITS, labels=np.arange(40) % 2)
    found = problem.read(settings(data=path, split=(0.5, 0.1, 0.2)))
    np.save(tmp_path / "all.npy", LOGITS)
    (answers,), _ = read([str(tmp_path / "all.npy")], found, tmp_path)
    np.testing.assert_array_equal(answers.logits["train"], LOGITS[found.train.rows])
    np.save(tmp_path / "few.npy", LOGITS[:32])
    refused("has 32 rows: expected 40", read, [str(tmp_path / "few.npy")], found, tmp_path)


def test_several_teachers_are_the_mean_of_their_probabilities(table, tmp_path):
    p = special.softmax(LOGITS.astype(np.float64), -1)
    np.save(tmp_path / "1.npy", LOGITS)
    np.save(tmp_path / "2.npy", p[::-1])
    names = [f"{tmp_path / '1.npy'},{tmp_path / '2.npy'}", "train:mlp:512,512"]
    found, trained = read(names, table, tmp_path)
    assert trained == [teacher_sources.ToTrain("mlp:512,512")]
    same(teachers.ensemble(found), rows_of(table, np.log((p + p[::-1]) / 2)))


def test_commas_separate_teachers_but_not_widths():
    assert config.separate(["train:mlp:512", "512", "a.npy,b.py:f", "train:cnn:8,16"]) == [
        "train:mlp:512,512", "a.npy", "b.py:f", "train:cnn:8,16",
    ]  # fmt: skip


FUNCTIONS = """
import numpy as np
def short(rows): return np.zeros((1, 2))
def wide(rows): return np.zeros((len(rows), 3))
def nan(rows): return np.full((len(rows), 2), np.nan)
def text(rows): return ["a"] * len(rows)
def fails(rows): raise KeyError("weights")
def own(rows): return np.zeros((len(rows), 2))
own.classes = ["no", "yess"]
def one(rows): return np.zeros((len(rows), 2))
one.classes = ["no"]
"""


@pytest.mark.parametrize(
    "name, match",
    [
        ("", "--teacher is not given and --data holds no outputs"),
        ("forest", "--teacher=forest: expected one of .npy, .onnx, .stablehlo, a saved folder"),
        ("no.npy", "no.npy does not exist"),
        ("a/model.joblib", "pickle model.joblib, .* teach.table.: .*classes_.*docs/distill.md"),
        ("{}/model.pkl", "which is not loaded here: write a file.py with model = joblib.load"),
        ("no.py:f", "no.py: there is no such file"),
        ("{}/f.py:none", "has no none"),
        ("no_module:f", "no_module cannot be imported"),
        ("no_package.module:f", "no_package.module: the module cannot be imported"),
        (":f", "expected file.py:function"),
        ("{}/f.py:short", r"f.py:short \(train\) gives \[1, 2\]: expected \[28, 2\]"),
        ("{}/f.py:wide", r"gives \[28, 3\]: expected \[28, 2\]"),
        ("{}/f.py:nan", "for row 0: expected finite numbers"),
        ("{}/f.py:text", "expected numbers"),
        ("{}/f.py:fails", "KeyError: 'weights'"),
        ("{}/f.py:own", "has the class 'yess', which --data lacks; did you mean 'yes'"),
        ("{}/f.py:one", "lack 'yes'"),
        ("{}/f.py:wide,{}/f.py:wide", "given twice"),
        ("{}/wide.npy", r"\(train\) gives \[28, 3\]: expected \[N, 2\]"),
        ("{}/flat.npy", r"shape \[40\]: expected \[N, C\]"),
        ("{}/few.npy", "has 5 rows: expected 40, as --data has; write one"),
        ("{}/nan.npy", "expected finite numbers"),
        ("{}/mixed.npy", "39 of 40 rows are distributions, and row .* is none"),
        ("{}/text.npy", "expected numbers"),
        ("{}/cut.npy", "no array that can be read"),
        ("{}/empty.npy", "no array that can be read"),
        ("{}/zip.npy", "no array that can be read"),
        ("{}/bad.onnx", "no ONNX file that can be read"),
        ("{}/bad.stablehlo", "no export of jax that can be read"),
        ("{}", "preprocessing.json"),
    ],
)  # fmt: skip
def test_bad_teachers_are_one_line(table, write, tmp_path, name, match):
    if name.endswith(".onnx"):
        pytest.importorskip("onnxruntime", reason="needs the extra export")
    write("f.py", FUNCTIONS)
    mixed = special.softmax(LOGITS, -1)
    mixed[17] *= 1.1
    flawed = LOGITS.copy()
    flawed[7, 1] = np.inf
    files = {"wide": np.zeros((40, 3)), "flat": np.zeros(40), "few": LOGITS[:5], "nan": flawed}
    files |= {"mixed": mixed, "text": np.full((40, 2), "a")}
    for stem, array in files.items():
        np.save(tmp_path / f"{stem}.npy", array)
    for stem in ("cut.npy", "bad.onnx", "bad.stablehlo"):
        write(stem, b"\x93NUMPY")
    write("empty.npy", b"")
    write("zip.npy", b"PK\x03\x04 and no more")
    refused(match, read, [name.format(tmp_path, tmp_path)], table, tmp_path / "runs")


def test_inputs_of_a_saved_network_come_from_its_own_preprocessing(table, arrays):
    columns = [{"name": "age", "mean": 30.0, "deviation": 2.0, "flag": False}]
    found = saved_networks.inputs("net", {"kind": "table", "columns": columns}, table.test.raw)
    np.testing.assert_allclose(found[:, 0], (20 + table.test.rows - 30) / 2)
    columns[0]["name"] = "Age"
    refused("--teacher=net: there is no column 'Age'", saved_networks.inputs, "net",
            {"kind": "table", "columns": columns}, table.test.raw)  # fmt: skip
    refused("trained on table and --data holds arrays", saved_networks.inputs, "net",
            {"kind": "table", "columns": columns}, LOGITS)  # fmt: skip
    assert saved_networks.inputs("net", {"kind": "arrays"}, LOGITS) is LOGITS


def test_a_saved_network_is_asked_about_what_its_own_preprocessing_makes(
    table, tmp_path, monkeypatch
):
    verified_here(monkeypatch)
    kernel = np.random.default_rng(5).normal(size=(1, 2)).astype(np.float32)
    columns = [{"name": "age", "mean": 30.0, "deviation": 2.0, "flag": False}]
    params = {"logits": {"kernel": kernel, "bias": np.zeros(2, np.float32)}}
    saved = network.Network(
        models.functional(models.MLP((), 2), (1,)), {"params": params, "state": {}}, ["yes", "no"],
        (1,), "float32", {"kind": "table", "columns": columns},
    )  # fmt: skip
    saved.save(tmp_path / "result" / "student")
    # the problem has "no" before "yes"
    z = (20 + np.arange(40) - 30)[:, None] / 2 * kernel[:, ::-1]
    for folder in ("result", "result/student"):
        (found,), _ = read([str(tmp_path / folder)], table, tmp_path / "runs")
        same(found, rows_of(table, z))
    other = table._replace(classes=["no", "yess"])
    refused("has the class 'yes', which --data lacks; did you mean 'yess'", read,
            [str(tmp_path / "result")], other, tmp_path / "runs")  # fmt: skip


def test_augmentation_is_not_advised_where_it_is_done(table, write, tmp_path):
    text = "import numpy as np\ndef sure(t):\n    return np.eye(2)[(t['age'].to_numpy() >= 40) * 1]"
    place = f"{write('sure.py', text)}:sure"
    for augmented, lines in [(False, 1), (True, 0)]:
        ((said,), _) = read([place], table, tmp_path, augmented=augmented)
        assert len([x for x in said.notes if "nearly the labels there; it says more" in x]) == lines


@pytest.mark.parametrize(
    "options, flags, said",
    [
        ({}, {}, []),
        ({"base_seed": 1}, {"base_seed": 1}, []),
        (
            {"base_seed": 1},
            {},
            ["validation rows and ", "test rows of this run among its training"],
        ),
        (
            {"split": (0.8, 0.1, 0.1)},
            {},
            ["has 4 validation rows of this run among its training rows"],
        ),
        ({}, {"split": (0.4, 0.3, 0.3)}, ["give it the split=, base_seed=, label= and test_data="]),
    ],
)
def test_a_file_that_parts_the_data_otherwise_is_told(
    settings, people, write, tmp_path, options, flags, said
):
    path = people()
    text = f"""
import kd_jax as kd, numpy as np
data = kd.read_data({str(path)!r}, label="old", ignore="id", **{options!r})
def f(rows):
    return np.zeros((rows.num_rows, 2)) + [0.0, 1.0]
"""
    place = f"{write('parted.py', text)}:f"
    given = problem.read(settings(data=path, label="old", ignore=("id",), **flags))
    for _ in range(2):  # asked, and of the cache
        (found,), _ = read([place], given, tmp_path / "runs")
        lines = [note for note in found.notes if "kd.read_data" in note]
        assert len(lines) == bool(said) and all(part in lines[0] for part in said)
