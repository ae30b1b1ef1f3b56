"""Tables and figure of cross-modal distillation, and of a smaller convnet: accuracy by labels."""

import json
import pathlib

import numpy as np

from experiments.cross_modal.rows import (
    AUDIO,
    BY_ARM,
    LABELS,
    PARTS,
    TEACHER,
    ordered,
    permuted_row,
    softer_row,
)
from kd_jax.metrics import statistics
from kd_jax.report import by_column, contrasts, differences, figures, grouped, tables
from kd_jax.storage import jsonl

UNITS = "students, each with a held-out speaker of its own in audio"
GAIN, LOSS = 10, 3  # points expected over few labels, and at most under all of them


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: two tables for each part, then what was expected."""
    temperature, parts = temperature_of(folder), by_part(folder)
    text = []
    for part in PARTS:
        taught, students = split(parts[part])
        columns = students, "labels", "student", "test_accuracy"
        of = "its teacher" if len(taught) == 1 else f"its {len(taught)} teachers"
        accuracy = tables.mean(taught, "test_accuracy", ".2f")
        title = f"{part.capitalize()}: test accuracy of {of} {accuracy} %"
        text += [title, by_column.spread(*columns, digits=1)]
        less = by_column.against(*columns, LABELS, digits=1)
        text += [f"Accuracy vs. {LABELS} [95 %]", less]
    _, of_audio = split(parts[AUDIO])
    permuted = permuted_row(temperature)
    pair = [r for r in of_audio if r["row"] in (softer_row(temperature), permuted)]
    alike = by_column.against(pair, "labels", "student", "test_accuracy", permuted, digits=1)
    text += [f"Audio classification vs. {permuted} [95 %]", alike]
    text += ["Expected before the run: images in place of labels", claims(of_audio)]
    return "\n\n".join([note(folder, of_audio), *text])


def note(folder, students):
    """What stands above all tables."""
    tried = len(settings(folder).get("multiples", (0.1, 1.0, 10.0)))
    alone = all(BY_ARM in r for r in students)  # older records say nothing of it
    chose = "for each seed by itself" if alone else "for all seeds by their mean"
    return (
        f"Test accuracy in percent, mean ± s.d. over {grouped.counted(students)}, paired. Columns: "
        "how many examples have labels, the last all that the student is shown;\nthe others are "
        "unlabeled. The weight beside the labels is the best of "
        f"{'three' if tried == 3 else tried} on validation, chosen {chose}.\n"
        f"{tables.scope(students, UNITS, 'test images')}"
    )


def settings(folder):
    """The settings of a run folder."""
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


def temperature_of(folder):
    """The higher temperature of the soft targets."""
    return settings(folder).get("temperature", 4.0)


def by_part(folder):
    """{part: its records in percent, in the order of the rows: those of teachers first}."""
    order = ordered(temperature_of(folder))
    found = [grouped.in_percent(r) for r in jsonl.records(folder)]
    return grouped.by(
        "part", sorted(found, key=lambda r: (order.index(r["row"]), grouped.seeds(r)))
    )


def split(records):
    """(records of the teachers, those of the students) of a part."""
    taught = [r for r in records if r["row"] == TEACHER]
    return taught, records[len(taught) :]


def claims(records):
    """Expected accuracy of students without labels, against labels only.

    More by GAIN than with the largest number of few labels, in every seed; at most LOSS less than
    with all labels, in the mean. With several teachers the intervals are of their means.
    """
    by_labels = by_column.rows_by_value("labels", records)
    *_, few, everything = (n for n, rows in by_labels.items() if LABELS in rows)
    tests: dict = {}
    for row, own in by_labels[0].items():
        for count, level in ((few, GAIN), (everything, -LOSS)):
            both = own, by_labels[count][LABELS]
            ours, theirs = (np.array(grouped.values(x, "test_accuracy")) for x in both)
            means = [np.array(differences.teacher_means(x, "test_accuracy")) for x in both]
            line = contrasts.line_of(row, means[0].tolist(), statistics.above(*means)())
            above = f"{(ours - theirs >= level).sum()} of {len(ours)}"
            shown = tables.difference(line), f"{level:+d}".replace("-", "−"), above
            tests[row, f"{count:,} labels", *shown] = statistics.above(means[0], means[1] + level)
    judged = statistics.together(tests)
    lines = [[*said, statistics.OF_CLAIM[x.verdict]] for said, x in judged.items()]
    header = ["student without labels", f"vs. {LABELS} with", "difference [95 %]"]
    return tables.markdown([*header, "expected from", "seeds", "verdict"], lines)


def draw(folder: pathlib.Path) -> None:
    """The figure of a run folder: what each adds to labels only, by their number."""
    parts, rows = by_part(folder), ordered(temperature_of(folder))
    _, some = split(parts[PARTS[0]])
    caption = (
        f"Test accuracy by number of labels, against {LABELS} with as many: above zero a student "
        f"is better. Points are means over {grouped.counted(grouped.by_row(some)[LABELS])}, "
        "whiskers 95 % intervals of the paired difference; dotted: students that see no labels at "
        "all."
    )
    path, size = folder / "by_labels.svg", (figures.WIDEST, 4.8)
    with figures.figure(path, 1, len(PARTS), size, caption=caption) as axes:
        for cell, part in zip(axes, PARTS):
            _, students = split(parts[part])
            by_column.differences(cell, students, "labels", "test_accuracy", LABELS, rows[1:])
            cell.set_title(part, fontsize=9)
        axes[0].set_ylabel(f"test accuracy minus that of {LABELS}, points")
        figures.legend(axes[0])
