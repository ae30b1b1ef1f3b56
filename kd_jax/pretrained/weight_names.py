"""Which array of ours stands under which name in another library's files, for both directions."""

from typing import NamedTuple

import numpy as np


class Entry(NamedTuple):
    """One array: its path in our params, its name in the file, and its shape there.

    A name with {} stands for one tensor per layer, which our array stacks, [layers, …]. Matrices
    whose path ends in "kernel" or "head" map vectors from the left here, from the right there.
    """

    ours: tuple
    theirs: str
    shape: tuple


def dense(ours, theirs, inputs, outputs, bias=True):
    """The Entries of a linear layer."""
    kernel = Entry((*ours, "kernel"), f"{theirs}.weight", (outputs, inputs))
    return [kernel] + [Entry((*ours, "bias"), f"{theirs}.bias", (outputs,))] * bias


def norm(ours, theirs, width, bias=True):
    """The Entries of a normalisation."""
    scale = Entry((*ours, "scale"), f"{theirs}.weight", (width,))
    return [scale] + [Entry((*ours, "bias"), f"{theirs}.bias", (width,))] * bias


def params(entries, layers, take):
    """Our params from the tensors that take(name, *shape) gives."""
    found = {}
    for entry in entries:
        *path, last = entry.ours
        within = found
        for part in path:
            within = within.setdefault(part, {})
        if "{}" in entry.theirs:
            each = (take(entry.theirs.format(n), *entry.shape) for n in range(layers))
            within[last] = np.stack([_turned(entry, array) for array in each])
        else:
            within[last] = _turned(entry, take(entry.theirs, *entry.shape))
    return found


def tensors(entries, params):
    """{name: float32 array in the file's orientation} of our params."""
    found = {}
    for entry in entries:
        array = params
        for part in entry.ours:
            array = array[part]
        each = enumerate(array) if "{}" in entry.theirs else [("", array)]
        for n, one in each:
            name = entry.theirs.format(n)
            found[name] = np.ascontiguousarray(_turned(entry, np.asarray(one, np.float32)))
    return found


def _turned(entry, array):
    return array.T if entry.ours[-1] in ("kernel", "head") else array
