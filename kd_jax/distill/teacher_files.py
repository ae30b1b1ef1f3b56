"""Teachers in files: ONNX, StableHLO, and functions of somebody's Python files, by name."""

import importlib
import importlib.util
import os
import pathlib
import sys
from typing import Any

import numpy as np

from kd_jax.distill.given_teachers import Teacher
from kd_jax.errors import DAMAGED, InputError, brief, extra, require


def onnx(path: str | os.PathLike) -> Teacher:
    """The function of an ONNX file with one input; the first output counts.

    Args:
        path: Of the file.

    Returns:
        inputs -> outputs; inputs are cast to the type that the file asks for.

    Raises:
        InputError: There is no such file, it is no ONNX file, or it has several inputs.
    """
    with extra("export"):
        import onnxruntime  # here, as few need it

    try:
        content = pathlib.Path(path).read_bytes()
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes of its own
        raise InputError(f"{path} is no ONNX file that can be read: {brief(error)}") from None
    names = [given.name for given in session.get_inputs()]
    require(len(names) == 1, f"{path} has the inputs {', '.join(names)}: expected one")
    kind = {"tensor(float16)": np.float16, "tensor(double)": np.float64, "tensor(uint8)": np.uint8}
    dtype = kind.get(session.get_inputs()[0].type, np.float32)
    return lambda inputs: session.run(None, {names[0]: np.asarray(inputs, dtype)})[0]


def stablehlo(path: str | os.PathLike) -> Teacher:
    """The function of one input that jax.export serialized.

    Args:
        path: Of the file.

    Returns:
        inputs -> outputs.

    Raises:
        InputError: There is no such file, it is no such export, or it has several inputs.
    """
    import jax.export

    with extra("export"):
        import flatbuffers  # noqa: F401 (jax.export imports it where it reads)

    try:
        exported = jax.export.deserialize(bytearray(pathlib.Path(path).read_bytes()))
    except Exception as error:  # of flatbuffers and of the compiler
        raise InputError(f"{path} is no export of jax that can be read: {brief(error)}") from None
    count = len(exported.in_avals)
    require(count == 1, f"{path} has {count} inputs: expected one")
    call, dtype = jax.jit(exported.call), exported.in_avals[0].dtype
    return lambda inputs: np.asarray(call(np.asarray(inputs, dtype)))


def function(where: str) -> Any:
    """A function by its place: 'file.py:name' or 'package.module:name'.

    A file's own folder is searched for what it imports, as when it is run.

    Args:
        where: The place.

    Raises:
        InputError: There is no such file, module or name, or it cannot be imported.
    """
    place, _, name = where.rpartition(":")
    require(place and name, f"{where}: expected file.py:function or package.module:function")
    try:
        module = _of_file(pathlib.Path(place)) if place.endswith(".py") else _module(place)
    except (*DAMAGED, ImportError, SyntaxError, NameError) as error:
        what = f"{type(error).__name__}: {brief(error)}"
        raise InputError(f"{where}: {place} cannot be imported ({what})") from error
    found = getattr(module, name, None)
    require(callable(found), f"{where}: {place} has no function {name}")
    return found


def _module(name):
    return importlib.import_module(name)


def _of_file(path):
    require(path.is_file(), f"{path}: there is no such file")
    sys.path.insert(0, str(path.parent.absolute()))
    try:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    finally:
        sys.path.pop(0)
    return module
