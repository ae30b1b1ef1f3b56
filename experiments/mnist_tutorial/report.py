"""Tables and figures of the Harvard tutorial on MNIST, beside its published numbers."""

import json
import pathlib
from collections.abc import Mapping

import numpy as np

from experiments.mnist_tutorial.rows import (
    BY_EPOCH,
    COMPARED,
    FREE,
    GAPS,
    LABELS,
    LEVELS,
    MIXED,
    PAPER,
    SOFT,
    THREES,
)
from kd_jax.distill import bias_correction
from kd_jax.report import (
    class_figures,
    differences,
    figures,
    grouped,
    marks,
    roles,
    sections,
    tables,
)
from kd_jax.storage import jsonl

TITLES = {"1": "all digits", "2a": "no 3 in the transfer set", "2b": "only 7 and 8 in it"}


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: a table per part, then the claims."""
    records = grouped.own_teachers(jsonl.records(folder))
    baseline = [r for r in records if r["row"] == LABELS]
    networks, of = grouped.counted(baseline), differences.of_how_many(baseline)
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    epochs, paper = settings["student_epochs"], {} if settings["mnist_5k"] else PAPER
    text = [
        f"Test errors{of}, mean ± s.d. over {networks}, paired. "
        f"† keeps the tutorial's settings and quirks. Students: {epochs} epochs, "
        f"in part 2b {2 * epochs} for all rows but {LABELS!r}.\n{sections.DETECTABLE}\n"
        f"{tables.scope(baseline)}"
    ]
    by_part = {part: [r for r in records if r["part"] == part] for part in TITLES}
    trained = {part: found for part, found in by_part.items() if any_of(found, LABELS)}
    for part, found in trained.items():
        columns = {n: c for n, c in COLUMNS.items() if n != "shift" or part != "1"}
        shown = {"threes": part == "2a", "loss": True}
        text += [f"Part {part}: {TITLES[part]}"]
        text += [sections.table(found, paper.get(part, {}), LABELS, columns, **shown)]
    text += ["Fewer errors?", sections.compared(trained, COMPARED)]
    text += [f"Accuracy? {sections.OF_THESE}"]
    text += [sections.levels(trained, LEVELS)]
    text += [f"Fewer of the 3s wrong? {OF_THESE}", threes(trained)]
    if any(f"train{BY_EPOCH}" in r for r in records):
        text += [
            f"Is the gap, test errors minus training errors, smaller? {OF_THESE}",
            gaps(trained),
        ]
    return "\n\n".join(text)


OF_THESE = "[95 %]: for other teachers and their students, of these images"


def threes(parts: Mapping[str, list[dict]]) -> str:
    """The Markdown table of the wrong 3s of pairs of rows.

    Args:
        parts: {part: its records}.
    """
    counted = {
        part: [{**r, "wrong_3s": r["test_wrong"][3]} for r in records]
        for part, records in parts.items()
    }
    return sections.compared(counted, THREES, "wrong_3s")


def gaps(parts: Mapping[str, list[dict]]) -> str:
    """The Markdown table of how many errors more students make on test than on training images.

    Both are counted after the last epoch of the learning curves, of as many images each.

    Args:
        parts: {part: its records}; those without learning curves are left out.
    """
    train = f"train{BY_EPOCH}"
    counted = {
        part: [{**r, "gap": r["test_errors"] - r[train][-1]} for r in records if train in r]
        for part, records in parts.items()
    }
    return sections.compared(counted, GAPS, "gap")


def any_of(records: list[dict], row: str) -> bool:
    """Whether a row is among the records."""
    return any(r["row"] == row for r in records)


# metric: (title, format) of the columns at the end
COLUMNS = {
    "test_loss": ("loss at T", ".3f"),
    "test_nll": ("NLL at T=1", ".3f"),
    "test_ece": ("ECE", ".3f"),
    "test_agreement": ("agrees with dense teacher", ".1%"),
    "test_kl": ("KL to dense teacher", ".3f"),
    "shift": ("shift", "+.2f"),
}


def draw(folder: pathlib.Path) -> None:
    """Learning curves, errors and accuracy by digit, bias correction, a digit's probabilities."""
    records = jsonl.records(folder)
    for part in TITLES:
        rows = grouped.by_row(r for r in records if r["part"] == part)
        if LABELS not in rows:
            continue
        chosen = {row: rows[row] for row in (LABELS, SOFT, MIXED, FREE) if row in rows}
        by_digit(folder, part, chosen)
        if part == "1":
            learning_curves(folder / "part_1_by_epoch.svg", chosen)
        corrected = {row: rows[row] for row in rows if row.startswith("bias corrected")}
        if corrected:
            about: figures.Look = {"caption": class_figures.SHIFTS, "table": f"Part {part}"}
            with figures.figure(folder / f"part_{part}_bias.svg", **about) as axes:
                class_figures.errors_by_shift(axes, list(bias_correction.SHIFTS), corrected)
    with np.load(folder / "digit.npz") as shown:
        image, logits = shown["image"], shown["teacher_logits"]
    path = folder / "softmax_of_one_digit.svg"
    class_figures.soft_targets(path, image[None], logits[None], (1, 10, 20, 50))


def by_digit(folder: pathlib.Path, part: str, rows: dict[str, list[dict]]) -> None:
    """Wrong test images and accuracy by digit of a part."""
    measures = {"wrong": ("wrong test images", 1), "class_accuracy": ("test accuracy, %", 100)}
    for metric, (label, unit) in measures.items():
        caption = (
            f"{label.split(',')[0].capitalize()} per digit, {TITLES[part]}. Bars are means over "
            "all students, whiskers one standard deviation."
        )
        about: dict = {"size": (7, 3.5), "caption": caption, "table": f"Part {part}"}
        values = {
            row: unit * np.array(grouped.values(found, f"test_{metric}"))
            for row, found in rows.items()
        }
        with figures.figure(folder / f"part_{part}_{metric}.svg", **about) as axes:
            class_figures.by_class(axes, values, f"{label}, per digit")


def learning_curves(path: pathlib.Path, rows: Mapping[str, list[dict]]) -> None:
    """Errors on training and test images after each epoch, by which no epoch was chosen.

    Args:
        path: of the SVG file.
        rows: {row: its records}.
    """
    caption = (
        "Errors after each epoch, on the training images and on as many as the test has. Lines are "
        "means over all students, bands one standard deviation; no epoch was chosen."
    )
    about: figures.Look = {"size": (8, 3.5), "sharey": True, "caption": caption, "table": "Part 1"}
    with figures.figure(path, 1, 2, **about) as axes:
        for cell, split, title in zip(axes, ("train", "test"), ("training", "test")):
            for row, role in roles.styles(rows).items():
                values = np.array([r[f"{split}{BY_EPOCH}"] for r in rows[row]]).T
                marks.band(cell, range(1, 1 + len(values)), values, row, role, every=5)
            cell.set(xlabel="epoch", title=f"{title} images", yscale="log")
            for shown in (cell.yaxis.set_major_formatter, cell.yaxis.set_minor_formatter):
                shown("{x:g}")
        axes[0].set_ylabel("errors")
        figures.legend(axes[0])
