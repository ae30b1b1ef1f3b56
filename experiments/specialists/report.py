"""Tables and figures of generalist and specialists: the paper's numbers beside ours."""

import json
import pathlib
from typing import Any

import numpy as np

from experiments.specialists import rows as named
from kd_jax.metrics import statistics
from kd_jax.report import figures, sections, tables
from kd_jax.storage import jsonl

TITLES = {
    named.DIGITS: "100 classes of two handwritten digits",
    named.QUESTIONS: "77 intents of bank customers (BANKING77, sentence embeddings)",
}
COMPARED = [
    (named.JOINED, named.LONGER),
    (named.JOINED, named.UNCORRECTED),
    (named.OF_JOINED, named.LABELS),
    (named.OF_JOINED, named.OF_GENERALIST),
]
DASH = "–"


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: for each part accuracies, coverage and special classes."""
    records = [tables.in_percent(r) for r in jsonl.records(folder)]
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    parts_of = tables.by("part", records)
    generalists = tables.by_row(next(iter(parts_of.values())))[named.GENERALIST]
    each = settings["seeds"] if "teachers" in settings else 1
    taught = "a student has its generalist's seed" if each == 1 else f"{each} students of each"
    text = [
        f"Test accuracy in percent, mean ± s.d. over {len(generalists)} generalists with "
        f"{settings['specialists']} specialists of {settings['special_classes']} classes "
        f"each; {taught}.\nConditional: the best of a specialist's classes only, over test "
        "examples of its classes, all specialists together.\nPaper: 15,000 classes of 100 million "
        "images, one run.\n"
        f"{tables.scope(generalists, 'generalists with their specialists')}"
    ]
    for part, found in parts_of.items():
        text += [TITLES[part], accuracies(found)]
    text += ["Paired differences in test accuracy"]
    pairs = [(part, *pair) for part in parts_of for pair in COMPARED]
    higher: dict[str, Any] = {"lower_is_better": False, "digits": 2}
    text += [sections.compared(parts_of, pairs, "test_accuracy", **higher)]
    for part, found in parts_of.items():
        text += [f"{part}: by the number of specialists that cover the true class", coverage(found)]
    for part, found in parts_of.items():
        (first, *_) = (r for r in found if r["row"] == named.JOINED)
        lines = [f"- {', '.join(names)}" for names in first["special"]]
        text += [f"{part}: special classes of the first seed", "\n".join(lines)]
    return "\n\n".join(text)


def accuracies(records: list[dict]) -> str:
    """One line per row, paired with the generalist."""
    rows, lines = tables.by_row(records), []
    for line in tables.compare(records, "test_accuracy", named.GENERALIST, lower_is_better=False):
        top, conditional = named.PAPER.get(line.row, (DASH, DASH))
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
    header = ["method", "paper", "test accuracy", "vs. generalist [95 %]", "verdict"]
    header += ["conditional, paper", "conditional", "test NLL (nats)"]
    return tables.markdown(header, lines)


def coverage(records: list[dict]) -> str:
    """The change in correct answers by the number of specialists that cover the true class."""
    rows = tables.by_row(records)
    before = np.array([r["correct_by_coverage"] for r in rows[named.GENERALIST]])
    after = np.array([r["correct_by_coverage"] for r in rows[named.JOINED]])
    examples = np.array([r["examples_by_coverage"] for r in rows[named.JOINED]])
    covers = [int(cover) for cover in np.flatnonzero(examples.sum(0))]
    tests = {cover: statistics.above(after[:, cover], before[:, cover]) for cover in covers}
    lines = []
    for cover, over in statistics.together(tests).items():
        change = (after - before)[:, cover]
        base = before[:, cover].sum()
        relative = f"{100 * change.sum() / base:+.1f} %" if base else DASH
        lines.append([
            cover,
            f"{examples[:, cover].mean():.0f}",
            f"{change.mean():+.1f}".replace("-", "−"),
            f"{named.PAPER_COVERAGE.get(cover, DASH)} %",
            relative.replace("-", "−"),
            over.verdict,
        ])  # fmt: skip
    header = ["specialists", "test examples", "more correct answers", "paper", "relative"]
    return tables.markdown([*header, "verdict"], lines)


def draw(folder: pathlib.Path) -> None:
    """The figures of a run folder: accuracies as dots with their 95 % intervals, part by part."""
    records = [tables.in_percent(r) for r in jsonl.records(folder)]
    for part, found in tables.by("part", records).items():
        rows = tables.by_row(found)
        name = part.lower().replace(" ", "_")
        caption = f"{TITLES[part]}: test accuracy of every row. {figures.DOTS}"
        about: dict = {"size": (7, 0.3 * len(rows) + 1), "caption": caption, "table": TITLES[part]}
        with figures.figure(folder / f"{name}.svg", **about) as axes:
            values = {row: tables.teacher_means(x, "test_accuracy") for row, x in rows.items()}
            figures.dots(axes, values)
            axes.set_xlabel("test accuracy, %")
