"""Tensors of a model, each taken once; what nothing takes must be known to change nothing."""

import concurrent.futures
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from kd_jax.errors import require
from kd_jax.pretrained.settings import shown
from kd_jax.pretrained.stored import Reads, Stored, convert, spans

FLOATS = np.float32, np.float16, np.float64, ml_dtypes.bfloat16
# {pattern of a whole name: (array) -> whether it changes nothing}
Harmless = Mapping[str, Callable[[np.ndarray], bool]]


class Weights:
    """Tensors taken one by one with the shape that is expected of each, and then read together."""

    def __init__(self, source: str | os.PathLike, found: Any, authority: str = "config.json says"):
        """All tensors of a model; `prefix`, an attribute, stands before every name.

        Args:
            source: their file or folder, for error messages.
            found: {name: array or Stored}, or what has its `get` and iterates over names.
            authority: what gives the expected shapes, for error messages.
        """
        self.source, self.found, self.authority = source, found, authority
        self.prefix, self.taken = "", set[str]()
        self.mapped: list[Stored] = []
        self.wanted: list[tuple[Stored, np.ndarray]] = []  # what is to be read, and where to
        self.arrays: list[tuple[str, np.ndarray, bool]] = []  # (name, array, whether it is mapped)
        self.reading: Any = None

    def expect(self, name: str, *shape: int) -> Any:
        """The tensor of that name, not read yet.

        Args:
            name: In the files, without the prefix.
            shape: That is expected.

        Raises:
            InputError: It is missing, of another shape, or of no plain floating-point numbers.
        """
        self.taken.add(self.prefix + name)
        tensor = self.found.get(self.prefix + name)
        require(
            tensor is not None,
            f"{self.source} has no tensor '{self.prefix}{name}': the weights are not of this "
            "architecture, or one of their files is missing",
        )
        require(
            tensor.shape == shape,
            f"{self.source}: tensor '{name}' has shape {tensor.shape}, {self.authority} {shape}",
        )
        require(
            tensor.dtype in FLOATS,
            f"{self.source}: tensor '{name}' holds {tensor.dtype}, expected float32, float16 or "
            "bfloat16: quantized weights are not read; get the model unquantized",
        )
        return tensor

    def take(self, name: str, *shape: int) -> np.ndarray:
        """An array that holds the float32 tensor of that name once it was read.

        Args:
            name: As for `expect`.
            shape: Likewise.

        Raises:
            InputError: As `expect`.
        """
        return self.array([name], self.expect(name, *shape))

    def array(self, names: Sequence[str], tensor: Any, out: np.ndarray | None = None) -> np.ndarray:
        """An array that holds a tensor as float32 once it was read.

        Args:
            names: Of the tensor, or of each along its first axis.
            tensor: As `expect` gives them.
            out: Where to read it, a contiguous array, which is returned. Else it is a part of the
                file where it may be: fresh memory takes longer than all else.
        """
        stored = isinstance(tensor, Stored)
        here = out is None and stored and tensor.dtype == np.float32 and tensor.aligned()
        if here:
            out = tensor.view()
            self.mapped.append(tensor)
        else:
            out = np.empty(tensor.shape, np.float32) if out is None else out
            if stored:
                self.wanted.append((tensor, out))
            else:  # at once, as it takes memory as long as it is kept
                convert(tensor, out)
        each = out if len(names) > 1 else [out]
        self.arrays += [(name, one, here) for name, one in zip(names, each)]
        return out

    def begin(self) -> None:
        """Begin to read what was taken, beside what this thread does before `accounted`."""
        reads, begun = Reads(self.wanted), threading.Event()

        def read():
            begun.set()  # whoever waits for that lets go of the interpreter until files are read
            reads.run()
            self._require_finite()

        pool = concurrent.futures.ThreadPoolExecutor(1)
        self.reading = pool.submit(read)
        pool.shutdown(wait=False)
        begun.wait()

    def _require_finite(self):
        # one look at each mapped file, which holds nothing of Python either; mostly it is enough
        clean = all(map(_finite, spans(self.mapped)))
        for name, array, mapped in self.arrays:
            require(
                (mapped and clean) or _finite(array),
                f"{self.source}: tensor '{name}' holds NaN or infinity: a training that diverged "
                "wrote it, or it is damaged; get the model again",
            )

    def accounted(self, harmless: Harmless) -> None:
        """Read what was taken, and refuse other tensors that are not known to be harmless.

        Args:
            harmless: patterns of names, behind the prefix or without it, that may be left out.

        Raises:
            InputError: a tensor is left over, or has numbers that are not finite.
        """
        if self.reading is None:
            self.begin()
        self.reading.result()
        for name in self.found:
            require(
                name in self.taken or self._harmless(name, harmless),
                f"{self.source}: tensor '{shown(name)}' is not used by this architecture: "
                "without it the model would compute something else",
            )

    def _harmless(self, name, harmless):
        own = name.removeprefix(self.prefix)
        checks = [check for pattern, check in harmless.items() if re.fullmatch(pattern, own)]
        if any_values in checks:
            return True  # whatever it holds, it is not read
        return any(check(np.asarray(self.found.get(name))) for check in checks)


def _finite(array):
    """Whether no number is NaN or infinite: mostly the sum, in one pass, says so already."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.isfinite(array.sum()) or np.isfinite([array.min(), array.max()]).all()


def any_values(array: np.ndarray) -> bool:
    """The check of a tensor that is harmless whatever it holds."""
    return True
