"""Mapping of parameter names and orientations to other libraries' files, in both directions."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np


class Entry(NamedTuple):
    """One array: its path in our params, its name in the file, and its shape there.

    A name with {} stands for one tensor per layer, which our array stacks, [layers, …]. Matrices
    whose path ends in "kernel" or "head" map vectors from the left here, from the right there.
    Where one tensor holds several arrays, one below the other, `rows` is (the first row of this
    one, how many there are in all), and the arrays' Entries stand in that order.
    """

    ours: tuple
    theirs: str
    shape: tuple
    rows: tuple[int, int] | None = None


def dense(ours: tuple, theirs: str, inputs: int, outputs: int, bias: bool = True) -> list[Entry]:
    """The Entries of a linear layer."""
    kernel = Entry((*ours, "kernel"), f"{theirs}.weight", (outputs, inputs))
    return [kernel] + [Entry((*ours, "bias"), f"{theirs}.bias", (outputs,))] * bias


def fused(theirs: str, several: Iterable[Entry]) -> list[Entry]:
    """The Entries of arrays that are one tensor in the file, one below the other."""
    parts = list(several)
    ends = np.cumsum([entry.shape[0] for entry in parts]).tolist()
    return [
        entry._replace(theirs=theirs, rows=(end - entry.shape[0], ends[-1]))
        for entry, end in zip(parts, ends)
    ]


def norm(ours: tuple, theirs: str, width: int, bias: bool = True) -> list[Entry]:
    """The Entries of a normalization."""
    scale = Entry((*ours, "scale"), f"{theirs}.weight", (width,))
    return [scale] + [Entry((*ours, "bias"), f"{theirs}.bias", (width,))] * bias


def params(entries: Iterable[Entry], layers: int, take: Callable) -> dict:
    """Our parameters from another library's tensors.

    Args:
        entries: of all arrays.
        layers: how many tensors an array of layers is stacked of.
        take: (name, *shape, out=None) -> the tensor, written into `out` if that is given.
    """
    found: dict = {}
    for entry in entries:
        *path, last = entry.ours
        within = found
        for part in path:
            within = within.setdefault(part, {})
        if "{}" in entry.theirs:
            array = _stacked(entry, take, layers)
        else:
            array = _taken(entry, take)
        within[last] = _transposed(entry, array)
    return found


def _stacked(entry, take, layers):
    """The tensors of all layers as one array, each written to its place there."""
    ends = {n: _taken(entry, take, n) for n in (0, layers - 1)}  # so many are there, as is said
    stack = np.empty((layers, *entry.shape), np.float32)
    for n, out in enumerate(stack):
        if n in ends or entry.rows:
            out[...] = ends[n] if n in ends else _taken(entry, take, n)
        else:
            take(entry.theirs.format(n), *entry.shape, out=out)
    return stack


def _taken(entry, take, layer=""):
    """The tensor of an Entry, or its part of one."""
    name, rows = entry.theirs.format(layer), entry.shape[0]
    if entry.rows is None:
        return take(name, *entry.shape)
    first, all_rows = entry.rows
    return take(name, all_rows, *entry.shape[1:])[first : first + rows]


def tensors(entries: Iterable[Entry], params: Any) -> dict[str, np.ndarray]:
    """{name: float32 array in the file's orientation} of our parameters."""
    found = {}
    for entry in entries:
        array = params
        for part in entry.ours:
            array = array[part]
        each = enumerate(array) if "{}" in entry.theirs else [("", array)]
        for n, one in each:
            name = entry.theirs.format(n)
            part = np.ascontiguousarray(_transposed(entry, np.asarray(one, np.float32)))
            above = [found[name]] if entry.rows and entry.rows[0] else []
            found[name] = np.concatenate([*above, part])
    return found


def _transposed(entry, array):
    return np.swapaxes(array, -1, -2) if entry.ours[-1] in ("kernel", "head") else array
