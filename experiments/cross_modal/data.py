"""Spoken digits as log-mel frames of one length, splits by speaker, and image-audio pairs."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from kd_jax.data import log_mel, spoken_digits
from kd_jax.errors import require

FRAMES = 20  # of every recording, whatever its length


class SpokenDigits(NamedTuple):
    """inputs [N, 20, 40] float32, labels [N] int32, speaker [N]: 0, 1, … by name; their digest."""

    inputs: np.ndarray
    labels: np.ndarray
    speaker: np.ndarray
    digest: str


def load(data_dir: str = "", manual_dir: str = "") -> SpokenDigits:
    """The 3,000 recordings of spoken digits: the log-mel frames of each, `resampled`.

    Arguments and errors are those of spoken_digits.load.
    """
    recordings, digest = spoken_digits.load(data_dir, manual_dir)
    banks = (log_mel.log_mel(r.samples, spoken_digits.RATE) for r in recordings)
    inputs = np.stack([resampled(bank, FRAMES) for bank in banks])
    labels = np.array([r.digit for r in recordings], np.int32)
    _, speaker = np.unique([r.speaker for r in recordings], return_inverse=True)
    return SpokenDigits(inputs, labels, speaker, digest)


def resampled(bank: Float[np.ndarray, "n F"], count: int) -> Float[np.ndarray, "count F"]:
    """`count` frames at equal distances from first to last, by linear interpolation."""
    place = np.linspace(0, len(bank) - 1, count)
    before = np.floor(place).astype(int)
    after = np.minimum(before + 1, len(bank) - 1)
    share = (place - before)[:, None]
    return ((1 - share) * bank[before] + share * bank[after]).astype(np.float32)


def leave_speakers_out(
    speaker: Int[np.ndarray, " N"], seeds: int
) -> dict[str, Int[np.ndarray, "S n"]]:
    """Row numbers of "train", "validation" and "test": every seed leaves out other speakers.

    Seed s is tested on speaker s and validated on the next one, both modulo their number, and
    trained on all others. So as many seeds as speakers test each of them once, and an interval
    over seeds is one over speakers.

    Args:
        speaker: of every row, as many rows of each.
        seeds: S.
    """
    rows = np.stack([np.flatnonzero(speaker == who) for who in np.unique(speaker)])
    count = len(rows)
    found: dict[str, list] = {"train": [], "validation": [], "test": []}
    for seed in range(seeds):
        tested, validated = seed % count, (seed + 1) % count
        others = np.delete(rows, [tested, validated], axis=0)
        for name, own in zip(found, (others.ravel(), rows[validated], rows[tested])):
            found[name].append(np.sort(own))
    return {name: np.stack(of_seeds) for name, of_seeds in found.items()}


def same_class(
    labels: Int[np.ndarray, " N"], others: Int[np.ndarray, " M"], seed: int
) -> Int[np.ndarray, " N"]:
    """For each label a row of `others` with the same one, drawn by the seed.

    Args:
        labels: of the examples that are to be paired.
        others: labels of what their pairs are drawn from.
        seed: of the draw.

    Raises:
        InputError: a label does not occur among the others.
    """
    random = np.random.default_rng(seed)
    found = np.empty(len(labels), np.int64)
    for number in np.unique(labels):
        rows, mine = np.flatnonzero(others == number), labels == number
        require(len(rows), f"class {number} has no pair: give examples of all classes")
        found[mine] = random.choice(rows, mine.sum())
    return found
