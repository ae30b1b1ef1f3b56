"""Teachers in files: ONNX, StableHLO, and functions of somebody's Python files, by name."""

import contextlib
import importlib
import importlib.util
import os
import pathlib
import sys
from typing import Any

import numpy as np

from kd_jax import paths
from kd_jax.distill.given_teachers import Teacher
from kd_jax.errors import InputError, brief, extra, require
from kd_jax.export.network import load


def read(name: str, path: str | os.PathLike) -> Any:
    """The teacher that a path leads to: saved outputs, a network's file or folder.

    Args:
        name: Of the teacher.
        path: Of outputs.npy, of a file .onnx or .stablehlo, or of a folder of kd.load.

    Raises:
        InputError: There is none, or it is damaged.
    """
    path = paths.given(path)
    if path.is_dir():
        return load(path)
    readers = {".npy": _outputs, ".onnx": onnx, ".stablehlo": stablehlo}
    reader = readers.get(path.suffix.lower())
    refuse_pickles(f"teacher {name}", path)
    expected = f"expected a folder that kd.load reads, or a file {', '.join(readers)}"
    if not (reader and path.is_file()):
        raise InputError(f"teacher {name} is the path {path}: {expected}")
    return reader(path)


def refuse_pickles(what: str, path: pathlib.Path) -> None:
    """InputError for a model of scikit-learn or such in a file, with what to do.

    Args:
        what: It is given as.
        path: Of it; loading a pickle runs whatever it holds.
    """
    require(
        path.suffix.lower() not in (".joblib", ".pkl", ".pickle"),
        f"{what} is the pickle {path.name}, which is not loaded here: write a file.py with "
        f'model = joblib.load("{path.name}"), def teach(table): return '
        "model.predict_proba(table.to_pandas()) and teach.classes = list(model.classes_), and give "
        "file.py:teach; see docs/distill.md",
    )


def _outputs(path):
    try:
        return np.load(path, allow_pickle=False)
    except Exception as error:  # each damage has its own
        raise InputError(f"{path} is no array that can be read ({brief(error)})") from None


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
        place = os.fspath(path)  # by which it finds the weights that lie beside it
        session = onnxruntime.InferenceSession(place, providers=["CPUExecutionProvider"])
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

    try:
        exported = jax.export.deserialize(bytearray(pathlib.Path(path).read_bytes()))
    except Exception as error:  # of flatbuffers and of the compiler
        raise InputError(f"{path} is no export of jax that can be read: {brief(error)}") from None
    count = len(exported.in_avals)
    require(count == 1, f"{path} has {count} inputs: expected one")
    call, dtype = jax.jit(exported.call), exported.in_avals[0].dtype
    return lambda inputs: np.asarray(call(np.asarray(inputs, dtype)))


def function(where: str) -> Any:
    """A function by its place, see `value`.

    Raises:
        InputError: As for `value`; what is there is no function.
    """
    found = value(where)
    require(callable(found), f"{where} is {type(found).__name__}: expected a function")
    return found


def value(where: str) -> Any:
    """A value by its place: 'file.py:name' or 'package.module:name'.

    A file's own folder is searched for what it imports, as when it is run; a module may lie in the
    folder that the program runs in.

    Args:
        where: The place.

    Raises:
        InputError: There is no such file, module or name, or it cannot be imported.
    """
    place, _, name = where.rpartition(":")
    require(place and name, f"{where}: expected file.py:function or package.module:function")
    try:
        module = _of_file(pathlib.Path(place)) if place.endswith(".py") else _module(place)
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody's file raises
        what = f"{type(error).__name__}: {brief(error)}"
        raise InputError(f"{where}: {place} cannot be imported ({what})") from error
    require(hasattr(module, name), f"{where}: {place} has no {name}")
    return getattr(module, name)


def _module(name):
    search_here()
    return importlib.import_module(name)


def search_here() -> None:
    """Have modules found in the folder that a program runs in too, after all other places."""
    with contextlib.suppress(OSError):  # of a folder that was deleted
        if os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())


def _of_file(path):
    path = path.expanduser()
    require(os.path.isfile(path), f"{path}: there is no such file")
    sys.path.insert(0, str(path.parent.absolute()))
    spec = importlib.util.spec_from_file_location(f"{path.stem} of {path.absolute()}", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[module.__name__] = module  # where dataclasses look for what annotations name
    try:
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    finally:
        sys.path.pop(0)
    return module
