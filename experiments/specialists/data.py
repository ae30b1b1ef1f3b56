"""Images of two MNIST digits side by side, in 100 classes from 00 to 99."""

from collections.abc import Mapping

import numpy as np

from kd_jax import fingerprint
from kd_jax.data import mnist, subsets
from kd_jax.data.dataset import Dataset, Split
from kd_jax.training import keys


def load(
    data_dir: str = "",
    manual_dir: str = "",
    *,
    per_class: Mapping[str, int],
    held_out: int,
    base_seed: int,
) -> Dataset:
    """Training, validation and test images [28, 56], every class alike often.

    The pair of tens and ones is drawn once for all generalists: training pairs from the training
    digits, validation pairs from those of them that no training pair has, test pairs from the test
    digits. With 60 training pairs of each class a small network knows them all by heart, and
    specialists of what it confuses have nothing to add; with 400 they have.

    Args:
        data_dir: as for mnist.load.
        manual_dir: as for mnist.load.
        per_class: {"train", "validation" and "test": how many images of each class}.
        held_out: training digits of each class that are for validation pairs.
        base_seed: as for keys.number.
    """
    digits = mnist.load("mnist", data_dir, manual_dir)
    seeds = {
        name: keys.number(base_seed, "draw", "two digits", name)
        for name in ("held out", "train", "validation", "test")
    }
    rest, held = subsets.held_out(digits.train.labels, held_out, seeds["held out"])
    pools = {
        "train": (digits.train, rest),
        "validation": (digits.train, held),
        "test": (digits.test, np.arange(len(digits.test.labels))),
    }
    splits = {name: pairs(*pools[name], per_class[name], seeds[name]) for name in pools}
    facts = {"digits": digits.digest, "code": fingerprint.code(load), "seeds": seeds}
    digest = fingerprint.of({**facts, "per_class": dict(per_class), "held_out": held_out})
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
