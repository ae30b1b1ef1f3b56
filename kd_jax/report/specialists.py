"""Tables and figures of generalist and specialists: the paper's numbers beside ours."""

import json

import numpy as np

from kd_jax import record, stats
from kd_jax.report import figures, tables

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
    """The Markdown of a run folder: accuracies, who beats whom, coverage, clusters."""
    records = [in_percent(r) for r in record.read(folder)]
    settings = json.loads((folder / "config.json").read_text())
    text = [
        f"Test accuracy in percent on 100 classes of two digits, mean ± s.d. over "
        f"{settings['seeds']} generalists with {settings['specialists']} specialists of "
        f"{settings['size']} classes each; a student has its generalist's seed.\nConditional: the "
        "best of a specialist's classes only, over test images of its classes, all specialists "
        "together. Printed: 15,000 classes of 100 million images, one run."
    ]
    text += [accuracies(records), "Who is right more often?", compared(records)]
    text += ["By the number of specialists that cover the true class", coverage(records)]
    (first, *_) = (r for r in records if r["row"] == JOINED)
    lines = [f"- {' '.join(f'{c:02d}' for c in classes)}" for classes in first["special"]]
    return "\n\n".join([*text, "Special classes of the first seed", "\n".join(lines)])


def in_percent(r):
    """The record with its accuracies in percent."""
    return r | {name: 100 * x for name, x in r.items() if name.endswith("accuracy")}


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


def compared(records):
    """Who is right more often than whom, paired over seeds."""
    lines = []
    for row, against in COMPARED:
        pair = [r for r in records if r["row"] in (row, against)]
        found = tables.compare(pair, "test_accuracy", against, lower_is_better=False)
        line = next(x for x in found if x.row == row)
        lines.append([row, against, tables.difference(line, 2), tables.verdict(line)])
    return tables.markdown(["row", "against", "difference [95 %]", "verdict"], lines)


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
        over = stats.paired(after[:, cover], before[:, cover], lower_is_better=False)
        lines.append([
            cover,
            f"{images[:, cover].mean():.0f}",
            f"{change.mean():+.1f}".replace("-", "−"),
            relative.replace("-", "−"),
            over.verdict,
            f"{PRINTED_COVER.get(int(cover), DASH)} %",
        ])  # fmt: skip
    header = ["specialists", "test images", "more right answers", "relative", "verdict", "printed"]
    return tables.markdown(header, lines)


def draw(folder):
    """The figure of a run folder: accuracies as dots with their 95 % intervals."""
    records = [in_percent(r) for r in record.read(folder)]
    rows = tables.by_row(records)
    with figures.figure(folder / "accuracy.png", size=(7, 0.3 * len(rows) + 1)) as axes:
        for y, (row, found) in enumerate(reversed(rows.items())):
            values = tables.values(found, "test_accuracy")
            half = stats.paired(values, [0] * len(values)).half_width if len(values) > 1 else 0
            joined = row in (JOINED, OF_JOINED)
            color = figures.COLORS[1] if joined else figures.COLORS[0]
            axes.errorbar(np.mean(values), y, xerr=half, fmt="o", ms=4, color=color, capsize=2)
        axes.set_yticks(range(len(rows)), list(reversed(rows)))
        axes.set_xlabel("test accuracy (%), mean and 95 % interval")
