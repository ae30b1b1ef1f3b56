"""Rows of an array that stays in its file: read as they are indexed, for more than memory holds."""

import hashlib
import os
import pathlib
import struct
import zipfile
from typing import Any

import numpy as np
from jaxtyping import Int

from kd_jax.errors import require

LOCAL = 30  # bytes of a zip member's own header, before its name


class DiskRows:
    """Rows [N, …] of an array, of which a slice or some rows become a NumPy array.

    Attributes:
        array: On disk, as np.memmap is.
        rows: Which of its rows these are, in their order.
        content: By what the array is told from others.
    """

    def __init__(self, array: Any, content: str, rows: Int[np.ndarray, " N"] | None = None):
        """The rows of an array.

        Args:
            array: On disk.
            content: Of the array.
            rows: Which; None for all.
        """
        self.array, self.content = array, content
        self.rows = np.arange(len(array)) if rows is None else rows
        self.dtype, self.shape = array.dtype, (len(self.rows), *array.shape[1:])
        self.ndim = array.ndim

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: Any) -> np.ndarray:
        return np.asarray(self.array[self.rows[which]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def take(self, rows: Int[np.ndarray, " M"]) -> "DiskRows":
        """Some of these rows, still on disk.

        Args:
            rows: Their positions.
        """
        return DiskRows(self.array, self.content, self.rows[rows])

    def of_one_channel(self) -> "DiskRows":
        """These rows with a last axis of length 1."""
        return DiskRows(self.array[..., None], self.content, self.rows)

    @property
    def digest(self) -> str:
        """By what these rows are told from others."""
        told = hashlib.sha256(self.content.encode())
        told.update(self.rows.astype("<i8").tobytes())
        return told.hexdigest()


def of_npz(path: str | os.PathLike, name: str) -> DiskRows:
    """An array of a .npz file where it lies.

    Args:
        path: Of a file that np.savez wrote.
        name: Of the array.

    Raises:
        InputError: The array is compressed, so that it cannot be read row by row.
    """
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(f"{name}.npy")
    plain = member.compress_type == zipfile.ZIP_STORED
    require(plain, f"{path}: {name} is compressed and cannot be streamed: write it with np.savez")
    with open(path, "rb") as file:
        file.seek(member.header_offset)
        header = file.read(LOCAL)
        lengths = struct.unpack("<HH", header[26:30])  # of the name and of what is added to it
        file.seek(member.header_offset + LOCAL + sum(lengths))
        version = np.lib.format.read_magic(file)
        old, new = np.lib.format.read_array_header_1_0, np.lib.format.read_array_header_2_0
        shape, fortran, dtype = (old if version == (1, 0) else new)(file)
        offset = file.tell()
    array: Any = np.memmap(path, dtype, "r", offset, shape, "F" if fortran else "C")
    return DiskRows(array, _digest(pathlib.Path(path)))


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
