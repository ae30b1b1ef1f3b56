"""Tables and figures with a column, or a place on the axis, for every value of a number."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kd_jax.errors import extra
from kd_jax.metrics import means
from kd_jax.report import contrasts, figures, grouped, marks, roles, tables
from kd_jax.report.differences import compared, teacher_means
from kd_jax.report.published import DASH

if TYPE_CHECKING:
    with extra("report"):
        from matplotlib.axes import Axes


def rows_by_value(
    field: str, records: Sequence[grouped.Record]
) -> dict[float, dict[str, list[grouped.Record]]]:
    """{value of the field: {row: its records by seed}}, values ascending."""
    found = grouped.by(field, records)
    return {value: grouped.by_row(found[value]) for value in sorted(found)}


def spread(
    records: Sequence[grouped.Record], field: str, title: str, metric: str, digits: int = 2
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
    for row in grouped.by_row(records):
        found = (rows.get(row) for rows in columns.values())
        lines.append([row, *(_mean_and_sd(x, metric, digits) if x else DASH for x in found)])
    return tables.markdown([title, *(f"{value:,}" for value in columns)], lines)


def _mean_and_sd(records, metric, digits):
    return tables.mean_and_sd(grouped.values(records, metric), digits)


def against(
    records: Sequence[grouped.Record],
    field: str,
    title: str,
    metric: str,
    baseline: str,
    digits: int = 2,
    margin: float = 0.0,
) -> str:
    """The Markdown table of paired differences to the baseline's metric, higher being better.

    Args:
        records: of all rows and values.
        field: whose values are the columns; those without the baseline are left out.
        title: of the column with the rows' names.
        metric: the field that is compared.
        baseline: the name of a row.
        digits: after the point.
        margin: as for contrasts.Contrast.

    Returns:
        A line per other row, in each cell difference, 95 % interval and verdict; these are
        corrected for all cells.
    """
    by_value = grouped.by(field, records)
    columns = [v for v, rows in rows_by_value(field, records).items() if baseline in rows]
    lines = {row: [row] for row in grouped.by_row(records) if row != baseline}
    contrast = functools.partial(
        contrasts.Contrast, baseline=baseline, metric=metric, lower_is_better=False, margin=margin
    )
    found = contrasts.compare_each({value: contrast(by_value[value]) for value in columns})
    for value in columns:
        cells = {x.row: tables.judged(x, digits) for x in found[value]}
        for row, line in lines.items():
            line.append(cells.get(row, DASH))
    shown = [line for line in lines.values() if set(line[1:]) != {DASH}]
    return tables.markdown([title, *(f"{value:,}" for value in columns)], shown)


def curves(
    axes: Axes,
    records: Sequence[grouped.Record],
    field: str,
    metric: str,
    rows: Sequence[str],
) -> None:
    """Draw a line per row through its mean percentages over the values above 0, with 95 % whiskers.

    Where there are several teachers, the intervals are those of their students' means.

    Args:
        axes: to draw on.
        records: of all rows and values.
        field: on the logarithmic axis.
        metric: the field that is shown, in percent.
        rows: of all axes that share their looks, in order.
    """
    columns, known = rows_by_value(field, records), grouped.by_row(records)
    places = [value for value in columns if value]
    shown = {row: role for row, role in roles.styles(rows).items() if row in known}
    for (row, role), beside in zip(shown.items(), marks.side_by_side(places, len(shown))):
        found = {
            v: _interval(teacher_means(columns[v][row], metric))
            for v in places
            if row in columns[v]
        }
        marks.intervals(axes, found, row, role, beside)
    figures.logarithmic(axes, places)
    axes.set_xlabel(field)


def _interval(values):
    """(mean, low, high) of percentages."""
    return np.mean(values), *means.interval(values, means.PERCENT)


def differences(
    axes: Axes,
    records: Sequence[grouped.Record],
    field: str,
    metric: str,
    baseline: str,
    rows: Sequence[str],
) -> None:
    """Draw the paired differences to a baseline's metric, higher being better, with 95 % intervals.

    Rows whose field is 0 (they need none of what the axis counts) are compared with the baseline
    at every value.

    Args:
        axes: to draw on.
        records: of all rows and values.
        field: on the logarithmic axis.
        metric: the field that is compared.
        baseline: the row at zero.
        rows: of all axes that share their looks, in order.
    """
    of_value = rows_by_value(field, records)
    columns = {v: found for v, found in of_value.items() if baseline in found}
    groups = {"": columns, f", no {field}": {v: of_value[0] for v in columns if 0 in of_value}}
    looks = roles.styles(row for row in rows if row != baseline)
    lines = [(row, suffix) for row in looks for suffix in groups]
    for (row, suffix), beside in zip(lines, marks.side_by_side([*columns], len(lines))):
        tests = {
            v: compared(of_row[row], columns[v][baseline], metric, lower_is_better=False)
            for v, of_row in groups[suffix].items()
            if row in of_row
        }
        if found := {v: test() for v, test in tests.items() if test}:
            role = looks[row]._replace(dash=":" if suffix else "-")
            marks.intervals(axes, found, row + suffix, role, beside)
    _zero(axes, baseline)
    figures.logarithmic(axes, [*columns])
    axes.set_xlabel(field)


def by_temperature(
    axes: Axes, records: Sequence[grouped.Record], baseline: str, families: Sequence[str]
) -> None:
    """Draw the paired differences in test errors to a baseline, family by family over T.

    Args:
        axes: to draw on.
        records: with "family", "test_errors" and, of `families`, "temperature".
        baseline: the row at zero.
        families: a line each.
    """
    lines = {line.row: line for line in contrasts.compare(records, "test_errors", baseline)}
    swept = [r for r in records if _family(r) in families]
    temperatures = sorted({r["temperature"] for r in swept})
    looks = roles.styles(families)
    for family, beside in zip(looks, marks.side_by_side(temperatures, len(looks))):
        rows = {r["temperature"]: r["row"] for r in swept if _family(r) == family}
        found = {t: x for t, row in sorted(rows.items()) if (x := lines[row].paired)}
        marks.intervals(axes, found, family, looks[family], beside)
    _zero(axes, baseline)
    figures.temperature_axis(axes, temperatures)


def _family(record):
    return record.get("family", record["row"])


def _zero(axes, baseline):
    axes.axhline(0, color=roles.LABELS.color, ls=roles.LABELS.dash, lw=1.2, label=baseline)
