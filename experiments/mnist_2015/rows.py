"""Rows of the 2015 paper's section on MNIST, its published numbers and its claims."""

from collections.abc import Sequence
from typing import NamedTuple

from kd_jax.report.published import Published

TEACHER, LABELS = "teacher", "labels only"
FREE, VALIDATED = "bias corrected label-free", "bias corrected on validation"
ON_TEST = "bias corrected on test, as in the paper"
SWEPT = "soft targets"  # the family of the temperature sweeps
AUGMENTED = "augmented images"  # ends the names of rows whose images are moved as they are drawn


class Rows(NamedTuple):
    """Names of the rows that hold a number of the settings."""

    smoothed: str
    soft: str
    augmented: str
    permuted: str
    labels_augmented: str = f"{LABELS}, {AUGMENTED}"


def of(temperature: float = 20.0, smoothing: float = 0.1) -> Rows:
    """The Rows of a temperature, by default the paper's, and a label smoothing."""
    at = f"T={temperature:g}"
    return Rows(
        f"label smoothing {smoothing:g}",
        f"soft targets, {at}",
        f"soft targets, {at}, {AUGMENTED}",
        f"permuted teacher, {at}",
    )


def long(row: str, epochs: int) -> str:
    """The name of a row of augmented images that trains for so many epochs."""
    return f"{row}, {epochs} epochs"


TITLES = {
    "all": "all digits",
    "no 3": "no 3 in the transfer set",
    "7 and 8": "only 7 and 8 in the transfer set",
}
WIDE, NARROW = "wide", "narrow"  # parts of which only temperatures are varied
PARTS = {"all": "all", "no_3": "no 3", "7_and_8": "7 and 8", WIDE: WIDE, NARROW: NARROW}  # by flag
CLAIMED, SIMILAR = (2.5, 4.0), 8.0  # T of the paper: best of 30 units; alike from there, of 300
SOFT = of().soft  # of which the paper has numbers
PAPER = {
    "all": {TEACHER: Published(67), LABELS: Published(146), SOFT: Published(74)},
    "no 3": {SOFT: Published(206, 133), ON_TEST: Published(109, 14)},
    "7 and 8": {SOFT: Published(4730), ON_TEST: Published(1320)},  # printed as 47.3 and 13.2 %
}


def compared(rows: Rows, lengths: Sequence[int] = ()) -> list[tuple[str, str, str]]:
    """(part, row, against): which has fewer errors?

    Args:
        rows: their names.
        lengths: epochs of further students of augmented images.
    """
    against_all = [(rows.soft, LABELS), (rows.soft, rows.smoothed), (rows.soft, rows.permuted)]
    for epochs in lengths:
        patient = long(rows.augmented, epochs)
        of_labels = patient, long(rows.labels_augmented, epochs)
        against_all += [of_labels, (patient, rows.augmented)]
    corrected = [(rows.soft, rows.permuted), (FREE, rows.soft), (VALIDATED, rows.soft)]
    parts = {
        "all": [
            *against_all,
            (rows.augmented, rows.soft),
            (rows.augmented, rows.labels_augmented),
        ],
        "no 3": corrected,
        "7 and 8": corrected,
    }
    return [(part, *pair) for part, pairs in parts.items() for pair in pairs]


def levels(rows: Rows) -> list[tuple[str, str, int | None, float]]:
    """(part, row, digit or None for all, accuracy that is to be passed)."""
    return [
        ("no 3", rows.soft, 3, 0.80),
        ("no 3", FREE, 3, 0.95),
        ("no 3", VALIDATED, 3, 0.95),
        ("7 and 8", rows.soft, None, 0.40),
        ("7 and 8", FREE, None, 0.80),
        ("7 and 8", VALIDATED, None, 0.80),
    ]
