"""Tables and figures with a column, or a place on the axis, for every value of a number."""

import numpy as np

from kd_jax.metrics import statistics
from kd_jax.report import figures, tables

DASH = "–"


def of(field, records):
    """{value of the field: {row: its records by seed}}, values ascending."""
    found = tables.by(field, records)
    return {value: tables.by_row(found[value]) for value in sorted(found)}


def spread(records, field, title, metric, digits=2):
    """The Markdown table of mean ± s.d., a line per row; title: of the column with their names."""
    columns = of(field, records)
    lines = []
    for row in tables.by_row(records):
        found = (rows.get(row) for rows in columns.values())
        lines.append([row, *(_mean_and_sd(x, metric, digits) if x else DASH for x in found)])
    return tables.markdown([title, *(f"{value:,}" for value in columns)], lines)


def _mean_and_sd(records, metric, digits):
    return tables.mean_and_sd(tables.values(records, metric), digits)


def against(records, field, title, metric, baseline, digits=2):
    """The Markdown table of paired differences to the baseline's metric, higher being better.

    A line per other row: difference, 95 % interval and verdict; columns without the baseline are
    left out.
    """
    by_value = tables.by(field, records)
    columns = [v for v, rows in of(field, records).items() if baseline in rows]
    lines = {row: [row] for row in tables.by_row(records) if row != baseline}
    for value in columns:
        compared = tables.compare(by_value[value], metric, baseline, lower_is_better=False)
        cells = {x.row: f"{tables.difference(x, digits)} {tables.verdict(x)}" for x in compared}
        for row, line in lines.items():
            line.append(cells.get(row, DASH))
    shown = [line for line in lines.values() if set(line[1:]) != {DASH}]
    return tables.markdown([title, *(f"{value:,}" for value in columns)], shown)


def curves(axes, records, field, metric, rows):
    """A line per row through its means over the values above 0, with the 95 % interval of each.

    Where the field is 0, which a logarithmic axis has not, stands a level line of the same colour.
    rows: of all axes that share their colours, in order.
    """
    columns = of(field, records)
    known = tables.by_row(records)
    for row, color in ((row, color) for row, color in zip(rows, figures.COLORS) if row in known):
        found = {v: tables.values(r[row], metric) for v, r in columns.items() if row in r}
        nothing = found.pop(0, None)
        x, values = [*found], [*found.values()]
        if values:
            mean, half = (
                np.mean(values, axis=1),
                np.array([statistics.half_width(v) for v in values]),
            )
            axes.plot(x, mean, "o-", ms=3, color=color, label=row)
            axes.fill_between(x, mean - half, mean + half, color=color, alpha=0.15, lw=0)
        if nothing is not None:
            axes.axhline(np.mean(nothing), color=color, ls=":", lw=1.2)
    axes.set(xscale="log", xlabel=field)
    above = [value for value in columns if value]
    axes.set_xticks(above, [f"{value:,}" for value in above])
    axes.minorticks_off()
