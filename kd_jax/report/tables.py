"""Markdown tables from records: a line per row name, with spread, paired difference and verdict."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kd_jax.metrics import statistics
from kd_jax.report.published import DASH

Record = dict[str, Any]


class Line(NamedTuple):
    """One row of a comparison: a number per seed, their mean and sample standard deviation.

    paired: the difference to the baseline, None where there is nothing to pair with.
    """

    row: str
    values: list
    mean: float
    sd: float
    paired: statistics.Paired | None


def line_of(row: str, values: Sequence[float], paired: statistics.Paired | None = None) -> Line:
    """The Line of one number per seed."""
    mean, sd = statistics.mean_sd(values)
    return Line(row, list(values), mean, sd, paired)


def by(name: str, records: Iterable[Record]) -> dict[Any, list[Record]]:
    """{value of the field `name`: the records that have it}, in order of first appearance."""
    found: dict[Any, list[Record]] = {}
    for record in records:
        found.setdefault(record[name], []).append(record)
    return found


def seeds(record: Record) -> tuple[int, int]:
    """(seed of its teacher, its own seed) of a record, by which networks are paired."""
    return record.get("teacher_seed", 0), record["seed"]


def own_teachers(records: Iterable[Record]) -> list[Record]:
    """The records, those without a teacher_seed as the only students of teachers of their seed."""
    return [
        r if "teacher_seed" in r else {**r, "teacher_seed": r["seed"], "seed": 0} for r in records
    ]


def by_row(records: Iterable[Record]) -> dict[str, list[Record]]:
    """{row name: its records ordered by `seeds`}, in order of first appearance."""
    rows = by("row", records)
    return {row: sorted(found, key=seeds) for row, found in rows.items()}


def in_percent(record: Record) -> Record:
    """The record with its accuracies in percent."""
    return record | {name: 100 * x for name, x in record.items() if name.endswith("_accuracy")}


def values(records: Iterable[Record], metric: str) -> list:
    """The metric of records of one row, ordered as they are."""
    return [record[metric] for record in records]


def counted(records: Sequence[Record]) -> str:
    """'10 seeds', or where there are several teachers '3 teachers with 10 seeds each'.

    '5 seeds, each with its own teacher' where every teacher has one student.

    Args:
        records: of one row.
    """
    students = len({r["seed"] for r in records})
    teachers = len({seeds(r)[0] for r in records})
    if teachers == 1:
        return f"{students} seeds"
    if students == 1:
        return f"{teachers} seeds, each with its own teacher"
    return f"{teachers} teachers with {students} seeds each"


def teacher_means(records: Sequence[Record], metric: str) -> list:
    """The mean of a metric for each teacher's students, or its values where there is one teacher.

    Args:
        records: of one row.
        metric: the field.
    """
    groups: dict[int, list] = {}
    for record in records:
        groups.setdefault(seeds(record)[0], []).append(record[metric])
    return [np.mean(group) for group in groups.values()] if len(groups) > 1 else groups.popitem()[1]


def paired_values(
    ours: Sequence[Record], theirs: Sequence[Record], metric: str
) -> tuple[list, list] | None:
    """The metric of two rows, number by number of what is paired, or None.

    Students of one teacher are not independent of each other: of several teachers their students'
    means are paired, with the teacher itself too where one of the rows is the teacher's.

    Args:
        ours: of one row, as `by_row` orders them.
        theirs: of another.
        metric: the field.
    """
    members = [list(map(seeds, row)) for row in (ours, theirs)]
    teachers = [{teacher for teacher, _ in row} for row in members]
    several = len(teachers[0]) > 1 and teachers[0] == teachers[1]
    if several or members[0] == members[1]:
        return teacher_means(ours, metric), teacher_means(theirs, metric)
    return None


def compare(
    records: Iterable[Record], metric: str, baseline: str, *, lower_is_better: bool = True
) -> list[Line]:
    """Compare every row with a baseline, in pairs; see `paired_values`.

    Args:
        records: of all rows.
        metric: the field that is compared.
        baseline: the name of a row.
        lower_is_better: whether small values of the metric are good.

    Returns:
        A Line per row, in order of first appearance. Rows that have no pairs with the baseline (a
        single teacher, say) have no paired difference.

    Raises:
        KeyError: no record is of the baseline.
    """
    rows = by_row(records)
    against = rows[baseline]
    lines = []
    for row, found in rows.items():
        pairs = None if row == baseline else paired_values(found, against, metric)
        paired = pairs and statistics.paired(*pairs, lower_is_better=lower_is_better)
        lines.append(line_of(row, values(found, metric), paired))
    return lines


def spread(line: Line, digits: int = 1) -> str:
    """'105.3 ± 6.9' of a line, or the mean alone where one value has no spread."""
    return mean_and_sd(line.values, digits)


def mean_and_sd(values: Sequence[float], digits: int = 1) -> str:
    """'105.3 ± 6.9' of one number per seed, or the mean alone where one value has no spread."""
    mean, sd = statistics.mean_sd(values)
    return f"{mean:.{digits}f}" + (f" ± {sd:.{digits}f}" if len(values) > 1 else "")


def interval(values: Sequence[float], digits: int = 1) -> str:
    """'[98.4, 112.2]', the 95 % interval of the mean of one number per seed, or a dash for one."""
    if len(values) < 2:
        return DASH
    mean, half = np.mean(values), statistics.half_width(values)
    return f"[{mean - half:.{digits}f}, {mean + half:.{digits}f}]".replace("-", "−")


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
    """'−17.0 [−22.9, −11.1]', or a dash where there is nothing to compare."""
    if line.paired is None or len(line.values) < 2:
        return DASH
    mean, low, high = (_signed(x, digits) for x in line.paired[:3])
    return f"{mean} [{low}, {high}]"


def verdict(line: Line) -> str:
    """BEATS, WORSE or INCONCLUSIVE; a dash where there are too few students to compare, or none."""
    return line.paired.verdict if line.paired else DASH


def _signed(value, digits):
    return f"{value:+.{digits}f}".replace("-", "−")


def markdown(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table with padded columns, so that it reads well in a terminal too.

    Args:
        header: the columns' titles.
        rows: cells, as many as titles in each; shown as str() has them.
    """
    cells = [list(map(str, header)), *(list(map(str, row)) for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
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
