"""Teachers in files give what NumPy gives of their weights; other files are one line."""

import sys

import jax
import jax.export
import numpy as np
import pytest

from kd_jax.command import source_files
from kd_jax.distill import given_teachers, teacher_files
from kd_jax.errors import InputError

INPUTS = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
KERNEL = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)


def write_onnx(path, *names):
    """The product of the first input with KERNEL, as the makers of ONNX write it."""
    onnx = pytest.importorskip("onnx", reason="needs the extra export")
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", [names[0], "kernel"], ["logits"])],
        "linear",
        [onnx.helper.make_tensor_value_info(name, kind, ["N", 4]) for name in names],
        [onnx.helper.make_tensor_value_info("logits", kind, ["N", 3])],
        [onnx.numpy_helper.from_array(KERNEL, "kernel")],
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), path)


def test_an_onnx_file(tmp_path):
    write_onnx(tmp_path / "one.onnx", "x")
    found = teacher_files.onnx(tmp_path / "one.onnx")
    for inputs in (INPUTS, INPUTS.astype(np.float64)):
        logits = given_teachers.ask("onnx", found, inputs, batch_size=5)
        np.testing.assert_allclose(logits, INPUTS @ KERNEL, rtol=1e-5, atol=1e-6)
    write_onnx(tmp_path / "two.onnx", "x", "mask")
    with pytest.raises(InputError, match="has the inputs x, mask: expected one"):
        teacher_files.onnx(tmp_path / "two.onnx")


def test_a_stablehlo_file(tmp_path):
    (batch,) = jax.export.symbolic_shape("b")
    shape = jax.ShapeDtypeStruct((batch, 4), np.float32)
    exported = jax.export.export(jax.jit(lambda x: x @ KERNEL))(shape)
    (tmp_path / "mine.stablehlo").write_bytes(exported.serialize())
    found = teacher_files.stablehlo(tmp_path / "mine.stablehlo")
    logits = given_teachers.ask("stablehlo", found, INPUTS, batch_size=5)
    np.testing.assert_allclose(logits, INPUTS @ KERNEL, rtol=1e-5, atol=1e-6)
    exported = jax.export.export(jax.jit(lambda x, y: x + y))(shape, shape)
    (tmp_path / "two.stablehlo").write_bytes(exported.serialize())
    with pytest.raises(InputError, match="has 2 inputs: expected one"):
        teacher_files.stablehlo(tmp_path / "two.stablehlo")


@pytest.mark.parametrize("read", [teacher_files.onnx, teacher_files.stablehlo])
def test_other_files_are_one_line(read, tmp_path):
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "other").write_bytes(b"no graph at all" * 9)
    for path in (tmp_path / "empty", tmp_path / "other", tmp_path / "missing", tmp_path):
        with pytest.raises(InputError, match="can be read") as error:
            read(path)
        assert "\n" not in str(error.value)


def test_a_module_may_lie_in_the_folder_that_the_program_runs_in(tmp_path, monkeypatch):
    (tmp_path / "mine_of_here").mkdir()
    (tmp_path / "mine_of_here" / "teaching.py").write_text("def half(x):\n    return x / 2\n")
    (tmp_path / "operator.py").write_text("def neg(x):\n    return 'shadowed'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])
    assert teacher_files.function("mine_of_here.teaching:half")(42) == 21
    assert teacher_files.function("operator:neg")(3) == -3
    assert source_files.digest("mine_of_here.teaching:half") != source_files.digest("operator:neg")


def test_functions_by_their_place(tmp_path):
    (tmp_path / "beside.py").write_text("FACTOR = 2\n")
    (tmp_path / "my teacher.py").write_text(
        "import beside\n\ndef double(x):\n    return beside.FACTOR * x\n\nNUMBER = 3\n"
    )
    place = f"{tmp_path}/my teacher.py"
    assert teacher_files.function(f"{place}:double")(21) == 42
    assert teacher_files.function("operator:neg")(3) == -3
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "needs.py").write_text("import no_such_package\n")
    for where, said in [
        (place, "expected file.py:function"),
        (f"{place}:triple", "has no triple"),
        (f"{place}:NUMBER", "is int: expected a function"),
        (f"{tmp_path}/absent.py:f", "there is no such file"),
        (f"{tmp_path}/broken.py:f", "SyntaxError"),
        (f"{tmp_path}/needs.py:f", "no_such_package"),
        ("no_such_package.part:f", "no_such_package"),
        (":f", "expected file.py:function"),
    ]:
        with pytest.raises(InputError, match=said) as error:
            teacher_files.function(where)
        assert "\n" not in str(error.value)
