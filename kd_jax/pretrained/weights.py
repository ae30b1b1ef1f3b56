"""Tensors of a model, each taken once; what nothing takes must be known to change nothing."""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

import ml_dtypes
import numpy as np

from kd_jax.errors import require
from kd_jax.pretrained.settings import shown
from kd_jax.pretrained.stored import Stored

FLOATS = np.float32, np.float16, np.float64, ml_dtypes.bfloat16
# {pattern of a whole name: (array) -> whether it changes nothing}
Harmless = Mapping[str, Callable[[np.ndarray], bool]]


class Weights:
    """Tensors taken one by one with the shape that is expected of each."""

    def __init__(self, source: str | os.PathLike, found: Any, authority: str = "config.json says"):
        """All tensors of a model; `prefix`, an attribute, stands before every name.

        Args:
            source: their file or folder, for error messages.
            found: {name: array or Stored}, or what has its `get` and iterates over names.
            authority: what gives the expected shapes, for error messages.
        """
        self.source, self.found, self.authority = source, found, authority
        self.prefix, self.taken = "", set[str]()

    def take(self, name: str, *shape: int, out: np.ndarray | None = None) -> np.ndarray:
        """The float32 tensor of that name.

        Args:
            name: In the files, without the prefix.
            shape: That is expected.
            out: Where to write it, a contiguous array of that shape; it is returned.

        Raises:
            InputError: it is missing, of another shape, of no plain floating-point numbers, or of
                some that are not finite.
        """
        self.taken.add(self.prefix + name)
        array = self.found.get(self.prefix + name)
        require(
            array is not None,
            f"{self.source} has no tensor '{self.prefix}{name}': the weights are not of this "
            "architecture, or one of their files is missing",
        )
        require(
            array.shape == shape,
            f"{self.source}: tensor '{name}' has shape {array.shape}, {self.authority} {shape}",
        )
        require(
            array.dtype in FLOATS,
            f"{self.source}: tensor '{name}' holds {array.dtype}, expected float32, float16 or "
            "bfloat16: quantized weights are not read; get the model unquantized",
        )
        out = np.empty(shape, np.float32) if out is None else out
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes inf, and is named
            if isinstance(array, Stored):
                array.read_into(out)
            else:
                out[...] = array
        require(
            _finite(out),
            f"{self.source}: tensor '{name}' holds NaN or infinity: a training that diverged wrote "
            "it, or it is damaged; get the model again",
        )
        return out

    def accounted(self, harmless: Harmless) -> None:
        """Refuse tensors that were not taken and are not known to be harmless.

        Args:
            harmless: patterns of names, behind the prefix or without it, that may be left out.

        Raises:
            InputError: a tensor is left over.
        """
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
