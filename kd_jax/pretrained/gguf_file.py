"""Reader of the GGUF format: metadata and tensors of one file, read within its bounds.

Source: the format's specification, github.com/ggml-org/ggml/blob/master/docs/gguf.md. The package
gguf has a reader too, but trusts every count and length in the file.
"""

import math
import mmap
import os
import pathlib
import struct
from typing import Any, NamedTuple

import numpy as np

from kd_jax import paths
from kd_jax.errors import InputError, brief, require

VERSIONS = 2, 3
SCALARS = {
    0: "<u1", 1: "<i1", 2: "<u2", 3: "<i2", 4: "<u4", 5: "<i4", 6: "<f4", 7: "?",
    10: "<u8", 11: "<i8", 12: "<f8",
}  # fmt: skip
STRING, ARRAY = 8, 9
MOST_AXES = 4


class Tensor(NamedTuple):
    """shape, the last axis contiguous; kind: the number of its quantization; offset in the file."""

    shape: tuple
    kind: int
    offset: int


class GgufFile(NamedTuple):
    """metadata {key: number, string, list or array}, tensors {name: Tensor}, and the bytes."""

    path: pathlib.Path
    metadata: dict
    tensors: dict
    data: memoryview

    def part(self, name: str, start: int, size: int) -> memoryview:
        """`size` bytes from `start`, of the tensor `name`.

        Raises:
            InputError: they are past the end.
        """
        require(
            start + size <= len(self.data),
            f"{self.path} is truncated: tensor '{name}' ends at byte {start + size} of "
            f"{len(self.data)}; get it again",
        )
        return self.data[start : start + size]


class Cursor:
    """Reads a file's bytes from front to back.

    Raises:
        InputError: they end too soon.
    """

    def __init__(self, path: pathlib.Path, data: memoryview):
        self.path, self.data, self.at = path, data, 0

    def take(self, size: int) -> memoryview:
        """The next `size` bytes."""
        require(
            size <= len(self.data) - self.at,
            f"{self.path} is truncated or damaged: {size} bytes expected at byte {self.at} of "
            f"{len(self.data)}; get it again",
        )
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, form: str) -> int:
        """The next number, in a format of struct."""
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]

    def string(self) -> str:
        """The next string."""
        start = self.at
        try:
            return str(self.take(self.number("Q")), "utf-8")
        except UnicodeDecodeError:
            raise InputError(
                f"{self.path} is damaged: no UTF-8 text at byte {start}; get it again"
            ) from None

    def value(self, kind: int) -> Any:
        """A number, truth value or string, a list of strings, or an array of numbers."""
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            kind, count = self.number("I"), self.number("Q")
            if kind == STRING:
                return [self.string() for _ in range(count)]
            return np.frombuffer(self.take(count * self.dtype(kind).itemsize), self.dtype(kind))
        dtype = self.dtype(kind)
        return np.frombuffer(self.take(dtype.itemsize), dtype)[0].item()

    def dtype(self, kind: int) -> np.dtype:
        """The type of a kind of number."""
        require(
            kind in SCALARS,
            f"{self.path} is damaged: value of kind {kind} before byte {self.at}, expected up to "
            "12 and no array of arrays; get it again",
        )
        return np.dtype(SCALARS[kind])


def read(path: str | os.PathLike) -> GgufFile:
    """The GgufFile at that path; its tensors stay on disk until they are taken.

    Raises:
        InputError: it is missing, no GGUF file, truncated or damaged.
    """
    path = paths.given(path)
    require(path.is_file(), f"{path} is no file: expected a .gguf file")
    cursor = Cursor(path, _mapped(path))
    cursor.take(4)
    version = cursor.number("I")
    require(
        version in VERSIONS,
        f"{path} is GGUF of version {version}, expected 2 or 3, little-endian; convert it anew",
    )
    tensors, keys = cursor.number("Q"), cursor.number("Q")
    metadata = _once(cursor, "key", keys, lambda: cursor.value(cursor.number("I")))
    listed = _once(cursor, "tensor", tensors, lambda: _placed(cursor))
    alignment = metadata.get("general.alignment", 32)
    require(
        isinstance(alignment, int) and alignment > 0,
        f"{path} is damaged: general.alignment is {alignment!r}, expected 1 or more",
    )
    start = -(-cursor.at // alignment) * alignment
    places = {
        name: Tensor(shape, kind, start + offset) for name, (shape, kind, offset) in listed.items()
    }
    return GgufFile(path, metadata, places, cursor.data)


def _mapped(path):
    """The bytes of a file, which stay on disk until they are looked at."""
    try:
        with open(path, "rb") as file:
            magic = file.read(4)
            require(
                magic == b"GGUF",
                f"{path} is no GGUF file: it starts with {magic!r}, expected b'GGUF'",
            )
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({brief(error)})") from None


def _once(cursor, what, count, value):
    """{name: value} of so many that follow, no name twice."""
    found: dict = {}
    for _ in range(count):
        name = cursor.string()
        require(
            name not in found,
            f"{cursor.path} is damaged: the {what} {name[:80]!r} stands there twice; get it again",
        )
        found[name] = value()
    return found


def _placed(cursor):
    """(shape, kind, offset) of a tensor; the file lists the contiguous axis first."""
    axes = cursor.number("I")
    require(
        axes <= MOST_AXES,
        f"{cursor.path} is damaged: a tensor of {axes} axes, expected up to {MOST_AXES}; "
        "get it again",
    )
    shape = tuple(cursor.number("Q") for _ in range(axes))[::-1]
    return shape, cursor.number("I"), cursor.number("Q")


def elements(tensor: Tensor) -> int:
    """The number of values of a Tensor."""
    return math.prod(tensor.shape)
