"""Data sets in memory: a Dataset of three Splits."""

import os
import pathlib
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from kd_jax.errors import InputError


class Split(NamedTuple):
    """Examples: inputs [N, …] float32 and labels [N] int32; None where nobody knows them."""

    inputs: Float[np.ndarray, "N ..."]
    labels: Int[np.ndarray, " N"] | Any  # or None


class Dataset(NamedTuple):
    """Training, validation and test examples, and the digest of what they were read from.

    about: {"classes": their names, "preprocessing": what makes inputs of files}, as a Network has
    them; {} where they are numbers, and arrays.
    """

    name: str
    classes: int
    train: Split
    validation: Split
    test: Split
    digest: str
    about: Any = {}


def home(data_dir: str | os.PathLike) -> pathlib.Path:
    """The folder of prepared data sets: `data_dir`, or if that is "" tensorflow-datasets' own.

    The latter is as tensorflow_datasets.core.constants has it, without that import's second.
    """
    usual = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return pathlib.Path(data_dir or usual).expanduser().absolute()


def check_digest(what: str, found: str, expected: str) -> None:
    """Check the content of a file.

    Args:
        what: its name, for the message.
        found: its SHA-256.
        expected: that of the published one.

    Raises:
        InputError: they differ; it names both.
    """
    if found != expected:
        raise InputError(
            f"{what} has SHA-256 {found[:16]}…, expected {expected[:16]}…: "
            "it was changed or is another file; restore the published one"
        )
