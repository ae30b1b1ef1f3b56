"""Tables and the figure of the equations of Hinton, Vinyals and Dean 2015."""

import json
import pathlib

import numpy as np

from experiments.equations_2015 import rows as named
from kd_jax.report import contrasts, figures, grouped, marks, roles, tables
from kd_jax.storage import jsonl

ENSEMBLES = "students of an ensemble"


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: gradients over T, then trainings."""
    parts = grouped.by("part", jsonl.records(folder))
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    margin = settings.get("margin", 0.0)
    students = grouped.by_row(parts[named.TRAINING])[named.MATCHING]
    draws = len({r["seed"] for r in parts[named.GRADIENT]})
    return "\n\n".join([
        "Gradients of T² KL(teacher ‖ student) at random zero-mean logits in 10 classes; means "
        f"over {draws} draws of these",
        gradients(parts[named.GRADIENT]),
        f"Trainings on digits, mean ± s.d. over {_counted(students)}, paired with logit matching",
        f"All students but those of the geometric mean learn from the arithmetic mean of "
        f"{settings['members']} teachers. Distance of learning curves: between the mean squared "
        "differences to the teacher's logits, epoch by epoch, relative to those of logit "
        f"matching.\n{tables.margin_note(margin, 'errors')}{tables.scope(students, ENSEMBLES)}",
        trainings(parts[named.TRAINING], margin),
    ])  # fmt: skip


def _counted(students):
    return grouped.counted(students).replace("teacher", "ensemble")


def gradients(records: list[dict]) -> str:
    """One line per temperature."""
    columns = {
        "equation_2_error": ("relative error, equation 2", ".1e"),
        "limit_error": ("relative error, limit of equation 4", ".4f"),
        "gradient_norm": ("norm with T²", ".4f"),
        "gradient_norm_without_t2": ("norm without T²", ".6f"),
    }
    lines = [
        [row, *(tables.mean(found, name, form) for name, (_, form) in columns.items())]
        for row, found in grouped.by_row(records).items()
    ]
    return tables.markdown(["T", *(title for title, _ in columns.values())], lines)


def trainings(records: list[dict], margin: float) -> str:
    """One line per row; the distance of students' learning curves is from logit matching's.

    Args:
        records: of the students.
        margin: test errors that make no difference.
    """
    rows, lines = grouped.by_row(records), []
    limit = np.array([r["curve"] for r in rows[named.MATCHING]])
    compared = contrasts.compare(records, "test_errors", named.MATCHING, margin=margin)
    for line in compared:
        found = rows[line.row]
        if line.row == named.MEMBER:  # its seeds are teachers, not students
            line = line._replace(paired=None)
        apart = "–"
        if "curve" in found[0] and line.row != named.MATCHING:
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
    header = ["method", "test errors of 1,500", f"vs. {named.MATCHING} [95 %]", "verdict"]
    return tables.markdown([*header, "distance of learning curves", "test NLL (nats)"], lines)


def draw(folder: pathlib.Path) -> None:
    """The figure of a run folder: how far from the teacher's logits each student is, by epoch."""
    rows = grouped.by_row(r for r in jsonl.records(folder) if "curve" in r)
    left_out = (named.OF_ARITHMETIC, named.OF_GEOMETRIC)
    shown = [row for row in rows if not row.startswith(left_out)]
    caption = (
        "How far students' logits are from their teacher's, epoch by epoch: the higher T, the "
        "nearer soft targets come to logit matching. Lines are means over all students."
    )
    path = folder / "high_temperature_limit.svg"
    with figures.figure(path, caption=caption, table="Trainings on digits") as axes:
        for row, role in roles.styles(shown).items():
            found = np.mean([r["curve"] for r in rows[row]], axis=0)
            marks.line(axes, range(1, len(found) + 1), found, row, role, every=5)
        axes.set(xlabel="epoch", ylabel="½ mean squared difference of centered logits")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        figures.legend(axes)
