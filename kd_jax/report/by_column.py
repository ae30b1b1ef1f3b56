"""Tables and figures with a column, or a place on the axis, for every value of a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kd_jax.errors import extra
from kd_jax.metrics import statistics
from kd_jax.report import figures, tables
from kd_jax.report.published import DASH

if TYPE_CHECKING:
    with extra("report"):
        from matplotlib.axes import Axes


def rows_by_value(
    field: str, records: Sequence[tables.Record]
) -> dict[float, dict[str, list[tables.Record]]]:
    """{value of the field: {row: its records by seed}}, values ascending."""
    found = tables.by(field, records)
    return {value: tables.by_row(found[value]) for value in sorted(found)}


def spread(
    records: Sequence[tables.Record], field: str, title: str, metric: str, digits: int = 2
) -> str:
    """The Markdown table of mean ± s.d., a line per row and a column per value of a field.

    Args:
        records: of all rows and values.
        field: whose values are the columns.
        title: of the column with the rows' names.
        metric: the field that is shown.
        digits: after the point.
    """
    columns = rows_by_value(field, records)
    lines = []
    for row in tables.by_row(records):
        found = (rows.get(row) for rows in columns.values())
        lines.append([row, *(_mean_and_sd(x, metric, digits) if x else DASH for x in found)])
    return tables.markdown([title, *(f"{value:,}" for value in columns)], lines)


def _mean_and_sd(records, metric, digits):
    return tables.mean_and_sd(tables.values(records, metric), digits)


def against(
    records: Sequence[tables.Record],
    field: str,
    title: str,
    metric: str,
    baseline: str,
    digits: int = 2,
) -> str:
    """The Markdown table of paired differences to the baseline's metric, higher being better.

    Args:
        records: of all rows and values.
        field: whose values are the columns; those without the baseline are left out.
        title: of the column with the rows' names.
        metric: the field that is compared.
        baseline: the name of a row.
        digits: after the point.

    Returns:
        A line per other row, in each cell difference, 95 % interval and verdict; these are
        corrected for all cells.
    """
    by_value = tables.by(field, records)
    columns = [v for v, rows in rows_by_value(field, records).items() if baseline in rows]
    lines = {row: [row] for row in tables.by_row(records) if row != baseline}
    found = tables.compare_each(
        {value: (by_value[value], baseline) for value in columns}, metric, lower_is_better=False
    )
    for value in columns:
        cells = {
            x.row: f"{tables.difference(x, digits)} {tables.verdict(x)}".removesuffix(f" {DASH}")
            for x in found[value]
        }
        for row, line in lines.items():
            line.append(cells.get(row, DASH))
    shown = [line for line in lines.values() if set(line[1:]) != {DASH}]
    return tables.markdown([title, *(f"{value:,}" for value in columns)], shown)


def curves(
    axes: Axes,
    records: Sequence[tables.Record],
    field: str,
    metric: str,
    rows: Sequence[str],
) -> None:
    """Draw a line per row through its means over the values above 0, with 95 % intervals.

    Where there are several teachers, the intervals are those of their students' means. Where the
    field is 0, which a logarithmic axis has not, stands a level line of the same color.

    Args:
        axes: to draw on.
        records: of all rows and values.
        field: on the logarithmic axis.
        metric: the field that is shown.
        rows: of all axes that share their colors, in order.
    """
    columns = rows_by_value(field, records)
    known = tables.by_row(records)
    for row, color in ((row, color) for row, color in zip(rows, figures.COLORS) if row in known):
        found = {v: tables.teacher_means(r[row], metric) for v, r in columns.items() if row in r}
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
