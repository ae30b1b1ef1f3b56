"""Table and figures of the quickstart."""

import pathlib

import numpy as np

from experiments.quickstart.rows import LABELS, MIXED, PERMUTED, SMOOTHED, SOFT
from kd_jax.report import by_column, class_figures, contrasts, figures, grouped, sections, tables
from kd_jax.report.chosen_numbers import chosen, controlled
from kd_jax.report.publishing import confirmed
from kd_jax.storage import jsonl


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: rows against labels only, and teacher against student."""
    every, costs = jsonl.records(folder), jsonl.only(folder / "costs.json")
    choosing = confirmed.choosing(folder, "quickstart")
    records = controlled(every, choosing, SOFT, [PERMUTED])
    picked = {chosen(choosing, family) for family in (SOFT, MIXED)}
    rows = grouped.by_row(records)
    lines, compared = [], contrasts.compare(records, "test_errors", LABELS)
    for line in compared:
        validation, nll, agreement = (
            np.mean([r.get(m, np.nan) for r in rows[line.row]])
            for m in ("validation_errors", "test_nll", "test_agreement")
        )
        lines.append([
            line.row + (" (chosen)" if line.row in picked else ""),
            tables.spread(line),
            tables.difference(line),
            tables.verdict(line),
            f"{validation:.1f}",
            f"{nll:.3f}",
            "–" if np.isnan(agreement) else f"{agreement:.1%}",
        ])  # fmt: skip
    where = "" if choosing == every else ", of the exploration at base seed 0"
    header = [
        "method", "test errors of 1,500", "vs. labels only [95 %]", "verdict",
        "validation errors of 500", "test NLL (nats)", "agrees with teacher",
    ]  # fmt: skip
    note = (
        f"Mean ± s.d. over {grouped.counted(rows[LABELS])}, paired by seed; (chosen): the "
        f"temperature with the fewest validation errors{where}.\n{sections.DETECTABLE}\n"
        f"{tables.scope(rows[LABELS])}\n"
    )
    controls = [row for row in rows if rows[row][0]["family"] in (SMOOTHED, PERMUTED)]
    pairs = [("digits", row, control) for row in rows if row in picked for control in controls]
    fewer = sections.compared({"digits": records}, pairs)
    found = [tables.markdown(header, lines) + tables.power(compared, "test errors")]
    found += ["\nFewer errors?\n", fewer]
    found += ["\nWhat they cost\n", tables.costs(costs)]
    return "\n".join([note, *found])


def draw(folder: pathlib.Path) -> None:
    """Both figures of a run folder."""
    choosing = confirmed.choosing(folder, "quickstart")
    records = controlled(jsonl.records(folder), choosing, SOFT, [PERMUTED])
    students = grouped.counted(grouped.by_row(records)[LABELS])
    caption = (
        f"Test errors of 1,500 by temperature, against {LABELS}: below zero a student errs less. "
        f"Points are means over {students}, whiskers 95 % intervals of the paired difference."
    )
    path = folder / "errors_by_temperature.svg"
    with figures.figure(path, size=(6.0, 3.6), caption=caption) as axes:
        by_column.by_temperature(axes, records, LABELS, (SOFT, MIXED, PERMUTED))
        axes.set_ylabel(f"test errors, minus those of {LABELS}")
        figures.legend(axes)
    with np.load(folder / "digits.npz") as shown:
        images, logits = shown["images"], shown["teacher_logits"]
    class_figures.soft_targets(folder / "soft_targets.svg", images, logits, (1, 3, 8, 20))
