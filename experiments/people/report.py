"""Table and figure of McCaffrey's demo: published accuracies, paired differences."""

import pathlib

from experiments.people.rows import LABELS, PAPER, TEACHER
from kd_jax.report import figures, tables
from kd_jax.storage import jsonl

SPLITS = {"train": 200, "test": 40}  # their rows


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder, a table per split."""
    records = [tables.in_percent(r) for r in jsonl.records(folder)]
    text = [_split(records, *each, number) for number, each in enumerate(SPLITS.items())]
    students = tables.by_row(records)[LABELS]
    return "\n".join(
        [*text, f"Mean ± s.d. over {tables.counted(students)}.", tables.scope(students)]
    )


def _split(records, split, size, number):
    """The table of a split; accuracies in percent, differences in points."""
    compared = tables.compare_each({
        baseline: tables.Contrast(records, baseline, f"{split}_accuracy", lower_is_better=False)
        for baseline in (LABELS, TEACHER)
    })  # fmt: skip
    header = [
        f"method, {size} {split} rows", "paper", "accuracy, %", "vs. labels only [95 %]",
        "verdict", "vs. teacher [95 %]", "verdict",
    ]  # fmt: skip
    lines = [
        [
            one.row,
            f"{100 * PAPER[one.row][number]:.1f}" if one.row in PAPER else "–",
            tables.spread(one),
            tables.difference(one),
            tables.verdict(one),
            tables.difference(other),
            tables.verdict(other),
        ]
        for one, other in zip(*compared.values())
    ]
    every = [line for lines in compared.values() for line in lines]
    return tables.markdown(header, lines) + tables.power(every, "points")


def draw(folder: pathlib.Path) -> None:
    """The figure of a run folder: accuracies as dots with their 95 % intervals, split by split."""
    rows = tables.by_row([tables.in_percent(r) for r in jsonl.records(folder)])
    caption = f"Accuracy of every row on the training and on the test rows. {figures.DOTS}"
    path = folder / "accuracies.svg"
    with figures.figure(path, 1, 2, (8.6, 2.3), caption=caption, sharey=True) as cells:
        for axes, (split, size) in zip(cells, SPLITS.items()):
            metric = f"{split}_accuracy"
            figures.dots(axes, {row: tables.teacher_means(x, metric) for row, x in rows.items()})
            axes.set_xlabel(f"accuracy on {size} {split} rows, %")
