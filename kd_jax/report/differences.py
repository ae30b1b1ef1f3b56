"""Paired differences between rows: of students, of their teachers, and of test examples.

What is paired is a student of each row, of the same seed and teacher; where there are several
teachers, the means of each one's students. Where the records of both rows say which test examples
were right, intervals hold for other test examples too.
"""

import functools
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from jaxtyping import Float

from kd_jax.metrics import examples, statistics
from kd_jax.report.grouped import PERCENT, Record, seeds


def teacher_means(records: Sequence[Record], metric: str) -> list:
    """The mean of a metric for each teacher's students, or its values where there is one teacher.

    Args:
        records: Of one row.
        metric: The field.
    """
    return _units(records, [record[metric] for record in records])


def paired_values(
    ours: Sequence[Record], theirs: Sequence[Record], metric: str
) -> tuple[list, list] | None:
    """The metric of two rows, number by number of what is paired, or None.

    Students of one teacher are not independent of each other: of several teachers their students'
    means are paired, with the teacher itself too where one of the rows is the teacher's.

    Args:
        ours: Of one row, in the order of `seeds`.
        theirs: Of another.
        metric: The field.
    """
    if _are_pairs(ours, theirs):
        return teacher_means(ours, metric), teacher_means(theirs, metric)
    return None


def compared(
    ours: Sequence[Record], theirs: Sequence[Record], metric: str, *, lower_is_better: bool
) -> Callable[..., statistics.Paired] | None:
    """The paired difference of two rows for an interval's `level=`; None where nothing is paired.

    Args:
        ours: As for `paired_values`.
        theirs: Likewise.
        metric: Likewise.
        lower_is_better: Whether small values of the metric are good.
    """
    pairs = paired_values(ours, theirs, metric)
    if pairs is None:
        return None
    of_examples = by_example(ours, theirs, metric)
    if of_examples is None:
        return functools.partial(statistics.paired, *pairs, lower_is_better=lower_is_better)
    return functools.partial(statistics.crossed, of_examples, lower_is_better=lower_is_better)


def by_example(
    ours: Sequence[Record], theirs: Sequence[Record], metric: str
) -> Float[np.ndarray, "U N"] | None:
    """The difference of two rows on every test example, in pairs; their mean is the metric's.

    Args:
        ours: Rows that are paired, see `paired_values`.
        theirs: Likewise.
        metric: "test_errors" or "test_accuracy", also in percent.

    Returns:
        For each unit, a student or the mean of a teacher's; None where the records do not say which
        examples were right, or of another metric.
    """
    right, other = (right_by_example(row, metric) for row in (ours, theirs))
    if right is None or other is None:
        return None
    difference = right - other
    return -difference.shape[1] * difference if metric.endswith("_errors") else difference


def right_by_example(records: Sequence[Record], metric: str) -> Float[np.ndarray, "U N"] | None:
    """How right a row is on every test example; its mean is its accuracy, in the metric's unit.

    Args:
        records: Of the row.
        metric: As for `by_example`.

    Returns:
        For each unit, see `by_example`; None likewise.
    """
    split, _, name = metric.rpartition("_")
    known = f"{split}_{examples.RIGHT}"
    if name not in ("errors", "accuracy") or not all(known in record for record in records):
        return None
    right = np.array(_units(records, [examples.unpacked(r[known]) for r in records]))
    in_percent = name == "accuracy" and any(r.get(PERCENT) for r in records)
    return right * (100 if in_percent else 1)


def known_examples(records: Iterable[Record]) -> bool:
    """Whether all records say which test examples were right."""
    return all(f"test_{examples.RIGHT}" in record for record in records)


def of_how_many(records: Iterable[Record]) -> str:
    """' of 10,000' test examples, "" where the records do not say it, or differ.

    Args:
        records: Of one row, perhaps of several parts.
    """
    texts = [record.get(f"test_{examples.RIGHT}", "") for record in records]
    counts = {len(examples.unpacked(text)) for text in texts} if all(texts) else set()
    return f" of {counts.pop():,}" if len(counts) == 1 else ""


def _are_pairs(ours, theirs):
    members = [list(map(seeds, row)) for row in (ours, theirs)]
    teachers = [{teacher for teacher, _ in row} for row in members]
    several = len(teachers[0]) > 1 and teachers[0] == teachers[1]
    return several or members[0] == members[1]


def _units(records, values):
    """The mean of the values of each teacher's students, or the values where there is one."""
    groups: dict[int, list] = {}
    for record, value in zip(records, values):
        groups.setdefault(seeds(record)[0], []).append(value)
    return [np.mean(of, 0) for of in groups.values()] if len(groups) > 1 else groups.popitem()[1]
