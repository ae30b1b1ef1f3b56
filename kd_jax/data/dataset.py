"""The form that every data set takes in memory."""

from typing import NamedTuple

import numpy as np

from kd_jax.errors import InputError


class Split(NamedTuple):
    """inputs [N, …] float32 and labels [N] int32."""

    inputs: np.ndarray
    labels: np.ndarray


class Dataset(NamedTuple):
    """Training, validation and test examples, and the digest of what they were read from."""

    name: str
    classes: int
    train: Split
    validation: Split
    test: Split
    digest: str


def check_digest(what, found, expected):
    """InputError naming both digests when the content of `what` is not what was published."""
    if found != expected:
        raise InputError(
            f"{what} has SHA-256 {found[:16]}…, expected {expected[:16]}…: "
            "it was changed or is another file; restore the published one"
        )
