"""How much of a teacher's lead its students keep: the share of the way from a baseline to it."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from kd_jax.metrics import statistics
from kd_jax.report import tables
from kd_jax.report.published import DASH, Published


def table(
    records: Sequence[tables.Record],
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
    rows = tables.by_row(records)

    def of(errors):  # {row: one number or several}
        lead = errors[baseline] - errors[teacher]
        lead = np.where(lead == 0, np.nan, lead)  # of nothing there is no share
        return {row: (errors[baseline] - x) / lead for row, x in errors.items()}

    ours = of({r: np.array(tables.teacher_means(x, "test_errors")) for r, x in rows.items()})
    paper = of({row: x.errors for row, x in published.items()}) if published else {}
    lines = [
        [
            row,
            *([f"{paper[row]:.0%}" if row in paper else DASH] if published is not None else []),
            in_percent(share),
        ]
        for row, share in ours.items()
        if row not in (baseline, teacher)
    ]
    header = ["method", *(["paper"] if published is not None else []), "ours [95 %]"]
    return tables.markdown(header, lines)


def in_percent(shares: Float[np.ndarray, " U"]) -> str:
    """'63% [53%, 73%]', the mean of shares and its 95 % interval; of one share no interval.

    Args:
        shares: Of independent units; a dash where one of them is no number.
    """
    if np.isnan(shares).any():
        return DASH
    mean, half = shares.mean(), statistics.half_width(shares) if len(shares) > 1 else 0
    interval = f" [{mean - half:.0%}, {mean + half:.0%}]" if half else ""
    return f"{mean:.0%}{interval}".replace("-", "−")
