"""predict.py without kd_jax prints what NumPy computes, in every locale; its faults are one line.

Networks are written by hand: the product of the inputs with KERNEL.
"""

import csv
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from drawn_images import drawn, encoded, write_folder

pytest.importorskip("onnx", reason="needs the extra export")
pytest.importorskip("onnxruntime", reason="needs the extra export")

import jax
import jax.export
import onnx

from kd_jax.export import predict, student_folder

CLASSES = ['yes, "sure"', "naïve", "two\nlines"]
HEADER = ["label", *(f"p({name})" for name in CLASSES)]
COLUMNS = [  # 1 + 2 + 3 inputs
    {"name": "age, years", "mean": 40.0, "deviation": 10.0, "flag": False},
    {"name": 'size "net"', "mean": 1.0, "deviation": 0.5, "flag": True},
    {"name": "straße", "texts": ["Köln, Ost", "x"]},
]
TABLE = {"kind": "table", "columns": COLUMNS}
IMAGES = {"kind": "images", "size": 2, "channels": 3}
KERNEL = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
ROWS = """label,"straße","age, years",note,"size ""net\"""
,"Köln, Ost",50,,1.5
b,?,30,"a
b",
b,new,1e1,c,2
"""
INPUTS = [  # of ROWS by hand: (50 − 40)/10; (1.5 − 1)/0.5, the mean where missing and flagged; …
    [1, 1, 0, 1, 0, 0],
    [-1, 0, 1, 0, 0, 1],
    [-3, 2, 0, 0, 0, 1],
]


def student(folder, how, shape, dtype="float32", classes=CLASSES):
    """The folder of a student, written by hand."""
    folder.mkdir(parents=True)
    for file in student_folder.PROGRAMS + student_folder.FOR_IMAGES:
        shutil.copy(file, folder)
    facts = {"version": 1, "preprocessing": how, "classes": classes, "shape": shape, "dtype": dtype}
    (folder / "preprocessing.json").write_text(json.dumps(facts))
    kind = {"float32": onnx.TensorProto.FLOAT, "uint8": onnx.TensorProto.UINT8}[dtype]
    kernel, value = KERNEL[: np.prod(shape)], onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Cast", ["inputs"], ["numbers"], to=onnx.TensorProto.FLOAT),
            onnx.helper.make_node("Flatten", ["numbers"], ["flat"]),
            onnx.helper.make_node("MatMul", ["flat", "kernel"], ["logits"]),
        ],
        "linear",
        [value("inputs", kind, ["N", *shape])],
        [value("logits", onnx.TensorProto.FLOAT, ["N", 3])],
        [onnx.numpy_helper.from_array(kernel, "kernel")],
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.save(model, folder / "student.onnx")
    return folder


def expected(inputs):
    """(labels, probabilities) in float64."""
    flat = np.asarray(inputs, np.float64).reshape(len(inputs), -1)
    logits = flat @ np.float64(KERNEL[: flat.shape[1]])
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return [CLASSES[k] for k in logits.argmax(1)], powers / powers.sum(1, keepdims=True)


def check(text, inputs, files=None):
    """Whether what was printed is the csv of these inputs."""
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    labels, probabilities = expected(inputs)
    if files is not None:
        assert header[0] == "file" and [row[0] for row in rows] == files
        header, rows = header[1:], [row[1:] for row in rows]
    assert header == HEADER and [row[0] for row in rows] == labels
    found = [[float(p) for p in row[1:]] for row in rows]
    np.testing.assert_allclose(found, probabilities, rtol=2e-5, atol=1e-12)
    digits = [p.split("e")[0].replace(".", "").lstrip("0") for row in rows for p in row[1:]]
    assert 4 <= max(map(len, digits)) <= 6


@pytest.fixture
def elsewhere(tmp_path):
    """(folder, file) -> the ended process, in another folder, where kd_jax cannot be imported."""
    stub = tmp_path / "stub"
    (stub / "kd_jax").mkdir(parents=True)
    (stub / "kd_jax" / "__init__.py").write_text("raise ImportError('kd_jax is not installed')")

    def call(folder, *paths, **options):
        command = [sys.executable, folder / "predict.py", *paths]
        env = {"PYTHONPATH": str(stub), "LC_ALL": "C"}
        env |= {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # C is ASCII then
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.run(command, cwd=stub, env=env, **options)

    return call


def test_a_table_with_nasty_names_in_the_c_locale(tmp_path, elsewhere):
    folder = student(tmp_path / "a folder", TABLE, [6])
    (tmp_path / "new rows.csv").write_text(ROWS, encoding="utf-8")
    before = sorted(folder.iterdir())
    ended = elsewhere(folder, tmp_path / "new rows.csv")
    assert (ended.returncode, ended.stderr) == (0, b"")
    check(ended.stdout.decode("utf-8"), INPUTS)
    assert b"\r" not in ended.stdout and sorted(folder.iterdir()) == before


def test_faults_of_the_program_are_a_line_and_2(tmp_path, elsewhere):
    folder = student(tmp_path / "s", TABLE, [6])
    ended = elsewhere(folder, "ab\nsent.csv")
    line = "error: there is no file ab\\nsent.csv: check the path\n"
    assert (ended.returncode, ended.stdout, ended.stderr.decode()) == (2, b"", line)
    (tmp_path / "new.csv").write_text(ROWS, encoding="utf-8")
    reading, writing = os.pipe()
    os.close(reading)
    ended = elsewhere(folder, tmp_path / "new.csv", stdout=writing)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, b"")
    ended = elsewhere(folder)
    assert ended.returncode == 2 and ended.stderr.startswith(b"Predict with the student")


