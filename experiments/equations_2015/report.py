"""Tables and the figure of the 2015 paper's equations."""

import numpy as np

from kd_jax.report import figures, tables
from kd_jax.storage import jsonl

MEMBER, ARITHMETIC, GEOMETRIC = "one teacher", "arithmetic mean", "geometric mean"
MATCHING = "logit matching"
OF_ARITHMETIC, OF_GEOMETRIC = (
    "student of the arithmetic mean, T=2",
    "student of the geometric mean, T=2",
)


def soft(temperature):
    """The row of students at a temperature."""
    return f"soft targets, T={temperature:g}"


def table(folder):
    """The Markdown of a run folder: gradients over T, then trainings."""
    records = jsonl.records(folder)
    drawn = [r for r in records if r["part"] == "gradient"]
    trained = [r for r in records if r["part"] == "training"]
    return "\n\n".join([
        "Gradients of T² KL(teacher ‖ student) at random zero-mean logits in 10 classes; means "
        "over the seeds",
        gradients(drawn),
        "Trainings on digits, mean ± s.d. over seeds, paired with logit matching",
        trainings(trained),
    ])  # fmt: skip


def gradients(records):
    """One line per temperature."""
    rows, lines = tables.by_row(records), []
    for row, found in rows.items():
        lines.append([
            row,
            tables.mean(found, "equation_2_error", ".1e"),
            tables.mean(found, "limit_error", ".4f"),
            tables.mean(found, "size", ".4f"),
            tables.mean(found, "size_without", ".6f"),
        ])  # fmt: skip
    header = ["T", "relative error, equation 2", "relative error, limit of equation 4"]
    return tables.markdown([*header, "size with T²", "size without"], lines)


def trainings(records):
    """One line per row; the curves' distance is of students, from logit matching's."""
    rows, lines = tables.by_row(records), []
    limit = np.array([r["curve"] for r in rows[MATCHING]])
    for line in tables.compare(records, "test_errors", MATCHING):
        found = rows[line.row]
        if line.row == MEMBER:  # its seeds are teachers, not students
            line = line._replace(paired=None)
        apart = "–"
        if "curve" in found[0] and line.row != MATCHING:
            curves = np.array([r["curve"] for r in found])
            apart = f"{np.mean(np.abs(curves - limit) / limit):.1%}"
        lines.append([
            line.row,
            tables.spread(line),
            tables.difference(line),
            tables.verdict(line),
            apart,
            tables.mean(found, "test_nll", ".3f"),
        ])  # fmt: skip
    header = ["row", "test errors of 1,500", f"difference to {MATCHING} [95 %]", "verdict"]
    return tables.markdown([*header, "curve's distance from its", "NLL"], lines)


def draw(folder):
    """The figure of a run folder: how far from the teacher's logits each student is, by epoch."""
    rows = tables.by_row(r for r in jsonl.records(folder) if "curve" in r)
    shown = [row for row in rows if row not in (OF_ARITHMETIC, OF_GEOMETRIC)]
    with figures.figure(folder / "high_temperature_limit.png") as axes:
        for row, color in zip(shown, figures.COLORS):
            found = np.mean([r["curve"] for r in rows[row]], axis=0)
            style = "--" if row == MATCHING else "-"
            axes.plot(range(1, len(found) + 1), found, style, color=color, label=row)
        axes.set(xlabel="epoch", ylabel="½ mean squared difference of centred logits", yscale="log")
        axes.legend(fontsize=8)
