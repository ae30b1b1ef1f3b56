"""Subsets of the training data, such as transfer sets, as sorted row numbers.

They index any array over the same examples, so images, labels and teacher outputs stay together:

    rows = subsets.omit(train.labels, [3])
    images, targets = train.inputs[rows], teacher_logits[rows]
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from kd_jax.errors import InputError, require

NEARLY = 1e-6  # by which a sum may miss 1: 0.1 and its like are no binary fractions


def omit(labels: Int[np.ndarray, " N"], classes: Sequence[int]) -> Int[np.ndarray, " R"]:
    """All rows except those of some classes; a transfer set in which they never occur.

    Args:
        labels: of all rows.
        classes: class numbers, each of which occurs in labels.

    Returns:
        Row numbers, ascending.

    Raises:
        InputError: a class does not occur or stands there twice, or no row is left.
    """
    labels = _checked(labels)
    rows = np.flatnonzero(~np.isin(labels, _present(labels, classes)))
    require(len(rows) > 0, f"omitting classes {_text(classes)} leaves no row: omit fewer")
    return rows


def keep(labels: Int[np.ndarray, " N"], classes: Sequence[int]) -> Int[np.ndarray, " R"]:
    """Only the rows of some classes.

    Args:
        labels: of all rows.
        classes: class numbers, each of which occurs in labels.

    Returns:
        Row numbers, ascending.

    Raises:
        InputError: a class does not occur or stands there twice, or none is given.
    """
    labels = _checked(labels)
    wanted = _present(labels, classes)
    require(len(wanted) > 0, "no class is to be kept: name at least one")
    return np.flatnonzero(np.isin(labels, wanted))


def fraction(labels: Int[np.ndarray, " N"], fraction: float, seed: int) -> Int[np.ndarray, " R"]:
    """The same fraction of every class, to the nearest row, drawn at random.

    With one seed a smaller fraction is a subset of a larger one.

    Args:
        labels: of all rows.
        fraction: above 0, at most 1.
        seed: of the draw, 0 or more.

    Returns:
        Row numbers, ascending.

    Raises:
        InputError: the fraction or the seed is out of range, or a class would be left without a
            row.
    """
    labels = _checked(labels)
    require(0 < fraction <= 1, f"fraction is {fraction}: expected above 0 and at most 1")
    drawn = []
    for number, rows in _shuffled(labels, seed).items():
        count = int(len(rows) * fraction + 0.5)
        require(
            count > 0,
            f"fraction {fraction:g} of the {len(rows)} rows of class {number} is none: "
            f"expected at least {0.5 / len(rows):g}",
        )
        drawn.append(rows[:count])
    return np.sort(np.concatenate(drawn))


def held_out(
    labels: Int[np.ndarray, " N"], per_class: int, seed: int
) -> tuple[Int[np.ndarray, " R"], Int[np.ndarray, " V"]]:
    """Hold out the same number of rows of every class, drawn at random.

    Args:
        labels: of all rows.
        per_class: rows to hold out, 1 or more.
        seed: of the draw, 0 or more.

    Returns:
        The other rows and the held-out rows, row numbers ascending, that share none.

    Raises:
        InputError: the count or the seed is out of range, or a class has no more rows than that.
    """
    labels = _checked(labels)
    require(per_class >= 1, f"{per_class} rows per class held out: expected at least 1")
    drawn = []
    for number, rows in _shuffled(labels, seed).items():
        require(
            len(rows) > per_class,
            f"class {number} has {len(rows)} rows: {per_class} cannot be held out and some be left",
        )
        drawn.append(rows[:per_class])
    validation = np.sort(np.concatenate(drawn))
    return np.setdiff1d(np.arange(len(labels)), validation), validation


def stratified(
    labels: Int[np.ndarray, " N"],
    fractions: Sequence[float] = (0.7, 0.1, 0.2),
    seed: int = 0,
    rows: Int[np.ndarray, " D"] | None = None,
) -> tuple[Int[np.ndarray, " T"], Int[np.ndarray, " V"], Int[np.ndarray, " E"]]:
    """Share out the rows of every class to training, validation and test, drawn at random.

    A class is rounded to whole rows by the largest remainders; training has at least one row of
    it. So a small class may be missing elsewhere, see `missing`.

    Args:
        labels: of all rows.
        fractions: of training, above 0, of validation and of test; where their sum is below 1,
            the other rows of each class are left out.
        seed: of the draw, 0 or more.
        rows: numbers of those that are shared out; by default all are.

    Returns:
        Row numbers of training, validation and test, ascending.

    Raises:
        InputError: the fractions or the seed are out of range.
    """
    labels = _checked(labels)
    shares = np.array(fractions, np.float64)
    rest = 1 - shares.sum()
    require(
        shares.shape == (3,) and shares[0] > 0 and (shares >= 0).all() and rest > -NEARLY,
        f"--split={','.join(f'{x:g}' for x in fractions)}: expected the fractions of training, "
        "validation and test, like 0.7,0.1,0.2, whose sum is at most 1 and the first above 0",
    )
    shares = np.append(shares, rest) if rest > NEARLY else shares
    drawn: tuple[list, ...] = ([], [], [])
    for own in _shuffled(labels, seed).values():
        own = own if rows is None else own[np.isin(own, rows)]
        ends = np.cumsum(_counts(len(own), shares))
        for part, some in zip(drawn, np.split(own, ends[:-1])):  # not the rest, the last of four
            part.append(some)
    train, validation, test = (np.sort(np.concatenate(part)) for part in drawn)
    return train, validation, test


def missing(labels: Int[np.ndarray, " N"], rows: Int[np.ndarray, " R"]) -> list[int]:
    """The classes of which a part has no row.

    Args:
        labels: of all rows.
        rows: row numbers of the part.

    Returns:
        Class numbers, ascending.
    """
    return np.setdiff1d(labels, np.asarray(labels)[rows]).tolist()


def _counts(rows, shares):
    """How many rows each part has: the whole rows of its share, and the largest remainders one."""
    exact = np.round(rows * shares, 6)  # so that remainders which are the same compare equal
    counts = np.floor(exact).astype(int)
    order = np.argsort(counts - exact, kind="stable")  # equal ones in the order of the parts
    counts[order[: rows - counts.sum()]] += 1
    if rows and counts[0] == 0:
        counts[np.argmax(counts)] -= 1
        counts[0] = 1
    return counts


def _checked(labels):
    labels = np.asarray(labels)
    require(
        labels.ndim == 1 and len(labels) > 0 and np.issubdtype(labels.dtype, np.integer),
        f"labels are {labels.dtype.name} of shape {labels.shape}: expected one integer per row",
    )
    return labels


def _present(labels, classes):
    """The classes as an array; InputError unless each occurs in labels and stands there once."""
    classes = np.array(classes, None if len(classes) else np.int64)
    require(
        np.issubdtype(classes.dtype, np.integer), f"classes are {_text(classes)}: expected integers"
    )
    absent = np.setdiff1d(classes, labels)
    require(
        len(absent) == 0,
        f"class {_text(absent)} does not occur: the labels are {_text(np.unique(labels))}",
    )
    require(
        len(np.unique(classes)) == len(classes), f"classes {_text(classes)}: one stands there twice"
    )
    return classes


def _shuffled(labels, seed):
    """Class -> its row numbers in an order that the seed draws."""
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed is {seed}: expected an integer, 0 or more")
    random = np.random.default_rng(seed)
    return {
        int(number): random.permutation(np.flatnonzero(labels == number))
        for number in np.unique(labels)
    }


def _text(classes):
    return ", ".join(map(str, np.asarray(classes).tolist()))