@pytest.mark.parametrize("paths, code", [(["new.csv"], 0), (["none.csv"], 2), ([], 2)])
def test_a_full_standard_error_loses_what_is_said_there_and_nothing_else(
    tmp_path, elsewhere, paths, code
):
    folder = student(tmp_path / "s", TABLE, [6])
    (tmp_path / "new.csv").write_text(ROWS, encoding="utf-8")
    with open("/dev/full", "wb") as full:
        ended = elsewhere(folder, *(tmp_path / x for x in paths), stderr=full)
        assert ended.returncode == code and bool(ended.stdout) == (code == 0)
        ended = elsewhere(folder, tmp_path / "new.csv", stdout=full)
    assert ended.returncode == 2
    assert ended.stderr == b"error: [Errno 28] No space left on device\n"


def test_stablehlo_where_it_is_alone(tmp_path, elsewhere):
    folder = student(tmp_path / "s", {"kind": "arrays"}, [2, 3])
    (folder / "student.onnx").unlink()
    (batch,) = jax.export.symbolic_shape("b")
    shape = jax.ShapeDtypeStruct((batch, 2, 3), np.float32)
    function = jax.jit(lambda x: x.reshape(-1, 6) @ KERNEL[:6])
    content = jax.export.export(function, platforms=["cpu", "cuda"])(shape).serialize()
    (folder / "student.stablehlo").write_bytes(content)
    inputs = np.random.default_rng(1).normal(size=(129, 2, 3))  # two batches
    np.savez(tmp_path / "new.npz", inputs=inputs, labels=np.zeros(129))
    ended = elsewhere(folder, tmp_path / "new.npz")
    assert (ended.returncode, ended.stderr) == (0, b"")
    check(ended.stdout.decode("utf-8"), inputs)


@pytest.fixture
def here(monkeypatch, capsys):
    """(folder, *paths) -> what predict.py of a folder prints, in this process."""

    def call(folder, *paths):
        for name in ("preprocessing", "image_names", "image_decoding"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setattr(predict, "HERE", folder)
        predict.main([str(path) for path in paths])
        return capsys.readouterr().out

    yield call
    for name in ("preprocessing", "image_names", "image_decoding"):
        sys.modules.pop(name, None)


def test_faults_of_tables(tmp_path, here):
    folder = student(tmp_path / "s", TABLE, [6])
    good, tabs = tmp_path / "good.csv", tmp_path / "tabs.TSV"
    header = '"age, years"', '"size ""net"""', "straße"
    tabs.write_text("\t".join(header) + "\n50\t1.5\tKöln, Ost\n", encoding="utf-8")
    check(here(folder, tabs), INPUTS[:1])
    index = tmp_path / "index.csv"  # as pandas writes it
    index.write_text("".join(f"{n},{line}" for n, line in zip(
        ["", 5], ['"age, years","size ""net""",straße\n', '50,1.5,"Köln, Ost"\n']
    )), encoding="utf-8")  # fmt: skip
    check(here(folder, index), INPUTS[:1])
    np.savez(tmp_path / "ready.npz", inputs=np.float64(INPUTS))
    check(here(folder, tmp_path / "ready.npz"), INPUTS)
    for text, line in [
        (
            ROWS.replace("age, years", "age, year"),
            "'age, years': did you mean 'age, year'",
        ),
        (ROWS.replace("30", "thirty"), "column 'age, years', row 2 is 'thirty': expected a finite"),
        (ROWS.replace("c,2", "c"), "row 3 below the header has 4 fields, expected 5"),
        (ROWS.splitlines()[0], "has a header alone"),
        ("", "is empty"),
    ]:
        good.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=line):
            here(folder, good)
    (tmp_path / "new.parquet").write_bytes(b"PAR1")
    for paths, line in [
        ([tmp_path / "new.parquet"], "new.parquet is not read here: .*save it as .csv"),
        ([good, tabs], "2 files are given: expected one"),
        ([tmp_path], "is not read here"),
    ]:
        with pytest.raises(ValueError, match=line):
            here(folder, *paths)


