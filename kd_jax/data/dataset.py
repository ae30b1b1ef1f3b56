"""The form that every data set takes in memory."""

import os
import pathlib
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


def home(data_dir):
    """The folder of prepared data sets: `data_dir`, or if that is "" tensorflow-datasets' own.

    The latter is as tensorflow_datasets.core.constants has it, without that import's second.
    """
    usual = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return pathlib.Path(data_dir or usual).expanduser().absolute()


def check_digest(what, found, expected):
    """InputError naming both digests when the content of `what` is not what was published."""
    if found != expected:
        raise InputError(
            f"{what} has SHA-256 {found[:16]}…, expected {expected[:16]}…: "
            "it was changed or is another file; restore the published one"
        )
