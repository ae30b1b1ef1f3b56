"""How much of a teacher's lead its students keep: the share of the way from a baseline to it."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from kd_jax.metrics import ratios
from kd_jax.report import differences, grouped, tables
from kd_jax.report.published import DASH, Published


def table(
    records: Sequence[grouped.Record],
    baseline: str,
    teacher: str,
    published: Mapping[str, Published] | None = None,
) -> str:
    """The Markdown table of (baseline − row)/(baseline − teacher), shares of test errors.

    Args:
        records: of all rows.
        baseline: the row at 0 %.
        teacher: the row at 100 %.
        published: {row: what the paper prints of it, in errors}; None for no such column.
    """
    rows = grouped.by_row(records)
    paper = {row: [{"seed": 0, "test_errors": x.errors}] for row, x in (published or {}).items()}

    def of(row, known):
        if row not in known:
            return DASH
        return of_way(known[row], known[baseline], known[teacher], "test_errors")

    beside = [paper] if published is not None else []
    lines = [
        [row, *(of(row, known) for known in (*beside, rows))]
        for row in rows
        if row not in (baseline, teacher)
    ]
    return tables.markdown(["method", *(["paper"] * len(beside)), "ours [95 %]"], lines)


def of_way(
    ours: Sequence[grouped.Record],
    baseline: Sequence[grouped.Record],
    top: Sequence[grouped.Record],
    metric: str,
) -> str:
    """'58 % [49, 66]': the share of the way from a baseline to a better row that a row goes.

    (ours − baseline)/(top − baseline) of the means, with an interval for other students, other
    teachers where there are several, and other test examples where records say which were right.

    Args:
        ours: Of the row.
        baseline: At 0 %.
        top: At 100 %; one for all, or one for each teacher.
        metric: "test_errors" or "test_accuracy", also in percent.
    """
    rows = ours, baseline, top
    each = [differences.right_by_example(row, metric) for row in rows]
    known = [right for right in each if right is not None]
    if len(known) < len(rows):
        sign = -1 if metric.endswith("_errors") else 1
        known = [sign * np.array(differences.teacher_means(row, metric)) for row in rows]
    row, zero, one = known
    return kept(row - zero, one - zero)


def kept(gains: Float[np.ndarray, "U ..."], leads: Float[np.ndarray, "U ..."]) -> str:
    """'58 % [49, 66]': what of a lead is gained, mean gain over mean lead, with its interval.

    There is no interval for one unit, or where the lead may be zero, and no share of a lead that
    is not one.

    Args:
        gains: Of independent units, or of these on each test example.
        leads: Of the same, or of one that all share.
    """
    leads = np.broadcast_to(leads, np.shape(gains))
    found = ratios.crossed if leads.ndim == 2 else ratios.fieller
    value, low, high = found(gains, leads)
    if np.isnan(value) or np.mean(leads) < 0:
        return DASH
    interval = "" if np.isnan(low) else f" [{100 * low:.0f}, {100 * high:.0f}]"
    return f"{100 * value:.0f} %{interval}".replace("-", "−")