def test_faults_of_arrays_and_folders(tmp_path, here):
    folder, path = student(tmp_path / "s", {"kind": "arrays"}, [2, 3]), tmp_path / "new.npz"
    wrong = [
        ({"input": np.zeros((1, 2, 3))}, "holds no inputs: expected a .npz file with the array"),
        (
            {"inputs": np.zeros((4, 3, 2))},
            r"shape \[4, 3, 2\]: expected \[N, 2, 3\]",
        ),
        ({"inputs": np.full((4, 2, 3), np.nan)}, "NaN or infinity in row 0"),
        ({"inputs": np.array([[{}]])}, "is unreadable"),
        ({"inputs": np.zeros((0, 2, 3))}, "has no rows"),
    ]
    for arrays, line in wrong:
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=line):
            here(folder, path)
    np.savez(path, inputs=np.zeros((1, 2, 3)))
    content = (folder / "student.onnx").read_bytes()
    for harm, line in [
        (lambda: (folder / "student.onnx").write_bytes(content[:-9]), "student.onnx is unreadable"),
        ((folder / "student.onnx").unlink, "neither student.onnx nor student.stablehlo"),
        (lambda: path.write_bytes(b"PK"), "new.npz is unreadable"),
        ((folder / "preprocessing.json").unlink, "preprocessing.json is unreadable"),
    ]:
        harm()
        with pytest.raises(ValueError, match=line):
            here(folder, path)


def test_images_of_files_and_folders(tmp_path, here, elsewhere):
    folder = student(tmp_path / "s", IMAGES, [2, 2, 3], "uint8")
    pixels = [drawn(seed, 2, 2) // 16 for seed in range(2)]  # small, lest a probability be 1
    gray, plain = drawn(2, 2, 2, 1) // 16, np.full((6, 10, 3), [9, 0, 5], np.uint8)
    files = {"b/é,x.png": encoded(pixels[0]), "a/2.PNG": encoded(pixels[1])}
    files |= {"c.png": encoded(gray), "a/10.bmp": encoded(plain, "bmp")}
    write_folder(tmp_path / "new", files | {".hidden.png": b"", "a/notes.txt": b"", "empty/": b""})
    images = [plain[:2, :2], pixels[1], pixels[0], np.repeat(gray[..., None], 3, 2)]
    names = ["a/10.bmp", "a/2.PNG", "b/é,x.png", "c.png"]
    ended = elsewhere(folder, tmp_path / "new")  # NumPy, onnxruntime and Pillow without kd_jax
    assert (ended.returncode, ended.stderr) == (0, b"")
    check(ended.stdout.decode("utf-8"), images, names)
    chosen = [str(tmp_path / "new" / name) for name in ("c.png", "a/2.PNG")]
    check(here(folder, *chosen), [images[3], images[1]], chosen)
    np.savez(tmp_path / "new.npz", inputs=np.stack(images))
    check(here(folder, tmp_path / "new.npz"), images)


def test_faults_of_images(tmp_path, here):
    how = {"kind": "images", "size": None, "channels": 1}
    folder = student(tmp_path / "s", how, [2, 3, 1], "uint8")
    gray, wide = drawn(0, 2, 3, 1) // 16, encoded(drawn(0, 3, 4, 1))
    files = {"gray.png": encoded(gray), "wide.png": wide, "cut.png": encoded(gray)[:40]}
    new = write_folder(tmp_path / "new", files | {"red.png": encoded(drawn(1, 2, 3)), "a.txt": b""})
    check(here(folder, new / "gray.png"), [gray], [str(new / "gray.png")])
    (tmp_path / "none").mkdir()
    for path, line in [
        (new / "wide.png", "wide.png has 4 × 3 pixels: expected 3 × 2"),
        (new / "cut.png", "cut.png is unreadable"),
        (new, "cut.png is unreadable"),
        (new / "red.png", "red.png has colors and the student learned from gray images"),
        (new / "a.txt", "a.txt is no image: expected a folder, or files .png"),
        (tmp_path / "none", "none holds no images"),
    ]:
        with pytest.raises(ValueError, match=line):
            here(folder, path)


def test_packages_that_are_not_installed_are_named(tmp_path, here, monkeypatch):
    folder, find = student(tmp_path / "s", IMAGES, [2, 2, 3], "uint8"), importlib.util.find_spec
    new = write_folder(tmp_path / "new", {"a.png": encoded(drawn(0, 2, 2))})
    for package, line in [("onnxruntime", "student.onnx needs a package: pip install onnxruntime"),
                          ("PIL", "images need a package: pip install pillow")]:  # fmt: skip
        absent = lambda name, gone=package: None if name == gone else find(name)  # noqa: E731
        monkeypatch.setattr(importlib.util, "find_spec", absent)
        with pytest.raises(ValueError, match=line):
            here(folder, new)
