"""Spoken digits as words of one length, split by who speaks, and partners of the same class."""

from typing import NamedTuple

import numpy as np

from kd_jax.data import log_mel, spoken_digits
from kd_jax.errors import require

FRAMES = 20  # of every word, whatever its length


class Words(NamedTuple):
    """inputs [N, 20, 40] float32, labels [N] int32, speaker [N]: 0, 1, … by name; their digest."""

    inputs: np.ndarray
    labels: np.ndarray
    speaker: np.ndarray
    digest: str


def load(data_dir="", manual_dir=""):
    """The 3,000 Words of the spoken digits, one per recording: its log-mel frames, `stretched`.

    Args and errors: as for spoken_digits.load.
    """
    recordings, digest = spoken_digits.load(data_dir, manual_dir)
    banks = (log_mel.log_mel(r.samples, spoken_digits.RATE) for r in recordings)
    inputs = np.stack([stretched(bank, FRAMES) for bank in banks])
    labels = np.array([r.digit for r in recordings], np.int32)
    _, speaker = np.unique([r.speaker for r in recordings], return_inverse=True)
    return Words(inputs, labels, speaker, digest)


def stretched(bank, count):
    """`count` frames at equal distances from the first to the last of a bank [n, F]: [count, F].

    What lies between two frames is interpolated linearly.
    """
    place = np.linspace(0, len(bank) - 1, count)
    before = np.floor(place).astype(int)
    after = np.minimum(before + 1, len(bank) - 1)
    share = (place - before)[:, None]
    return ((1 - share) * bank[before] + share * bank[after]).astype(np.float32)


def unheard(speaker, seeds):
    """{"train", "validation", "test": row numbers [S, n]}: every seed leaves out other speakers.

    Seed s is tested on speaker s and validated on the next one, both modulo their number, and
    taught by all others. So as many seeds as speakers test each of them once, and an interval over
    seeds is one over speakers. Args: speaker [N], of each as many rows.
    """
    rows = np.stack([np.flatnonzero(speaker == who) for who in np.unique(speaker)])
    count = len(rows)
    found = {"train": [], "validation": [], "test": []}
    for seed in range(seeds):
        tested, validated = seed % count, (seed + 1) % count
        others = np.delete(rows, [tested, validated], axis=0)
        for name, own in zip(found, (others.ravel(), rows[validated], rows[tested])):
            found[name].append(np.sort(own))
    return {name: np.stack(of_seeds) for name, of_seeds in found.items()}


def partners(labels, others, seed):
    """For each label a row of `others` with the same one, drawn at random: row numbers [N].

    Args: labels [N]; others [M]: the labels of what the partners are drawn from.
    Raises: InputError when a label does not occur among the others.
    """
    random = np.random.default_rng(seed)
    found = np.empty(len(labels), np.int64)
    for number in np.unique(labels):
        rows, mine = np.flatnonzero(others == number), labels == number
        require(len(rows), f"class {number} has no partner: give examples of all classes")
        found[mine] = random.choice(rows, mine.sum())
    return found
