"""Tables and figure of McCaffrey's demo: published accuracies, paired differences."""

import pathlib
from collections.abc import Mapping, Sequence

from experiments.people import rows as named
from experiments.people.rows import DISTILLED, LABELS, PAPER, TEACHER
from kd_jax.report import by_column, contrasts, differences, figures, grouped, marks, roles, tables
from kd_jax.storage import jsonl

SPLITS = {"train": 200, "test": 40}  # their rows


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder, for each question a table per split."""
    records = [grouped.in_percent(r) for r in jsonl.records(folder)]
    of_demo = [r for r in records if r["row"] in named.OF_DEMO]
    students = grouped.by_row(records)[LABELS]
    of = tables.scope(students, examples="(in tables of test rows) other test rows")
    text = [
        f"Accuracy in percent, mean ± s.d. over {grouped.counted(students)}, paired. Paper: the "
        f"demo's one run.\n{of}\n"
    ]
    text += [_split(of_demo, *each, number) for number, each in enumerate(SPLITS.items())]
    for title, make in ((named.TUNED_ON, _tuned_on), (named.WIDTHS, _widths)):
        found = {f"{size} {split} rows": make(records, split) for split, size in SPLITS.items()}
        text += [f"\n{title}: {of}\n\n{lines}" for of, lines in found.items() if lines]
    return "\n".join(text)


def _tuned_on(records, split):
    """That of students fine-tuned on their mistakes, on all rows and on random ones."""
    others = named.ON_ALL, named.ON_RANDOM
    header = ["method", "accuracy, %"]
    header += [x for rows in others for x in (f"vs. {rows} [95 %]", "verdict")]
    parts = {
        (rows, row): contrast
        for rows in others
        for row, contrast in _against_others(records, split, rows).items()
    }
    return _lines(header, contrasts.compare_each(parts))


def _against_others(records, split, rows):
    """{form of the fine-tuning: its Contrast} against that on such rows."""
    parts = {}
    for row in (named.TUNED_RAW, named.TUNED):
        kinds = {row: named.tuned_on(row, named.ON_MISTAKES)}
        kinds |= {named.tuned_on(row, x): "" for x in (named.ON_ALL, named.ON_RANDOM)}
        found = [{**r, "row": kinds[r["row"]] or r["row"]} for r in records if r["row"] in kinds]
        if any(r["row"] == named.tuned_on(row, rows) for r in found):
            parts[row] = _contrast(found, named.tuned_on(row, rows), split)
    return parts


def _of_widths(records):
    """The students that were trained with several widths, [] where there is but one."""
    found = [r for r in records if r.get("family") in named.OF_WIDTHS and "width" in r]
    return found if len({r["width"] for r in found}) > 1 else []


def _widths(records, split):
    """That of students of every width, against the demo's width and against their teacher."""
    students = _of_widths(records)
    if not students:
        return ""
    teachers, parts, same = [r for r in records if r["row"] == TEACHER], {}, {}
    for family in named.OF_WIDTHS:
        found = [r for r in students if r["family"] == family]
        (own,) = {r["width"] for r in found if r["row"] == family}
        called = [{**r, "row": named.of_width(family, r["width"])} for r in found]
        called = sorted(called, key=lambda r: r["width"])
        parts["width", family] = _contrast(called, named.of_width(family, own), split)
        same["teacher", family] = _contrast([*called, *teachers], TEACHER, split)
    compared = contrasts.compare_each(parts | same)
    kept = {key: [x for x in lines if x.row != TEACHER] for key, lines in compared.items()}
    header = ["method", "accuracy, %", f"vs. {own} units [95 %]", "verdict"]
    return _lines([*header, "vs. teacher [95 %]", "verdict"], kept)


def _contrast(records, baseline, split):
    return contrasts.Contrast(records, baseline, f"{split}_accuracy", lower_is_better=False)


def _lines(header: Sequence[str], compared: Mapping[tuple, Sequence[contrasts.Line]]) -> str:
    """The table of the same rows compared with several others, or "" of no rows.

    Args:
        header: of the table.
        compared: {(what they are compared with, part of the rows): Lines}.
    """
    columns: dict = {}
    for (against, _), found in compared.items():
        columns.setdefault(against, []).extend(found)
    lines = []
    for same in zip(*columns.values(), strict=True):
        lines.append([same[0].row, *_cells(same)])
    every = [line for found in columns.values() for line in found]
    return tables.markdown(header, lines) + tables.power(every, "points") if lines else ""


def _cells(same):
    """The spread of a row, and its difference to each other one with the verdict."""
    judged = [x for line in same for x in (tables.difference(line), tables.verdict(line))]
    return [tables.spread(same[0]), *judged]


def _split(records, split, size, number):
    """The table of a split; accuracies in percent, differences in points."""
    others = LABELS, TEACHER, DISTILLED
    compared = contrasts.compare_each({x: _contrast(records, x, split) for x in others})
    header = [f"method, {size} {split} rows", "paper", "accuracy, %"]
    header += [x for other in others for x in (f"vs. {other} [95 %]", "verdict")]
    lines = [
        [
            same[0].row,
            f"{100 * PAPER[same[0].row][number]:.1f}" if same[0].row in PAPER else "–",
            *_cells(same),
        ]
        for same in zip(*compared.values())
    ]
    every = [line for lines in compared.values() for line in lines]
    return tables.markdown(header, lines) + tables.power(every, "points")


def draw(folder: pathlib.Path) -> None:
    """The figures of a run folder: accuracies as dots with their 95 % intervals, and by width."""
    every = [grouped.in_percent(r) for r in jsonl.records(folder)]
    rows = grouped.by_row(r for r in every if r["row"] in named.OF_DEMO)
    caption = f"Accuracy of every row on the training and on the test rows. {marks.DOTS}"
    path = folder / "accuracies.svg"
    with figures.figure(path, 1, 2, (8.6, 2.3), caption=caption, sharey=True) as cells:
        for axes, (split, size) in zip(cells, SPLITS.items()):
            metric = f"{split}_accuracy"
            marks.dots(axes, {row: differences.teacher_means(x, metric) for row, x in rows.items()})
            axes.set_xlabel(f"accuracy on {size} {split} rows, %")
    students = [{**r, "row": r["family"]} for r in _of_widths(every)]
    if students:
        _by_width(folder / "by_width.svg", students, grouped.by_row(every)[TEACHER])


def _by_width(path, students, teachers):
    """The figure of students of every width, beside their teacher."""
    caption = (
        "Accuracy by the student's hidden units, beside the teacher's. Marks are means, whiskers "
        "95 % intervals for other teachers and their students; band: one s.d."
    )
    about: dict = {"caption": caption, "table": f"{named.WIDTHS}: {SPLITS['train']} train rows"}
    with figures.figure(path, 1, 2, (8.6, 3.2), **about) as cells:
        for axes, (split, size) in zip(cells, SPLITS.items()):
            metric = f"{split}_accuracy"
            by_column.curves(axes, students, "width", metric, named.OF_WIDTHS)
            taught = differences.teacher_means(teachers, metric)
            marks.level(axes, taught, TEACHER, roles.TEACHER)
            axes.set(xlabel="hidden units", ylabel=f"accuracy on {size} {split} rows, %")
        figures.legend(cells[0])
