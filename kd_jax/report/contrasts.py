"""Rows of a table against one of them: paired differences, verdicts corrected for all of them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kd_jax.metrics import means, statistics
from kd_jax.report import differences
from kd_jax.report.grouped import Record, by_row, values


class Line(NamedTuple):
    """One row of a comparison: a number per seed, their mean and sample standard deviation.

    paired: the difference to the baseline, None where there is nothing to pair with.
    test: what it was found by, see statistics.together.
    comparisons: how many stand in the table.
    """

    row: str
    values: list
    mean: float
    sd: float
    paired: statistics.Paired | None
    test: Callable[..., statistics.Paired] | None = None
    comparisons: int = 1

    @property
    def detectable(self) -> float:
        """The size of a difference that would have been decided, NaN where nothing is compared."""
        return statistics.detectable(self.test, self.comparisons) if self.test else math.nan


def line_of(row: str, values: Sequence[float], paired: statistics.Paired | None = None) -> Line:
    """The Line of one number per seed."""
    mean, sd = means.mean_sd(values)
    return Line(row, list(values), mean, sd, paired)


class Contrast(NamedTuple):
    """Rows of a table against one of them, by one metric: a column of verdicts, or a part of one.

    Attributes:
        records: of all its rows.
        baseline: the name of the row that the others are compared with.
        metric: the field that is compared.
        lower_is_better: whether small values of the metric are good.
        margin: of the metric, stated beforehand: a difference whose interval lies within it is
            EQUIVALENT; 0: none is.
    """

    records: Sequence[Record]
    baseline: str
    metric: str = "test_errors"
    lower_is_better: bool = True
    margin: float = 0.0


def compare(
    records: Iterable[Record],
    metric: str,
    baseline: str,
    *,
    lower_is_better: bool = True,
    margin: float = 0.0,
) -> list[Line]:
    """Compare every row with a baseline, in pairs; verdicts are corrected for the rows (Holm).

    Args:
        records: of all rows.
        metric: the field that is compared.
        baseline: the name of a row.
        lower_is_better: as for a Contrast.
        margin: as for a Contrast.

    Returns:
        A Line per row, in order of first appearance. Rows that have no pairs with the baseline (a
        single teacher, say) have no paired difference; see differences.compared.

    Raises:
        KeyError: no record is of the baseline.
    """
    return compare_each({"": Contrast([*records], baseline, metric, lower_is_better, margin)})[""]


def compare_each(contrasts: Mapping[Any, Contrast]) -> dict[Any, list[Line]]:
    """`compare` of all contrasts of one table: verdicts are corrected for the rows of all (Holm).

    Args:
        contrasts: of all columns and parts of the table.

    Returns:
        {key of the contrast: a Line per row}.
    """
    rows = {key: by_row(each.records) for key, each in contrasts.items()}
    tests = {
        (key, row): differences.compared(
            found,
            rows[key][each.baseline],
            each.metric,
            lower_is_better=each.lower_is_better,
        )
        for key, each in contrasts.items()
        for row, found in rows[key].items()
        if row != each.baseline
    }
    known = {pair: test for pair, test in tests.items() if test}
    margins = {pair: contrasts[pair[0]].margin for pair in known}
    paired = statistics.together(known, margin=margins)
    return {
        key: [
            line_of(row, values(found, each.metric), paired.get((key, row)))._replace(
                test=known.get((key, row)), comparisons=len(known)
            )
            for row, found in rows[key].items()
        ]
        for key, each in contrasts.items()
    }
