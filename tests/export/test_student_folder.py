"""A student's folder: each file gives NumPy's logits, nothing is half-written or overwritten."""

import csv
import io
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra export")

import jax
import jax.export
import one_process
from drawn_images import encoded, write_folder
from safetensors.numpy import load_file

import kd_jax as kd
from kd_jax import models
from kd_jax.errors import InputError
from kd_jax.export import folders, formats, student_folder, verify
from kd_jax.export.network import Network

RANDOM = np.random.default_rng(5)
MEAN, SCALE = (100.0, 120.5, 90.0), (0.01, 0.02, 0.015)
KERNEL, BIAS = RANDOM.normal(size=(12, 3)).astype("f"), RANDOM.normal(size=3).astype("f")
CLASSES = ["cat, tabby", "dog", "naïve"]
IMAGES = RANDOM.integers(256, size=(5, 2, 2, 3), dtype=np.uint8)
LOGITS = ((IMAGES - np.array(MEAN)) * SCALE).reshape(5, 12) @ np.float64(KERNEL) + BIAS
LISTED = {folders.LIST}
PROGRAMS = {"predict.py", "preprocessing.py", "image_decoding.py", "image_names.py"}
TENSORS = {"student.stablehlo", "student.safetensors", "student.json", "preprocessing.json"}
INT8 = {"student_int8.stablehlo", "student_int8.safetensors", "student_int8.json"}
HOW = {"kind": "images", "size": 2, "channels": 3}


def network():
    """Standardization and a dense layer."""
    layer = {"logits": {"kernel": KERNEL, "bias": BIAS}}
    model = models.standardized(models.functional(models.MLP((), 3), (2, 2, 3)), MEAN, SCALE)
    return Network(model, {"params": layer, "state": {}}, CLASSES, (2, 2, 3), "uint8", HOW)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def stablehlo(path):
    return jax.export.deserialize(bytearray(path.read_bytes())).call(IMAGES)


def close(found, expected, within=1e-5):
    assert np.abs(np.asarray(found) - expected).max() <= within * np.abs(expected).max()


def test_every_file_gives_the_logits(tmp_path, capsys, monkeypatch):
    one_process.verified_here(monkeypatch)
    out = tmp_path / "runs" / "student"
    names = network().export(out, "int8")
    assert names[:2] == ["student.stablehlo", "student.safetensors"] and len(names) == 4
    assert {path.name for path in out.iterdir()} == PROGRAMS | TENSORS | INT8 | LISTED
    assert list(out.parent.iterdir()) == [out] and capsys.readouterr().err == ""
    close(stablehlo(out / "student.stablehlo"), LOGITS)
    tensors = load_file(out / "student.safetensors")
    np.testing.assert_array_equal(tensors["params.logits.kernel"], KERNEL)
    # a weight is off by 1/254 of the largest of its column at most
    inputs = np.abs((IMAGES - np.array(MEAN)) * SCALE).reshape(5, 12)
    most = inputs.sum(1, keepdims=True) * np.abs(KERNEL).max(0) / 254
    off = np.abs(stablehlo(out / "student_int8.stablehlo") - LOGITS)
    assert (off <= most + 1e-4).all() and off.max() > 1e-4
    for path in student_folder.PROGRAMS + student_folder.FOR_IMAGES:
        assert (out / path.name).read_bytes() == path.read_bytes()


def test_an_earlier_export_is_replaced_and_nothing_else(tmp_path, monkeypatch):
    one_process.verified_here(monkeypatch)
    out = tmp_path / "student"
    out.mkdir()  # empty
    network().export(out, "int8")
    (tmp_path / "link").symlink_to(out)
    (out / "__pycache__").mkdir()
    changed = network()._replace(classes=["a", "b", "c"], preprocessing={"kind": "arrays"})
    changed.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and kd.load(out).classes == ["a", "b", "c"]
    assert {path.name for path in out.iterdir()} == TENSORS | {
        "predict.py",
        "preprocessing.py",
    } | LISTED
    (out / "notes.txt").write_text("mine")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "predict.py").write_text("mine too")
    (tmp_path / "file").write_text("mine as well")
    for place, line in [
        (out, r"student holds other files \(notes.txt\): expected a new folder"),
        (tmp_path / "code", r"code holds other files \(predict.py\): expected a new folder"),
        (tmp_path / "file", "file is a file: expected a new folder"),
        (tmp_path / "file" / "student", "student cannot be written"),
    ]:
        before = contents(place) if place.is_dir() else {}
        with pytest.raises(InputError, match=line):
            network().save(place)
        assert before == (contents(place) if place.is_dir() else {})
    assert (tmp_path / "file").read_text() == "mine as well"


