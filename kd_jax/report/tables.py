"""Markdown tables from records: a line per row name, with spread, paired difference and verdict."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kd_jax.metrics import means, statistics
from kd_jax.report import differences
from kd_jax.report.differences import in_percent, paired_values, seeds, teacher_means
from kd_jax.report.published import DASH

Record = differences.Record
__all__ = ["in_percent", "paired_values", "seeds", "teacher_means"]


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


def by(name: str, records: Iterable[Record]) -> dict[Any, list[Record]]:
    """{value of the field `name`: the records that have it}, in order of first appearance."""
    found: dict[Any, list[Record]] = {}
    for record in records:
        found.setdefault(record[name], []).append(record)
    return found


def own_teachers(records: Iterable[Record]) -> list[Record]:
    """The records, those without a teacher_seed as the only students of teachers of their seed."""
    return [
        r if "teacher_seed" in r else {**r, "teacher_seed": r["seed"], "seed": 0} for r in records
    ]


def by_row(records: Iterable[Record]) -> dict[str, list[Record]]:
    """{row name: its records ordered by `seeds`}, in order of first appearance."""
    rows = by("row", records)
    return {row: sorted(found, key=seeds) for row, found in rows.items()}


def values(records: Iterable[Record], metric: str) -> list:
    """The metric of records of one row, ordered as they are."""
    return [record[metric] for record in records]


def counted(records: Sequence[Record]) -> str:
    """'10 students of one teacher', or where there are several '10 students of each of 3 teachers'.

    '5 students, each of a teacher of its own' where every teacher has one.

    Args:
        records: of one row.
    """
    students = len({r["seed"] for r in records})
    teachers = len({seeds(r)[0] for r in records})
    if teachers == 1:
        return f"{students} student{'s' * (students > 1)} of one teacher"
    if students == 1:
        return f"{teachers} students, each of a teacher of its own"
    return f"{students} students of each of {teachers} teachers"


def scope(records: Sequence[Record], units: str = "", examples: str = "test examples") -> str:
    """What the intervals and verdicts of a table speak of, as a sentence.

    Args:
        records: of one row.
        units: what seeds stand for, where it is not students of teachers.
        examples: what the records say of each whether it was right.
    """
    several = len({seeds(r)[0] for r in records}) > 1
    of = units or ("teachers and their students" if several else "students of this one teacher")
    tests = f" and {examples}" if differences.known_examples(records) else ""
    return (
        f"[95 %]: of the paired difference, for other {of}{tests}; verdicts are corrected for all "
        "of a table (Holm)."
    )


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


def margin_note(margin: float, unit: str) -> str:
    """What EQUIVALENT means in a table, as a line; "" without a margin.

    Args:
        margin: as for a Contrast, of a run's settings: a run of before it was stated has none.
        unit: of the metric, like "points".
    """
    said = f"EQUIVALENT: the interval lies within {margin:g} {unit}, which was stated beforehand.\n"
    return said if margin else ""


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


def power(lines: Iterable[Line], what: str, digits: int = 1) -> str:
    """What stands below a table of comparisons: the sizes of differences that it would have shown.

    Args:
        lines: of the table.
        what: the metric is called.
        digits: after the point.

    Returns:
        A paragraph, or "" where nothing is compared.
    """
    sizes = [size for size in (line.detectable for line in lines) if not math.isnan(size)]
    if not sizes:
        return ""
    ends = dict.fromkeys(f"{size:.{digits}f}" for size in (min(sizes), max(sizes)))
    return (
        f"\nWould have been decided four times of five: differences of {' to '.join(ends)} "
        f"{what}, by the row.\n"
    )


def spread(line: Line, digits: int = 1) -> str:
    """'105.3 ± 6.9' of a line, or the mean alone where one value has no spread."""
    return mean_and_sd(line.values, digits)


def mean_and_sd(values: Sequence[float], digits: int = 1) -> str:
    """'105.3 ± 6.9' of one number per seed, or the mean alone where one value has no spread."""
    mean, sd = means.mean_sd(values)
    shown = f"{mean:.{digits}f}" + (f" ± {sd:.{digits}f}" if len(values) > 1 else "")
    return shown.replace("-", "−")


def interval(
    values: Sequence[float], digits: int = 1, within: tuple[float, float] = means.ANY
) -> str:
    """'[98.4, 112.2]', the 95 % interval of the mean of one number per seed, or a dash for one.

    Args:
        values: of seeds.
        digits: after the point.
        within: what the mean can be; the interval ends there.
    """
    if len(values) < 2:
        return DASH
    low, high = means.interval(values, within)
    return f"[{low:.{digits}f}, {high:.{digits}f}]".replace("-", "−")


def mean(records: Iterable[Record], metric: str, form: str) -> str:
    """The mean of a metric over the records of a row, a dash where they have none.

    Args:
        records: of the row.
        metric: the field.
        form: a format specification, like ".3f".
    """
    values = [r[metric] for r in records if metric in r]
    return format(np.mean(values), form).replace("-", "−") if values else DASH


def difference(line: Line, digits: int = 1) -> str:
    """'−17.0 [−22.9, −11.1]', '0.0 [–]' without an interval, a dash with nothing to compare."""
    if line.paired is None or len(line.values) < 2:
        return DASH
    mean, low, high = (_signed(x, digits) for x in line.paired[:3])
    return f"{mean} [{DASH if math.isnan(line.paired.low) else f'{low}, {high}'}]"


def judged(line: Line, digits: int = 1) -> str:
    """'−17.0 [−22.9, −11.1] BEATS': the difference and the verdict in one cell, or one of them."""
    return f"{difference(line, digits)} {verdict(line)}".removesuffix(f" {DASH}")


def verdict(line: Line) -> str:
    """BEATS, WORSE or INCONCLUSIVE; a dash where there are too few students to compare, or none."""
    return line.paired.verdict if line.paired else DASH


def _signed(value, digits):
    return f"{value:+.{digits}f}".replace("-", "−")


def markdown(header: Sequence[Any], rows: Iterable[Sequence[Any]], *, padded: bool = True) -> str:
    """A Markdown table with padded columns, so that it reads well in a terminal too.

    Args:
        header: the columns' titles.
        rows: cells, as many as titles in each; shown as str() has them.
        padded: whether columns are; one that is wider than any terminal gains nothing by it.
    """
    cells = [list(map(str, header)), *(list(map(str, row)) for row in rows)]
    widths = [max(len(row[i]) for row in cells) if padded else 1 for i in range(len(header))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def costs(summaries: Mapping[str, Mapping[str, float]]) -> str:
    """The table of cost.summary results by network, and the ratio of the first to the last."""
    header = ["network", "parameters", "multiply-adds", "bytes", "ms for 1", "ms for 128"]
    names = ["parameters", "multiply_adds", "bytes", "seconds_1", "seconds_128"]
    rows = []
    for network, summary in summaries.items():
        counts = [f"{summary[name]:,}" for name in names[:3]]
        rows.append([network, *counts, *(f"{1000 * summary[name]:.3f}" for name in names[3:])])
    first, *_, last = summaries.values()
    rows.append(["ratio", *(f"{first[name] / last[name]:.1f}×" for name in names)])
    return markdown(header, rows)
