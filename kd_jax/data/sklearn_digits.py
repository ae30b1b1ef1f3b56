"""1,797 handwritten digits of 8 × 8 that ship with scikit-learn: no download."""

import importlib.util
import pathlib

import numpy as np

from kd_jax import fingerprint
from kd_jax.data import subsets
from kd_jax.data.dataset import Dataset, Split
from kd_jax.errors import extra

PER_CLASS = {"test": 50, "validation": 25}


def _file() -> pathlib.Path:
    """The file of the digits; scikit-learn is found and not imported, which takes seconds."""
    spec = importlib.util.find_spec("sklearn")
    if spec is None or spec.origin is None:  # without origin: any folder of that name
        raise ModuleNotFoundError(name="sklearn")
    return pathlib.Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"


with extra("data"):
    FILE = _file()


def everything() -> Split:
    """All of the digits in their own order: inputs [N, 8, 8] float32 in [0, 1], labels [N] int32.

    Source: Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits (UCI).
    """
    rows = np.loadtxt(FILE, np.float32, delimiter=",")  # 64 pixels from 0 to 16 and the label
    return Split(rows[:, :-1].reshape(-1, 8, 8) / 16, rows[:, -1].astype(np.int32))


def load(seed: int) -> Dataset:
    """1,047 training, 250 validation and 500 test digits, the latter balanced.

    Args:
        seed: of the draw of validation and test.

    Returns:
        Splits as `everything` has them; the digest is of all digits, before the draw.
    """
    inputs, labels = everything()
    rest, test = subsets.held_out(labels, PER_CLASS["test"], seed)
    train, validation = subsets.held_out(labels[rest], PER_CLASS["validation"], seed)
    rows = {"train": rest[train], "validation": rest[validation], "test": test}
    splits = {name: Split(inputs[chosen], labels[chosen]) for name, chosen in rows.items()}
    digest = fingerprint.arrays({"inputs": inputs, "labels": labels})
    return Dataset("optical digits", 10, **splits, digest=digest)
