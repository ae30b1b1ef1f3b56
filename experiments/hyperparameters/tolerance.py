"""Whether soft targets want a higher learning rate than labels, and whether they bear one."""

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from experiments.hyperparameters import choices
from experiments.hyperparameters.choices import Records, of_row
from experiments.hyperparameters.rows import LABELS, SOFT
from kd_jax.metrics import statistics
from kd_jax.report import differences, grouped

Test = Callable[..., statistics.Paired]


def log_ratio(records: Records) -> statistics.Paired:
    """log10 of the best rate of soft targets over that of labels only, over teachers.

    Each teacher's students choose on validation by themselves; higher is called better.

    Args:
        records: Of students at all rates.
    """
    soft, labels = (np.log10(choices.by_teacher(of_row(records, row))) for row in (SOFT, LABELS))
    return statistics.paired(soft, labels, lower_is_better=False)


def extra(records: Records, row: str, best: float, other: float) -> Float[np.ndarray, "U N"] | None:
    """The errors that another rate adds to those of the best one, by teacher and test example.

    Args:
        records: Of students at all rates.
        row: Their row.
        best: The rate that was chosen for it.
        other: Another one.

    Returns:
        As differences.by_example; None where some of the students diverged.
    """
    at = grouped.by("rate", of_row(records, row))
    high, low = (sorted(at.get(rate, []), key=grouped.seeds) for rate in (other, best))
    if [*map(grouped.seeds, high)] != [*map(grouped.seeds, low)]:
        return None
    return differences.by_example(high, low, "test_errors")


def added(
    records: Records,
    rates: Mapping[str, float],
    tried: Sequence[float],
    factor: float,
    of_soft: str = SOFT,
) -> dict[str, tuple[float, Float[np.ndarray, "U N"]]]:
    """{row: (rate, what it adds)} of labels only and soft targets, at a multiple of a best rate.

    Args:
        records: Of students at all rates.
        rates: The best of each row.
        tried: All rates.
        factor: By which a best rate is multiplied; where no rate is near to that, or students
            diverged, a row is left out.
        of_soft: Whose best rate is multiplied for soft targets, SOFT or LABELS: in the latter case
            both are tried at one rate.
    """
    found = {}
    for row, whose in ((LABELS, LABELS), (SOFT, of_soft)):
        other = choices.nearest(factor * rates[whose], tried)
        errors = None if other is None else extra(records, row, rates[row], other)
        if other is not None and errors is not None:
            found[row] = other, errors
    return found


def less(by_row: Mapping[str, tuple[float, Float[np.ndarray, "U N"]]]) -> Test | None:
    """The test whether soft targets lose less than labels only, of what `added` gives.

    Args:
        by_row: Of both rows, of the same teachers; else there is none.
    """
    soft, labels = (by_row.get(row, (0, None))[1] for row in (SOFT, LABELS))
    if soft is None or labels is None or soft.shape != labels.shape:
        return None
    return functools.partial(statistics.crossed, soft - labels)
