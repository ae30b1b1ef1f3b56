"""Tables and figure of McCaffrey's demo: published accuracies, paired differences."""

import pathlib
from collections.abc import Sequence

from experiments.people import rows as named
from experiments.people.rows import LABELS, PAPER, TEACHER
from kd_jax.report import figures, tables
from kd_jax.storage import jsonl

SPLITS = {"train": 200, "test": 40}  # their rows


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder, for each question a table per split."""
    records = [tables.in_percent(r) for r in jsonl.records(folder)]
    of_demo = [r for r in records if r["row"] in named.OF_DEMO]
    text = [_split(of_demo, *each, number) for number, each in enumerate(SPLITS.items())]
    students = tables.by_row(records)[LABELS]
    text += [f"Mean ± s.d. over {tables.counted(students)}.", tables.scope(students)]
    for title, make in ((named.TUNED_ON, _tuned_on), (named.WIDTHS, _widths)):
        found = {f"{size} {split} rows": make(records, split) for split, size in SPLITS.items()}
        text += [f"\n{title}: {of}\n\n{lines}" for of, lines in found.items() if lines]
    return "\n".join(text)


def _tuned_on(records, split):
    """That of students fine-tuned on their mistakes, on all rows and on random ones."""
    others = named.ON_ALL, named.ON_RANDOM
    header = ["method", "accuracy, %"]
    header += [x for rows in others for x in (f"vs. {rows} [95 %]", "verdict")]
    return _lines(header, [_against_others(records, split, rows) for rows in others])


def _against_others(records, split, rows):
    """The lines of both forms of the fine-tuning, against that on such rows."""
    parts = {}
    for row in (named.TUNED_RAW, named.TUNED):
        kinds = {row: named.tuned_on(row, named.ON_MISTAKES)}
        kinds |= {named.tuned_on(row, x): "" for x in (named.ON_ALL, named.ON_RANDOM)}
        found = [{**r, "row": kinds[r["row"]] or r["row"]} for r in records if r["row"] in kinds]
        if any(r["row"] == named.tuned_on(row, rows) for r in found):
            parts[row] = found, named.tuned_on(row, rows)
    return _compared(parts, split)


def _widths(records, split):
    """That of students of every width, against the demo's width and against their teacher."""
    students = [r for r in records if r.get("family") in named.OF_WIDTHS and "width" in r]
    if len({r["width"] for r in students}) < 2:
        return ""
    parts = {}
    for family in named.OF_WIDTHS:
        found = [r for r in students if r["family"] == family]
        (own,) = {r["width"] for r in found if r["row"] == family}
        called = [{**r, "row": named.of_width(family, r["width"])} for r in found]
        parts[family] = sorted(called, key=lambda r: r["width"]), named.of_width(family, own)
    teachers = [r for r in records if r["row"] == TEACHER]
    every = [r for found, _ in parts.values() for r in found]
    against_teacher = tables.compare(
        [*every, *teachers], f"{split}_accuracy", TEACHER, lower_is_better=False
    )
    header = ["method", "accuracy, %", f"vs. {own} units [95 %]", "verdict"]
    header += ["vs. teacher [95 %]", "verdict"]
    return _lines(header, [_compared(parts, split), against_teacher[:-1]])


def _compared(parts, split):
    """The lines of all parts, whose verdicts are corrected together."""
    found = tables.compare_each(parts, f"{split}_accuracy", lower_is_better=False)
    return [line for lines in found.values() for line in lines]


def _lines(header: Sequence[str], comparisons: Sequence[Sequence[tables.Line]]) -> str:
    """The table of the same rows compared with several others, or "" of no rows."""
    lines = []
    for same in zip(*comparisons, strict=True):
        cells = [x for line in same for x in (tables.difference(line), tables.verdict(line))]
        lines.append([same[0].row, tables.spread(same[0]), *cells])
    return tables.markdown(header, lines) if lines else ""


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
    every = [tables.in_percent(r) for r in jsonl.records(folder)]
    rows = tables.by_row(r for r in every if r["row"] in named.OF_DEMO)
    caption = f"Accuracy of every row on the training and on the test rows. {figures.DOTS}"
    path = folder / "accuracies.svg"
    with figures.figure(path, 1, 2, (8.6, 2.3), caption=caption, sharey=True) as cells:
        for axes, (split, size) in zip(cells, SPLITS.items()):
            metric = f"{split}_accuracy"
            figures.dots(axes, {row: tables.teacher_means(x, metric) for row, x in rows.items()})
            axes.set_xlabel(f"accuracy on {size} {split} rows, %")
