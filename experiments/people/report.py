"""Table of McCaffrey's teacher-student demo: published accuracies and paired differences."""

import pathlib

from experiments.people.rows import LABELS, PAPER, TEACHER
from kd_jax.report import tables
from kd_jax.storage import jsonl


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder, a table per split."""
    records, text = jsonl.records(folder), []
    for number, (split, size) in enumerate((("train", 200), ("test", 40))):
        against_labels, against_teacher = (
            tables.compare(records, f"{split}_accuracy", baseline, lower_is_better=False)
            for baseline in (LABELS, TEACHER)
        )
        header = [
            f"method, {size} {split} rows", "paper", "accuracy", "vs. labels only [95 %]",
            "verdict", "vs. teacher [95 %]", "verdict",
        ]  # fmt: skip
        lines = [
            [
                one.row,
                f"{PAPER[one.row][number]:.4f}" if one.row in PAPER else "–",
                tables.spread(one, 4),
                tables.difference(one, 4),
                tables.verdict(one),
                tables.difference(other, 4),
                tables.verdict(other),
            ]
            for one, other in zip(against_labels, against_teacher)
        ]
        text.append(tables.markdown(header, lines))
    students = tables.by_row(records)[LABELS]
    return "\n".join(
        [*text, f"Mean ± s.d. over {tables.counted(students)}.", tables.scope(students)]
    )


def draw(folder: pathlib.Path) -> None:
    """No figure."""
