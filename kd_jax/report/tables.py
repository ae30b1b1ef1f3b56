"""Tables from records: one line per row name, with spread, paired difference and verdict."""

from typing import NamedTuple

import numpy as np

from kd_jax.metrics import statistics


class Line(NamedTuple):
    """One row of a comparison: `paired` is None where there is nothing to pair with."""

    row: str
    values: list
    mean: float
    sd: float
    paired: statistics.Paired | None


def line_of(row, values, paired=None):
    """The Line of one number per seed."""
    mean, sd = statistics.mean_sd(values)
    return Line(row, values, mean, sd, paired)


def by(name, records):
    """{value of the field `name`: the records that have it}, in order of first appearance."""
    found = {}
    for record in records:
        found.setdefault(record[name], []).append(record)
    return found


def by_row(records):
    """{row name: its records ordered by seed}, in order of first appearance."""
    rows = by("row", records)
    return {row: sorted(found, key=lambda r: r["seed"]) for row, found in rows.items()}


def in_percent(record):
    """The record with its accuracies in percent."""
    return record | {name: 100 * x for name, x in record.items() if name.endswith("_accuracy")}


def values(records, metric):
    """The metric of records of one row, ordered as they are."""
    return [record[metric] for record in records]


def compare(records, metric, baseline, *, lower_is_better=True):
    """A Line per row, paired by seed with the row named `baseline`.

    Rows of other seeds than the baseline's (a single teacher, say) have no paired difference.
    """
    rows = by_row(records)
    against = rows[baseline]
    lines = []
    for row, found in rows.items():
        numbers = values(found, metric)
        same_seeds = values(found, "seed") == values(against, "seed")
        paired = None
        if row != baseline and same_seeds:
            base = values(against, metric)
            paired = statistics.paired(numbers, base, lower_is_better=lower_is_better)
        lines.append(line_of(row, numbers, paired))
    return lines


def spread(line, digits=1):
    """'105.3 ± 6.9' of a line, or the mean alone where one value has no spread."""
    return mean_and_sd(line.values, digits)


def mean_and_sd(values, digits=1):
    """'105.3 ± 6.9' of one number per seed, or the mean alone where one value has no spread."""
    mean, sd = statistics.mean_sd(values)
    return f"{mean:.{digits}f}" + (f" ± {sd:.{digits}f}" if len(values) > 1 else "")


def interval(values, digits=1):
    """'[98.4, 112.2]', the 95 % interval of the mean of one number per seed, or a dash for one."""
    if len(values) < 2:
        return "–"
    mean, half = np.mean(values), statistics.half_width(values)
    return f"[{mean - half:.{digits}f}, {mean + half:.{digits}f}]".replace("-", "−")


def mean(records, metric, form):
    """The mean of a metric over the records of a row, a dash where they have none."""
    values = [r[metric] for r in records if metric in r]
    return format(np.mean(values), form).replace("-", "−") if values else "–"


def difference(line, digits=1):
    """'−17.0 [−22.9, −11.1]', or a dash where there is nothing to compare."""
    if line.paired is None or len(line.values) < 2:
        return "–"
    mean, low, high = (_signed(x, digits) for x in line.paired[:3])
    return f"{mean} [{low}, {high}]"


def verdict(line):
    """BEATS, WORSE or INCONCLUSIVE, or a dash where there is nothing to compare."""
    return line.paired.verdict if line.paired else "–"


def _signed(value, digits):
    return f"{value:+.{digits}f}".replace("-", "−")


def markdown(header, rows):
    """A Markdown table with padded columns, so that it reads well in a terminal too."""
    cells = [list(map(str, header)), *(list(map(str, row)) for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def costs(summaries):
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
