"""Tables and figures of the Harvard tutorial on MNIST, beside its published numbers."""

import json
import pathlib
from collections.abc import Mapping

import numpy as np

from experiments.mnist_tutorial.rows import (
    BY_EPOCH,
    COMPARED,
    FREE,
    LABELS,
    LEVELS,
    MIXED,
    PAPER,
    SOFT,
)
from kd_jax.distill import bias_correction
from kd_jax.report import figures, sections, tables
from kd_jax.storage import jsonl

TITLES = {"1": "all digits", "2a": "no 3 in the transfer set", "2b": "only 7 and 8 in it"}


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: a table per part, then the claims."""
    records = tables.own_teachers(jsonl.records(folder))
    networks = tables.counted([r for r in records if r["row"] == LABELS])
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    epochs, paper = settings["student_epochs"], {} if settings["mnist_5k"] else PAPER
    text = [
        f"Test errors, mean ± s.d. over {networks}, paired. "
        f"† keeps the tutorial's settings and quirks. Students: {epochs} epochs, "
        f"{2 * epochs} for soft targets in part 2b.\n"
        f"{tables.scope([r for r in records if r['row'] == LABELS])}"
    ]
    by_part = {part: [r for r in records if r["part"] == part] for part in TITLES}
    trained = {part: found for part, found in by_part.items() if any_of(found, LABELS)}
    for part, found in trained.items():
        columns = {n: c for n, c in COLUMNS.items() if n != "shift" or part != "1"}
        shown = {"threes": part == "2a", "loss": True}
        text += [f"Part {part}: {TITLES[part]}"]
        text += [sections.table(found, paper.get(part, {}), LABELS, columns, **shown)]
    text += ["Fewer errors?", sections.compared(trained, COMPARED)]
    text += ["Accuracy? [95 %]: for other teachers and their students, of these test images"]
    return "\n\n".join([*text, sections.levels(trained, LEVELS)])


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
        rows = tables.by_row(r for r in records if r["part"] == part)
        if LABELS not in rows:
            continue
        chosen = {row: rows[row] for row in (LABELS, SOFT, MIXED, FREE) if row in rows}
        for metric, label in (("wrong", "wrong test images"), ("class_accuracy", "accuracy")):
            with figures.figure(folder / f"part_{part}_{metric}.png", size=(7, 3.5)) as axes:
                values = {r: [x[f"test_{metric}"] for x in found] for r, found in chosen.items()}
                figures.by_class(axes, values, f"{label} per digit")
        if part == "1":
            learning_curves(folder / "part_1_by_epoch.png", chosen)
        corrected = {row: rows[row] for row in rows if row.startswith("bias corrected")}
        if corrected:
            with figures.figure(folder / f"part_{part}_bias.png") as axes:
                figures.errors_by_shift(axes, list(bias_correction.SHIFTS), corrected)
    with np.load(folder / "digit.npz") as shown:
        image, logits = shown["image"], shown["teacher_logits"]
    path = folder / "softmax_of_one_digit.png"
    figures.soft_targets(path, image[None], logits[None], (1, 10, 20, 50))


def learning_curves(path: pathlib.Path, rows: Mapping[str, list[dict]]) -> None:
    """Errors on training and test images after each epoch, by which no epoch was chosen.

    Args:
        path: of the PNG file.
        rows: {row: its records}.
    """
    with figures.figure(path, 1, 2, size=(8, 3.5), sharey=True) as axes:
        for cell, split in zip(axes, ("train", "test")):
            for (row, found), color in zip(rows.items(), figures.COLORS):
                values = np.array([r[f"{split}{BY_EPOCH}"] for r in found]).T
                figures.band(cell, range(1, 1 + len(values)), values, row, color, marker="")
            cell.set(xlabel="epoch", title=f"{split} images", yscale="log")
        axes[0].set_ylabel("errors, of as many images")
        axes[1].legend(fontsize=8)
