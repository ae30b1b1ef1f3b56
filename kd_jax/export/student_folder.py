"""The folder of a student, written whole and read again.

student.stablehlo, student.onnx, student.safetensors + student.json, student_int8.*
preprocessing.json    the names of classes, the inputs, and how files become inputs
predict.py, preprocessing.py, for images also image_names.py and image_decoding.py
"""

import importlib.util
import json
import os
import pathlib
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.export

from kd_jax import paths
from kd_jax.data import image_names, preprocessing
from kd_jax.errors import DAMAGED, InputError, brief, once, require, unreadable
from kd_jax.export import folders, formats, predict, student_files
from kd_jax.models import Model

if TYPE_CHECKING:
    from kd_jax.export.network import Network

VERSION = 1
WRITER = "save or export of a network"
FACTS = "preprocessing.json"
KINDS: dict[str, set[str]] = {"table": {"columns"}, "images": {"size", "channels"}, "arrays": set()}
DTYPES = ("float32", "uint8")
SUFFIXES = ".stablehlo", ".onnx", ".safetensors", ".json"
PROGRAMS = [pathlib.Path(predict.__file__), pathlib.Path(preprocessing.__file__)]
NAMES = pathlib.Path(image_names.__file__)
FOR_IMAGES = [NAMES, NAMES.with_name("image_decoding.py")]  # which is not imported: it needs Pillow


def write(network: "Network", out: str | os.PathLike, wanted: Sequence[str]) -> list[str]:
    """Write the folder, whole or not at all; see network.Network.export.

    Args:
        network: what is exported.
        out: the folder.
        wanted: of student_files.FORMATS.

    Returns:
        The names of the files with the network.
    """
    out = pathlib.Path(out).expanduser()
    student_files.check_formats(wanted)
    folders.check(out, by=WRITER)
    _check_network(network)
    with folders.written_whole(out, WRITER) as folder:
        names = student_files.write(folder, network, wanted)
        write_programs(folder, network)
    return names


def write_programs(folder: pathlib.Path, network: "Network") -> None:
    """Write predict.py and what it reads beside the files with a network.

    Args:
        folder: That they lie in.
        network: Whose classes and inputs they are for.
    """
    about = {
        "version": VERSION,
        "preprocessing": network.preprocessing,
        "classes": list(map(str, network.classes)),
        "shape": list(map(int, network.shape or ())),
        "dtype": network.dtype,
    }
    (folder / FACTS).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    for file in PROGRAMS + (FOR_IMAGES if network.preprocessing["kind"] == "images" else []):
        shutil.copyfile(file, folder / file.name)


def facts(folder: str | os.PathLike) -> dict[str, Any]:
    """What a folder's preprocessing.json says: "preprocessing", "classes", "shape" and "dtype".

    Args:
        folder: of `write`.

    Raises:
        InputError: the folder is none of these, the file is damaged, or of a newer kd_jax.
    """
    path = paths.given(folder) / FACTS
    require(path.is_file(), f"{folder} holds no saved student: expected a folder with {FACTS}")
    try:
        found = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)
        version = int(found["version"])
        require(version > VERSION or _is_whole(found), "it says other things")
    except DAMAGED as error:
        raise unreadable(str(path), error, "save the student again") from None
    require(version <= VERSION, f"{path} is of a newer kd_jax (version {version}): update kd_jax")
    return found


def _is_whole(found):
    names = all(isinstance(name, str) for name in found["classes"])
    lengths = all(isinstance(length, int) for length in found["shape"])
    known = found["preprocessing"]["kind"] in KINDS and found["dtype"] in DTYPES
    return names and lengths and known


def read(folder: str | os.PathLike, facts: dict[str, Any]) -> tuple[Model, Any]:
    """The network of a folder and its variables.

    Args:
        folder: of `write`.
        facts: of its preprocessing.json.

    Returns:
        A network of this package as it was, where safetensors is installed; of another's the
        function of student.stablehlo, without variables.

    Raises:
        InputError: the file is missing or damaged.
    """
    path = pathlib.Path(folder).expanduser() / student_files.TENSORS
    restored = path.exists() and importlib.util.find_spec("safetensors")
    advice = f"save the student again, or delete it: {student_files.STABLEHLO} serves too"
    if not restored:
        path, advice = path.with_name(student_files.STABLEHLO), "save the student again"
    try:
        read = formats.read_safetensors if restored else _exported
        model, variables = read(path.parent, path.stem)
        _check_logits(model, variables, facts["shape"], facts["dtype"], len(facts["classes"]))
        return model, variables
    except Exception as error:  # safetensors, flatbuffers and the compiler raise their own
        raise unreadable(str(path), error, advice) from None


def _exported(folder, stem):
    """A Model of logits alone, and no variables, from a function that jax.export wrote."""
    content = (folder / f"{stem}.stablehlo").read_bytes()
    exported = jax.export.deserialize(bytearray(content))

    def init(key):
        return {"params": {}, "state": {}}

    def apply(variables, inputs, train=False, key=None):
        return (exported.call(inputs), {}), variables["state"]

    return Model(init, apply), init(None)


def _check_network(network):
    """InputError unless a network is for what it says."""
    listed = hasattr(network.classes, "__len__") and not isinstance(network.classes, str)
    got = f"classes={network.classes!r:.60}"
    require(listed, f"kd.Network has {got}: expected a list of names, one of each class")
    known = network.shape is not None and len(network.classes)
    require(
        known, "this Network has no shape or no classes: kd.Network(…, classes, shape) has them"
    )
    how, shape, dtype = network.preprocessing, tuple(network.shape), network.dtype
    kind = how.get("kind")
    require(
        kind in KINDS and how.keys() == {"kind", *KINDS[kind]},
        f"preprocessing is {preprocessing.shown(how)}: expected a kind, one of {', '.join(KINDS)}, "
        "and its settings",
    )
    require(dtype in DTYPES, f"dtype is {dtype}: expected one of {', '.join(DTYPES)}")
    if kind == "images":
        pixels = len(shape) == 3 and shape[2] == how["channels"] and dtype == "uint8"
        require(pixels, f"inputs are {dtype} {shape}: expected uint8 (H, W, {how['channels']})")
    try:
        _check_logits(network.model, network.variables, shape, dtype, len(network.classes))
    except InputError:
        raise
    except Exception as error:  # of the user's own functions
        raise InputError(f"the network takes no {dtype} {shape}: {brief(error)}") from None


def _check_logits(model, variables, shape, dtype, classes):
    """InputError unless a network gives a logit per class; or what the network raises."""
    found = jax.eval_shape(model.logits, variables, jax.ShapeDtypeStruct((1, *shape), dtype)).shape
    expected = f"expected (1, {classes}), one of each class"
    require(found == (1, classes), f"the logits of one row are {found}: {expected}")
