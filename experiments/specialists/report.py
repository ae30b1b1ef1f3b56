"""Tables and figures of generalist and specialists: the paper's numbers beside ours."""

import json

import numpy as np

from kd_jax.metrics import statistics
from kd_jax.report import figures, sections, tables
from kd_jax.storage import jsonl

DIGITS, QUESTIONS = "two digits", "BANKING77"
TITLES = {
    DIGITS: "100 classes of two handwritten digits",
    QUESTIONS: "77 intents of bank customers (BANKING77, sentence embeddings)",
}
GENERALIST, LONGER = "generalist", "generalist, trained as much longer"
JOINED, UNCORRECTED = "generalist + specialists", "the same, dustbins not corrected"
LABELS, SMOOTHED = "student on labels", "student, label smoothing 0.1"
OF_GENERALIST = "student of the generalist"
OF_JOINED = "student of generalist + specialists"
OF_PERMUTED = "student of a permuted teacher"
# top-1 accuracy, and accuracy among the special classes where the true one is covered, percent
PRINTED = {GENERALIST: ("25.0", "43.1"), JOINED: ("26.1", "45.9")}
# specialists that cover the true class: relative change in correct answers, percent
PRINTED_COVER = {
    0: "0.0", 1: "+3.4", 2: "+7.4", 3: "+8.8", 4: "+10.5", 5: "+11.1", 6: "+11.3", 7: "+12.8",
    8: "+13.6", 9: "+16.6", 10: "+14.1",
}  # fmt: skip
COMPARED = [
    (JOINED, LONGER),
    (JOINED, UNCORRECTED),
    (OF_JOINED, LABELS),
    (OF_JOINED, OF_GENERALIST),
]
DASH = "–"


def table(folder):
    """The Markdown of a run folder: for each task accuracies, coverage and clusters."""
    records = [tables.in_percent(r) for r in jsonl.records(folder)]
    settings = json.loads((folder / "config.json").read_text())
    parts_of = tables.by("part", records)
    text = [
        f"Test accuracy in percent, mean ± s.d. over {settings['seeds']} generalists with "
        f"{settings['specialists']} specialists of {settings['size']} classes each; a student has "
        "its generalist's seed.\nConditional: the best of a specialist's classes only, over test "
        "images of its classes, all specialists together. Printed: 15,000 classes of 100 million\n"
        "images, one run."
    ]
    for part, found in parts_of.items():
        text += [TITLES[part], accuracies(found)]
    text += ["Who is right more often?"]
    pairs = [(part, *pair) for part in parts_of for pair in COMPARED]
    higher = {"lower_is_better": False, "digits": 2}
    text += [sections.compared(parts_of, pairs, "test_accuracy", **higher)]
    for part, found in parts_of.items():
        text += [f"{part}: by the number of specialists that cover the true class", coverage(found)]
    for part, found in parts_of.items():
        (first, *_) = (r for r in found if r["row"] == JOINED)
        lines = [f"- {', '.join(names)}" for names in first["special"]]
        text += [f"{part}: special classes of the first seed", "\n".join(lines)]
    return "\n\n".join(text)


def accuracies(records):
    """One line per row, paired with the generalist."""
    rows, lines = tables.by_row(records), []
    for line in tables.compare(records, "test_accuracy", GENERALIST, lower_is_better=False):
        top, conditional = PRINTED.get(line.row, (DASH, DASH))
        of_row = rows[line.row]
        lines.append([
            line.row,
            top,
            tables.spread(line, 2),
            tables.difference(line, 2),
            tables.verdict(line),
            conditional,
            tables.mean(of_row, "conditional_accuracy", ".2f"),
            tables.mean(of_row, "test_nll", ".3f"),
        ])  # fmt: skip
    header = ["row", "printed", "test accuracy", "difference to the generalist [95 %]", "verdict"]
    return tables.markdown([*header, "conditional, printed", "conditional", "NLL"], lines)


def coverage(records):
    """The change in right answers by the number of specialists that cover the true class."""
    rows = tables.by_row(records)
    before = np.array([r["right_by_cover"] for r in rows[GENERALIST]])
    after = np.array([r["right_by_cover"] for r in rows[JOINED]])
    images = np.array([r["images_by_cover"] for r in rows[JOINED]])
    lines = []
    for cover in np.flatnonzero(images.sum(0)):
        change = (after - before)[:, cover]
        base = before[:, cover].sum()
        relative = f"{100 * change.sum() / base:+.1f} %" if base else DASH
        over = statistics.paired(after[:, cover], before[:, cover], lower_is_better=False)
        lines.append([
            cover,
            f"{images[:, cover].mean():.0f}",
            f"{change.mean():+.1f}".replace("-", "−"),
            f"{PRINTED_COVER.get(int(cover), DASH)} %",
            relative.replace("-", "−"),
            over.verdict,
        ])  # fmt: skip
    header = ["specialists", "test images", "more right answers", "printed", "relative", "verdict"]
    return tables.markdown(header, lines)


def draw(folder):
    """The figures of a run folder: accuracies as dots with their 95 % intervals, task by task."""
    records = [tables.in_percent(r) for r in jsonl.records(folder)]
    for part, found in tables.by("part", records).items():
        rows = tables.by_row(found)
        name = part.lower().replace(" ", "_")
        with figures.figure(folder / f"{name}.png", size=(7, 0.3 * len(rows) + 1)) as axes:
            dots(axes, rows)
            axes.set_title(TITLES[part], fontsize=9)


def dots(axes, rows):
    """One line per row: its mean test accuracy and interval."""
    for y, (row, found) in enumerate(reversed(rows.items())):
        values = tables.values(found, "test_accuracy")
        half = statistics.half_width(values)
        color = figures.COLORS[row in (JOINED, OF_JOINED)]
        axes.errorbar(np.mean(values), y, xerr=half, fmt="o", ms=4, color=color, capsize=2)
    axes.set_yticks(range(len(rows)), list(reversed(rows)))
    axes.set_xlabel("test accuracy (%), mean and 95 % interval")
