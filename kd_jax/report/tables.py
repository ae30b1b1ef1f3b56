"""Markdown tables from records: a line per row name, with spread, paired difference and verdict."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kd_jax.metrics import means
from kd_jax.report.contrasts import Line
from kd_jax.report.differences import known_examples
from kd_jax.report.grouped import Record, seeds
from kd_jax.report.published import DASH


def scope(records: Sequence[Record], units: str = "", examples: str = "test examples") -> str:
    """What the intervals and verdicts of a table speak of, as a sentence.

    Args:
        records: of one row.
        units: what seeds stand for, where it is not students of teachers.
        examples: what the records say of each whether it was right; "" where units have theirs.
    """
    several = len({seeds(r)[0] for r in records}) > 1
    of = units or ("teachers and their students" if several else "students of this one teacher")
    tests = f" and {examples}" if known_examples(records) else f", on the same {examples}"
    return (
        f"[95 %]: of the paired difference, for other {of}{examples and tests}; verdicts are "
        "corrected for all of a table (Holm)."
    )


def margin_note(margin: float, unit: str) -> str:
    """What EQUIVALENT means in a table, as a line; "" without a margin.

    Args:
        margin: as for a Contrast, of a run's settings: a run of before it was stated has none.
        unit: of the metric, like "points".
    """
    said = f"EQUIVALENT: the interval lies within {margin:g} {unit}, which was stated beforehand.\n"
    return said if margin else ""


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


def size(least: float, form: str) -> str:
    """'12.5', a size that a comparison would have decided, or a dash where nothing is compared.

    Args:
        least: of statistics.detectable.
        form: a format specification, like ".1f".
    """
    return DASH if math.isnan(least) else format(least, form)


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
