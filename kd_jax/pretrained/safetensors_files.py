"""The tensors of a model folder's .safetensors files: each in one file, and none read twice."""

import json
import os
import pathlib
from typing import Any

import ml_dtypes
import numpy as np
from safetensors import SafetensorError, safe_open

from kd_jax import paths
from kd_jax.errors import InputError, brief, once, require
from kd_jax.pretrained.settings import shown
from kd_jax.pretrained.stored import OpenFile, Stored

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
LENGTH = 8  # bytes of a number, how long the header is
DTYPES: dict[str, Any] = {
    "BOOL": "?", "U8": "<u1", "I8": "<i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4",
    "U64": "<u8", "I64": "<i8", "F16": "<f2", "BF16": ml_dtypes.bfloat16, "F32": "<f4",
    "F64": "<f8", "C64": "<c8",
}  # fmt: skip
SHARD, MOST = "model-{:05}-of-{:05}.safetensors", 2_000_000_000  # of several files


def read(folder: str | os.PathLike) -> dict[str, Stored]:
    """{name: tensor} of all safetensors files of the folder, on disk until somebody reads it.

    With a model.safetensors.index.json they are the files that it names.

    Raises:
        InputError: there is none, one is missing or damaged, two hold the same tensor, or the index
            names one that is not in its file.
    """
    found: dict = {}
    owners: dict = {}
    files, places = _shards(pathlib.Path(folder))
    for path in files:
        require(paths.has_file(path), f"{path} is missing: {INDEX} names it")
        for name, tensor in _tensors(path):
            require(
                name not in found,
                f"{folder}: tensor '{shown(name)}' lies in {owners.get(name)} and in {path.name}: "
                "expected it once; move the file that is not meant elsewhere",
            )
            found[name], owners[name] = tensor, path.name
    for name, place in places.items():
        lies = f"lies in {owners[name]}" if name in owners else "is in none of its files"
        require(
            owners.get(name) == place, f"{folder}: {INDEX} says that tensor '{shown(name)}' is in "
            f"{place}, but it {lies}: the index is of other files; get both again",
        )  # fmt: skip
    return found


def _tensors(path):
    """(name, Stored) of one file."""
    try:
        file = OpenFile(path)
        with safe_open(path, framework="numpy") as checked:  # it checks sizes and places
            names = list(checked.keys())
        same = os.path.samestat(os.fstat(file.number), os.stat(path))
        require(same, f"{path} was replaced while it was read: read it again")
        (length,) = np.asarray(Stored(file, 0, "<u8", [1])).tolist()
        content = np.asarray(Stored(file, LENGTH, np.uint8, [length])).tobytes()
        first, header = LENGTH + length, _header(content, path)
        for name in names:
            said = header[name]
            kind = said["dtype"]
            require(
                not kind.startswith(("F8_", "F6_", "F4_")) and kind != "F4",
                f"{path}: tensor '{shown(name)}' holds {kind}, which is quantized: expected "
                "float32, float16 or bfloat16; get the model unquantized",
            )
            begin, _ = said["data_offsets"]
            yield name, Stored(file, first + begin, DTYPES[kind], said["shape"])
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read ({brief(error)})") from None
    except (SafetensorError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged ({brief(error)}): get it again") from None


def _header(content, path):
    """What the beginning of a file says of its tensors."""
    try:
        return json.loads(content, object_pairs_hook=once)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _shards(folder):
    """(the files that hold a folder's tensors, {tensor: its file} as an index says)."""
    index = folder / INDEX
    if not paths.has_file(index):
        files = sorted(folder.glob("*.safetensors"))
        require(files, f"{folder} has no .safetensors file: expected the model's weights in one")
        return files, {}
    try:
        places = dict(json.loads(index.read_bytes(), object_pairs_hook=once)["weight_map"].items())
        names = set(places.values())
    except OSError as error:
        raise InputError(f"{index} cannot be read ({brief(error)})") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{index} has no weight_map ({brief(error)}): get it again") from None
    for name in names:
        own = isinstance(name, str) and pathlib.PurePath(name).name == name
        require(own, f"{index} names the file {shown(name)!r}: expected one in the same folder")
    if not paths.has_file(folder / WHOLE) or WHOLE in names:
        return [folder / name for name in sorted(names)], places
    both = any((folder / name).is_file() for name in names)
    require(
        not both,
        f"{folder} holds {WHOLE} and the files of {INDEX}: which of the two is the model? "
        "move the other elsewhere",
    )
    return [folder / WHOLE], {}  # the index is left of a model that lay there before


def write(folder: pathlib.Path, arrays: dict[str, np.ndarray], most: int = MOST) -> None:
    """Write model.safetensors, so that `read` gives these arrays whatever else lies there.

    More than `most` bytes are several files, which an index names. So it does with the one file
    where the folder has an index, or other .safetensors files; those of a model that was there
    before are left where they are, but for a model.safetensors beside several files.

    Args:
        folder: exists.
        arrays: {name: array}.
        most: bytes of a file, unless one array has more.
    """
    parts = _parts(arrays, most)
    names = [WHOLE] if len(parts) == 1 else [
        SHARD.format(n, len(parts)) for n in range(1, len(parts) + 1)
    ]  # fmt: skip
    for name, part in zip(names, parts):
        partial = folder / f".{name}.partial"
        try:
            _write_file(partial, part)
            partial.replace(folder / name)
        finally:
            partial.unlink(missing_ok=True)
    others = [path for path in folder.glob("*.safetensors") if path.name not in names]
    if others or len(parts) > 1 or (folder / INDEX).exists():
        total = sum(array.nbytes for array in arrays.values())
        where = {key: name for name, part in zip(names, parts) for key in part}
        index = {"metadata": {"total_size": total}, "weight_map": where}
        replace(folder / INDEX, json.dumps(index, indent=2) + "\n")
    if len(parts) > 1:
        (folder / WHOLE).unlink(missing_ok=True)  # which would be another model


def _write_file(path, arrays):
    """Write one file, its tensors in the order given.

    The format leaves their order free, and the library sorts them by name: the layers of one kind,
    which our networks stack, would lie apart, and had to be copied whenever they are read.
    """
    names = {np.dtype(kind): name for name, kind in DTYPES.items()}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        said = {"dtype": names[array.dtype], "shape": array.shape, "data_offsets": (begin, end)}
        header[name] = said
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % LENGTH)  # so that numbers of 8 bytes lie where they may
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(LENGTH, "little") + text)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def _parts(arrays, most):
    """The arrays in order, in dicts of at most so many bytes each."""
    parts: list[dict] = [{}]
    room = most
    for name, array in arrays.items():
        if parts[-1] and array.nbytes > room:
            parts.append({})
            room = most
        parts[-1][name] = array
        room -= array.nbytes
    return parts


def replace(path: pathlib.Path, text: str) -> None:
    """Write a text file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
