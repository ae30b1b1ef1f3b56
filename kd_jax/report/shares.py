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
    ours = {r: np.array(differences.teacher_means(x, "test_errors")) for r, x in rows.items()}
    paper = {row: np.array([x.errors]) for row, x in (published or {}).items()}

    def of(row, errors):
        if row not in errors:
            return DASH
        lead = errors[baseline] - errors[teacher]
        return kept(errors[baseline] - errors[row], lead)

    beside = [paper] if published is not None else []
    lines = [
        [row, *(of(row, errors) for errors in (*beside, ours))]
        for row in ours
        if row not in (baseline, teacher)
    ]
    return tables.markdown(["method", *(["paper"] * len(beside)), "ours [95 %]"], lines)


def kept(gains: Float[np.ndarray, " U"] | Sequence[float], leads: Float[np.ndarray, " U"]) -> str:
    """'58 % [49, 66]': what of a lead is gained, mean gain over mean lead, with Fieller's interval.

    There is no interval for one unit, or where the lead may be zero, and no share of a lead that
    is not one.

    Args:
        gains: Of independent units.
        leads: Of the same, or of one that all share.
    """
    leads = np.broadcast_to(leads, np.shape(gains))
    value, low, high = ratios.fieller(gains, leads)
    if np.isnan(value) or np.mean(leads) < 0:
        return DASH
    interval = "" if np.isnan(low) else f" [{100 * low:.0f}, {100 * high:.0f}]"
    return f"{100 * value:.0f} %{interval}".replace("-", "−")
