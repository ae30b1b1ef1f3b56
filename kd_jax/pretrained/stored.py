"""Tensors in a file: mapped, or read all at once and each straight to its place."""

import functools
import math
import mmap
import os
import pathlib
import weakref
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kd_jax.errors import InputError, brief, require

AT_ONCE = 1000  # arrays that one call of the system fills; it takes 1,024


class OpenFile:
    """A file that stays open, and so the same, as long as something of it may be read."""

    def __init__(self, path: pathlib.Path):
        """Open it.

        Args:
            path: The file.
        """
        self.path, self.number = path, os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self.number)

    @functools.cached_property
    def mapped(self) -> np.ndarray:
        """The bytes of the file, which take no memory of their own; writing here changes no file.

        A file that is written over, and not replaced, changes them: so it is with other libraries.
        """
        try:
            return np.frombuffer(mmap.mmap(self.number, 0, access=mmap.ACCESS_COPY), np.uint8)
        except (OSError, ValueError) as error:  # the latter of an empty file
            raise InputError(f"{self.path} cannot be mapped ({brief(error)})") from None

    def read_into(self, start: int, buffers: Sequence[memoryview]) -> None:
        """Fill buffers with bytes of the file that follow each other.

        Args:
            start: The first byte.
            buffers: Of bytes; what is written over the file later does not reach them.

        Raises:
            InputError: The file has not as many, or its disk fails.
        """
        left = [buffer for buffer in buffers if len(buffer)]
        while left:  # a call gives 2 GiB at most
            try:
                count = os.preadv(self.number, left[:AT_ONCE], start)
            except OSError as error:
                raise InputError(f"{self.path} cannot be read ({brief(error)})") from None
            require(count, f"{self.path} became shorter while it was read: get it again")
            start += count
            while left and count >= len(left[0]):
                count -= len(left.pop(0))
            left[:1] = [buffer[count:] for buffer in left[:1]]


class Stored:
    """A tensor in a file; np.asarray reads it."""

    def __init__(self, file: OpenFile, start: int, dtype: Any, shape: Sequence[int]):
        """Nothing is read.

        Args:
            file: Where it lies.
            start: Its first byte there.
            dtype: Of its numbers.
            shape: Likewise.
        """
        self.file, self.start = file, start
        self.dtype, self.shape = np.dtype(dtype), tuple(shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The tensor in memory of its own."""
        found = np.empty(self.shape, self.dtype)
        self.file.read_into(self.start, [_bytes(found)])
        return found if dtype is None else found.astype(dtype, copy=False)

    @property
    def nbytes(self) -> int:
        """The bytes that it takes."""
        return self.dtype.itemsize * math.prod(self.shape)

    def aligned(self) -> bool:
        """Whether its numbers lie where an array's may."""
        return self.start % self.dtype.itemsize == 0

    def view(self) -> np.ndarray:
        """The tensor as a part of the mapped file."""
        content = self.file.mapped[self.start : self.start + self.nbytes]
        require(len(content) == self.nbytes, f"{self.file.path} became shorter: get it again")
        return content.view(self.dtype).reshape(self.shape)

    def __getitem__(self, rows: slice) -> "Stored":
        """Some rows that follow each other, not read either.

        Args:
            rows: From one to another.
        """
        first, end, _ = rows.indices(self.shape[0])
        bytes_of_row = self.dtype.itemsize * math.prod(self.shape[1:])
        shape = max(0, end - first), *self.shape[1:]
        return Stored(self.file, self.start + first * bytes_of_row, self.dtype, shape)


def stacked(tensors: Sequence[Any]) -> Stored | None:
    """Tensors of one shape as one with a leading axis, or None unless they follow each other.

    Args:
        tensors: Stored ones, or else arrays.
    """
    first = tensors[0]
    if not isinstance(first, Stored):
        return None
    each = {(x.file, x.dtype, x.shape, x.start - n * first.nbytes) for n, x in enumerate(tensors)}
    if len(each) > 1:
        return None
    return Stored(first.file, first.start, first.dtype, (len(tensors), *first.shape))


class _Call(NamedTuple):
    """What one call reads: bytes of a file that follow each other, into so many buffers."""

    file: OpenFile
    start: int
    buffers: list[memoryview]


class Reads:
    """Tensors that are to be read into arrays, in as few calls of the system as their places allow.

    Such a call needs nothing of Python that other threads may hold for long.
    """

    def __init__(self, wanted: Sequence[tuple[Stored, np.ndarray]]):
        """Nothing is read.

        Args:
            wanted: (tensor, a contiguous array of its shape, perhaps of another precision).
        """
        self.calls = _calls([pair for pair in wanted if pair[0].dtype == pair[1].dtype])
        self.converted = [pair for pair in wanted if pair[0].dtype != pair[1].dtype]

    def run(self) -> None:
        """Read all.

        Raises:
            InputError: A file became shorter.
        """
        for call in self.calls:
            call.file.read_into(call.start, call.buffers)
        for tensor, out in self.converted:
            convert(np.asarray(tensor), out)


def convert(array: np.ndarray, out: np.ndarray) -> None:
    """Write an array into one of another precision; what that cannot hold becomes infinite.

    Args:
        array: Of numbers.
        out: Of its shape.
    """
    with np.errstate(over="ignore"):
        out[...] = array


def _calls(wanted):
    """The _Calls that read tensors as they are."""
    found, end = [], 0
    for tensor, out in sorted(wanted, key=lambda pair: (id(pair[0].file), pair[0].start)):
        if not found or found[-1].file is not tensor.file or end != tensor.start:
            found.append(_Call(tensor.file, tensor.start, []))
        found[-1].buffers.append(_bytes(out))
        end = tensor.start + out.nbytes
    return found


def spans(tensors: Sequence[Stored]) -> list[np.ndarray]:
    """Of each file the mapped numbers from the first to the last of some tensors of it.

    Args:
        tensors: Aligned, of float32.
    """
    ends: dict[OpenFile, tuple[int, int]] = {}
    for x in tensors:
        first, last = ends.get(x.file, (x.start, 0))
        ends[x.file] = min(first, x.start), max(last, x.start + x.nbytes)
    return [file.mapped[a:b].view(np.float32) for file, (a, b) in ends.items()]


def _bytes(array):
    """The memory of a contiguous array."""
    return array.reshape(-1).view(np.uint8).data