def test_what_differs_or_is_not_converted_is_left_out_with_its_reason(
    tmp_path, monkeypatch, capsys
):
    def unreliable(path, inputs):
        logits, cost = one_process.in_this_process(path, inputs)
        return logits + (path.suffix == ".safetensors") * np.abs(logits).max(), cost

    def unknown(*_):
        raise formats.NotConverted("No plugins registered for primitive 'sort'\nand so on")

    monkeypatch.setattr(verify, "logits_and_cost", unreliable)
    monkeypatch.setattr(formats, "onnx", unknown)
    assert network().export(tmp_path / "student", "onnx") == ["student.stablehlo"]
    assert capsys.readouterr().err.splitlines() == [
        "student.onnx is left out: this network cannot be converted (No plugins registered for "
        "primitive 'sort' and so on)",
        "student.safetensors is left out: read again it differs by 1.0e+00 of the largest logit, "
        "expected 1e-05 at most",
    ]
    here = {path.name for path in (tmp_path / "student").iterdir()}
    assert here == PROGRAMS | {"student.stablehlo", "preprocessing.json"} | LISTED
    close(kd.load(tmp_path / "student").logits(IMAGES), LOGITS)


def test_nothing_is_left_of_an_export_that_fails(tmp_path, monkeypatch):
    def broken(path, inputs):
        raise InputError(f"{path.name} cannot be read again in a process of its own (killed)")

    one_process.verified_here(monkeypatch)
    network().save(tmp_path / "student")
    before = contents(tmp_path / "student")
    monkeypatch.setattr(verify, "logits_and_cost", broken)
    for place in ("student", "another"):
        with pytest.raises(InputError, match="nothing is exported: student.stablehlo cannot be"):
            network()._replace(classes=["a", "b", "c"]).save(tmp_path / place)
    assert [path.name for path in tmp_path.iterdir()] == ["student"]
    assert contents(tmp_path / "student") == before


@pytest.mark.slow
def test_onnx_of_a_convolutional_student_predicts_images(tmp_path):
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    net = models.functional(models.ConvNet((4, 8), (1, 2), 3), (8, 8, 3))
    model = models.standardized(net, MEAN, SCALE)
    variables = model.init(jax.random.key(0))
    student = Network(
        model, variables, CLASSES, (8, 8, 3), "uint8", {"kind": "images", "size": 8, "channels": 3}
    )
    names = student.export(tmp_path / "student", "onnx", "int8")
    assert names[1] == "student.onnx" and len(names) == 5
    (tmp_path / "student" / "student.stablehlo").unlink()  # ONNX alone
    images = RANDOM.integers(256, size=(130, 8, 8, 3), dtype=np.uint8)
    new = {f"{number:03}.png": encoded(image) for number, image in enumerate(images)}
    write_folder(tmp_path / "new", new)
    command = [sys.executable, "-I", tmp_path / "student" / "predict.py", tmp_path / "new"]
    ended = subprocess.run(command, capture_output=True, check=True, cwd=tmp_path)
    _, *rows = csv.reader(io.StringIO(ended.stdout.decode("utf-8"), newline=""))
    inputs = ((images - np.array(MEAN)) * SCALE).astype(np.float32)
    logits = np.float64(net.logits(variables, inputs))  # without what stands before the network
    powers = np.exp(logits - logits.max(1, keepdims=True))
    found = [[float(p) for p in row[2:]] for row in rows]
    np.testing.assert_allclose(found, powers / powers.sum(1, keepdims=True), rtol=1e-3, atol=1e-6)
    assert [row[:2] for row in rows] == [
        [name, CLASSES[most]] for name, most in zip(sorted(new), logits.argmax(1))
    ]
