"""Tensors that lie in a file until somebody reads them, each straight to where it is wanted."""

import pathlib
import threading
import weakref
from typing import Any

import numpy as np

from kd_jax.errors import InputError, brief, require


class OpenFile:
    """A file that stays open, and so the same, as long as something of it may be read."""

    def __init__(self, path: pathlib.Path):
        """Open it.

        Args:
            path: The file.
        """
        self.path, self.file = path, open(path, "rb", buffering=0)
        self.lock = threading.Lock()  # of the file's one position
        weakref.finalize(self, self.file.close)

    def read_into(self, start: int, out: np.ndarray) -> None:
        """Fill an array with bytes of the file.

        One call of the system for each array: faster than page by page from a mapping, and what is
        written over the file later changes nothing.

        Args:
            start: The first byte.
            out: Contiguous.

        Raises:
            InputError: The file has not as many, or its disk fails.
        """
        left = out.reshape(-1).view(np.uint8).data
        try:
            with self.lock:
                self.file.seek(start)
                while len(left) and (count := self.file.readinto(left)):
                    left = left[count:]  # a call gives 2 GiB at most
        except OSError as error:
            raise InputError(f"{self.path} cannot be read ({brief(error)})") from None
        require(not left, f"{self.path} became shorter while it was read: get it again")


class Stored:
    """A tensor in a file; np.asarray reads it."""

    def __init__(self, file: OpenFile, start: int, dtype: Any, shape: tuple[int, ...]):
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
        self.file.read_into(self.start, found)
        return found if dtype is None else found.astype(dtype, copy=False)

    def read_into(self, out: np.ndarray) -> None:
        """Write the tensor into an array of its shape.

        Args:
            out: Contiguous; perhaps of another precision.
        """
        if out.dtype == self.dtype:
            self.file.read_into(self.start, out)
        else:
            out[...] = self.__array__()
