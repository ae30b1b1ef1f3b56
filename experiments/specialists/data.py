"""Images of two MNIST digits side by side, in 100 classes from 00 to 99."""

import numpy as np

from kd_jax import fingerprint
from kd_jax.data import mnist, subsets
from kd_jax.data.dataset import Dataset, Split

PER_CLASS = {"train": 400, "validation": 50, "test": 100}
HELD_OUT = 500  # training digits of each class, of which the validation pairs are made


def load(data_dir: str = "", manual_dir: str = "") -> Dataset:
    """40,000 training, 5,000 validation and 10,000 test images [28, 56], every class alike often.

    The pair of tens and ones is drawn once, by fixed seeds: training pairs from the training
    digits, validation pairs from 500 of each class that no training pair has, test pairs from the
    test digits. 400 pairs of each class: with 60 a small network knows them all by heart, and
    specialists of what it confuses have nothing to add.

    Args:
        data_dir: as for mnist.load.
        manual_dir: as for mnist.load.
    """
    digits = mnist.load("mnist", data_dir, manual_dir)
    rest, held_out = subsets.held_out(digits.train.labels, HELD_OUT, seed=2)
    pools = {
        "train": (digits.train, rest),
        "validation": (digits.train, held_out),
        "test": (digits.test, np.arange(len(digits.test.labels))),
    }
    splits = {
        name: pairs(*pools[name], PER_CLASS[name], seed)
        for seed, name in enumerate(("train", "validation", "test"))
    }
    digest = fingerprint.of({"digits": digits.digest, "code": fingerprint.code(load)})
    return Dataset("two digits", 100, **splits, digest=digest)


def pairs(split: Split, rows: np.ndarray, per_class: int, seed: int) -> Split:
    """A Split of `per_class` pairs of every class, made of the given rows of a split of digits."""
    random = np.random.default_rng(seed)
    of_digit = [rows[split.labels[rows] == digit] for digit in range(10)]
    labels = np.repeat(np.arange(100, dtype=np.int32), per_class)
    tens, ones = (
        split.inputs[np.array([random.choice(of_digit[digit]) for digit in places])]
        for places in (labels // 10, labels % 10)
    )
    return Split(np.concatenate([tens, ones], axis=2), labels)
