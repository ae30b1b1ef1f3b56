"""Tables and figure of cross-modal distillation, and of a smaller convnet: accuracy by labels."""

import json
import pathlib

import numpy as np

from experiments.cross_modal.rows import AUDIO, LABELS, PARTS, PERMUTED, ROWS, SOFTER
from kd_jax.metrics import statistics
from kd_jax.report import by_column, figures, tables
from kd_jax.storage import jsonl

GAIN, LOSS = 10, 3  # points expected over few labels, and at most under all of them


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: two tables for each part, then what was expected."""
    parts, settings = (
        by_part(folder),
        json.loads((folder / "config.json").read_text(encoding="utf-8")),
    )
    text = [
        f"Test accuracy in percent, mean ± s.d. over {settings['seeds']} seeds, paired. Columns: "
        "how many examples have labels, the last all that the student is shown;\nthe others are "
        "unlabeled. The weight beside the labels is the best of three on validation."
    ]
    for part in PARTS:
        teacher, *students = parts[part]
        columns = students, "labels", "student", "test_accuracy"
        title = (
            f"{part.capitalize()}: test accuracy of its teacher {teacher['test_accuracy']:.2f} %"
        )
        text += [title, by_column.spread(*columns, digits=1)]
        less = by_column.against(*columns, LABELS, digits=1)
        text += [f"Accuracy vs. {LABELS} [95 %]", less]
    _, *of_audio = parts[AUDIO]
    pair = [r for r in of_audio if r["row"] in (SOFTER, PERMUTED)]
    alike = by_column.against(pair, "labels", "student", "test_accuracy", PERMUTED, digits=1)
    text += [f"Audio classification vs. {PERMUTED} [95 %]", alike]
    return "\n\n".join(
        [*text, "Expected before the run: images in place of labels", claims(of_audio)]
    )


def by_part(folder):
    """{part: its records in percent, in the order of ROWS: the teacher's one first}."""
    found = [tables.in_percent(r) for r in jsonl.records(folder)]
    return tables.by("part", sorted(found, key=lambda r: (ROWS.index(r["row"]), r["seed"])))


def claims(records):
    """Expected accuracy of students without labels, against labels only.

    More by GAIN than with the largest number of few labels, in every seed; at most LOSS less than
    with all labels, in the mean.
    """
    by_labels = by_column.rows_by_value("labels", records)
    *_, few, everything = (n for n, rows in by_labels.items() if LABELS in rows)
    lines = []
    for row in by_labels[0]:
        ours = np.array(tables.values(by_labels[0][row], "test_accuracy"))
        for count, level in ((few, GAIN), (everything, -LOSS)):
            theirs = np.array(tables.values(by_labels[count][LABELS], "test_accuracy"))
            found = statistics.paired(ours, theirs, lower_is_better=False)
            over = statistics.paired(ours, theirs + level, lower_is_better=False)
            line = tables.line_of(row, ours.tolist(), found)
            above = int((ours - theirs >= level).sum())
            shown = tables.difference(line), f"{level:+d}".replace("-", "−")
            lines.append([row, f"{count:,} labels", *shown, f"{above} of {len(ours)}"])
            lines[-1].append(over.verdict)
    header = ["student without labels", f"vs. {LABELS} with", "difference [95 %]", "expected from"]
    return tables.markdown([*header, "seeds", "verdict"], lines)


def draw(folder: pathlib.Path) -> None:
    """The figure of a run folder: accuracy against the number of labels in both parts."""
    parts = by_part(folder)
    path, size = folder / "by_labels.png", (5.0 * len(PARTS), 3.8)
    with figures.figure(path, 1, len(PARTS), size) as axes:
        for cell, part in zip(axes, PARTS):
            _, *students = parts[part]
            by_column.curves(cell, students, "labels", "test_accuracy", ROWS[1:])
            cell.set(title=part, ylabel="test accuracy (%)")
            cell.legend(fontsize=8)
        axes[0].plot([], [], ":", color=figures.GREY, label="without labels")
        axes[0].legend(fontsize=8)
