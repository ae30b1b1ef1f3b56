"""Mapping of parameter names and orientations to other libraries' files, in both directions."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from kd_jax.pretrained import stored
from kd_jax.pretrained.weights import Weights


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


def params(entries: Iterable[Entry], layers: int, weights: Weights) -> dict:
    """Our parameters, of another library's tensors: whole once `weights` has read them.

    Args:
        entries: of all arrays.
        layers: how many tensors an array of layers is stacked of.
        weights: these tensors.

    Raises:
        InputError: one is missing, or is not what is expected.
    """
    found: dict = {}
    for entry in entries:
        *path, last = entry.ours
        within = found
        for part in path:
            within = within.setdefault(part, {})
        if "{}" in entry.theirs:
            array = _stacked(entry, weights, layers)
        else:
            array = weights.array([entry.theirs], _part(entry, weights, entry.theirs))
        within[last] = _transposed(entry, array)
    return found


def _stacked(entry, weights, layers):
    """The tensors of all layers as one array, a part of the file where they follow each other."""
    names = [entry.theirs.format(n) for n in range(layers)]
    parts = [_part(entry, weights, name) for name in names]
    whole = stored.stacked(parts)
    if whole is not None and layers > 1:
        return weights.array(names, whole)
    stack = np.empty((layers, *entry.shape), np.float32)
    for name, part, out in zip(names, parts, stack):
        weights.array([name], part, out)
    return stack


def _part(entry, weights, name):
    """The tensor of an Entry, or its rows of one."""
    if entry.rows is None:
        return weights.expect(name, *entry.shape)
    first, rows = entry.rows
    return weights.expect(name, rows, *entry.shape[1:])[first : first + entry.shape[0]]


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
