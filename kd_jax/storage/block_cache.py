"""Disk cache for large arrays: computed in blocks, resumable, memory-mapped.

    folder/<fingerprint of the facts>/  NAME.npy …  blocks.json

blocks.json says of every block that is whole on disk what its digest is; what a killed process was
writing is not in it and is computed again. The arrays are read through memory maps: what nobody
looks at is not in memory.
"""

import json
import os
import pathlib
import shutil
from collections.abc import Callable

import numpy as np

from kd_jax import fingerprint
from kd_jax.errors import InputError, require, unreadable
from kd_jax.runtime import hosts, progress
from kd_jax.storage import locks, whole_file

ADVICE = "delete that folder"


def cached(
    folder: str | os.PathLike,
    facts: dict,
    rows: int,
    size: int,
    blocks: Callable,
    *,
    again: bool = False,
    label: str,
) -> dict[str, np.ndarray]:
    """{name: array [rows, …]}, read-only memory maps of what `blocks` gives.

    Args:
        folder: where the cache lies.
        facts: JSON-like, all that the arrays depend on besides
            fingerprint.surroundings.
        rows: how many in all.
        size: rows of a block.
        blocks: (first=n) -> iterator of {name: array [size or fewer, …]}, the rows from the n-th
            on; n is a multiple of `size`.
        again: compute even what is there.
        label: of the progress bar.

    Raises:
        InputError: a file is missing, corrupted or of other facts, or cannot be written.
    """
    facts = {**facts, **fingerprint.surroundings()}
    path = pathlib.Path(folder) / f"arrays-{fingerprint.of(facts)}"
    try:
        with locks.alone(path):
            if hosts.first_host():
                _complete(path, facts, rows, size, blocks, again, label)
            hosts.wait("cached")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
    return _open(path, _seal(path, facts)["arrays"])


def _complete(path, facts, rows, size, blocks, again, label):
    """Check the blocks that are there and write those that are missing."""
    seal = {"facts": facts, "arrays": {}, "digests": []}
    if (path / "blocks.json").exists() and not again:
        seal = _seal(path, facts)
        maps = _open(path, seal["arrays"])
        for number, digest in enumerate(seal["digests"]):
            found = fingerprint.arrays(_block(maps, number * size, size))
            require(found == digest, f"{path} is corrupted (a block's digest differs): {ADVICE}")
    first = len(seal["digests"]) * size
    if first >= rows:
        return
    if not first:  # what may lie there is of no block
        shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, exist_ok=True)
    with progress.bar(label, rows, "row") as report:
        for block in blocks(first=first):
            _append(path, seal, block, first, rows)
            first = min(first + size, rows)
            report(first)


def _append(path, seal, block, first, rows):
    """Write one block, then say in blocks.json that it is there."""
    if not seal["arrays"]:
        seal["arrays"] = {n: [[rows, *x.shape[1:]], x.dtype.str] for n, x in block.items()}
    maps = _open(path, seal["arrays"], create=True)
    for name, values in block.items():  # a full disk would kill who writes through a map
        with open(path / f"{name}.npy", "r+b") as file:
            file.seek(maps[name].offset + first * maps[name].strides[0])
            file.write(np.ascontiguousarray(values).tobytes())
    seal["digests"].append(fingerprint.arrays(block))
    with whole_file.written(path / "blocks.json") as file:
        json.dump(seal, file)


def _block(maps, first, size):
    return {name: np.asarray(x[first : first + size]) for name, x in maps.items()}


def _seal(path, facts):
    """What blocks.json says. Raises: InputError when it is unreadable or of other facts."""
    try:
        seal = json.loads((path / "blocks.json").read_text(encoding="utf-8"))
        found = dict(seal["facts"])
        _, _ = seal["arrays"], seal["digests"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise unreadable(f"{path}/blocks.json", error, ADVICE) from None
    require(found == facts, f"{path} is {fingerprint.mismatch(found, facts)}: {ADVICE}")
    return seal


def _open(path, arrays, create=False):
    """{name: read-only memory map} of the arrays' files, those that are missing made if wanted."""
    found = {}
    for name, (shape, dtype) in arrays.items():
        file = path / f"{name}.npy"
        if create and not file.exists():
            np.lib.format.open_memmap(file, "w+", np.dtype(dtype), tuple(shape))
        try:
            found[name] = np.load(file, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # what reads the header, Python's own parser, raises its own
            raise unreadable(str(file), error, ADVICE) from None
        right = list(found[name].shape) == shape and found[name].dtype.str == dtype
        require(right, f"{file} is of another shape than blocks.json says: {ADVICE}")
    return found
