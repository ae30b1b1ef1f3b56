"""Tables and figures of generalist and specialists: the paper's numbers beside ours."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.specialists import rows as named
from kd_jax.metrics import statistics
from kd_jax.report import contrasts, differences, figures, grouped, marks, sections, tables
from kd_jax.storage import jsonl

TITLES = {
    named.DIGITS: "100 classes of two handwritten digits",
    named.QUESTIONS: "77 intents of bank customers (BANKING77, sentence embeddings)",
}
COMPARED = [
    (named.JOINED, named.GENERALIST),
    (named.JOINED, named.LONGER),
    (named.JOINED, named.PLATEAU),
    (named.JOINED, named.WIDER),
    (named.JOINED, named.ENSEMBLE),
    (named.JOINED, named.UNCORRECTED),
    (named.OF_JOINED, named.LABELS),
    (named.OF_JOINED, named.OF_GENERALIST),
]
DASH = "–"
UNITS = "generalists with their specialists"  # of intervals


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: for each part accuracies, coverage and special classes."""
    records = [grouped.in_percent(r) for r in jsonl.records(folder)]
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    parts_of = grouped.by("part", records)
    generalists = grouped.by_row(next(iter(parts_of.values())))[named.GENERALIST]
    each = settings["seeds"] if "teachers" in settings else 1
    taught = "a student has its generalist's seed" if each == 1 else f"{each} students of each"
    text = [
        f"Accuracy in percent, mean ± s.d. over {len(generalists)} generalists with "
        f"{settings['specialists']} specialists of {settings['special_classes']} classes "
        f"each; {taught}.\nConditional: the best of a specialist's classes only, over test "
        "examples of its classes, all specialists together.\n"
        f"{sections.DETECTABLE}\n"
        f"{tables.scope(generalists, UNITS, 'test examples of accuracies')}"
    ]
    for part, found in parts_of.items():
        text += [TITLES[part], accuracies(found)]
    text += ["Paired differences in test accuracy, in percentage points"]
    pairs = [(part, *pair) for part in parts_of for pair in COMPARED]
    higher: dict[str, Any] = {"lower_is_better": False, "digits": 2}
    text += [sections.compared(parts_of, pairs, "test_accuracy", **higher)]
    text += [
        "What specialists add, beside the paper's on other data",
        of_paper(),
        relative(parts_of),
    ]
    for part, found in parts_of.items():
        text += [f"{part}: by the number of specialists that cover the true class", coverage(found)]
    for part, found in parts_of.items():
        (first, *_) = (r for r in found if r["row"] == named.JOINED)
        lines = [f"- {', '.join(names)}" for names in first["special"]]
        text += [f"{part}: special classes of the first seed", "\n".join(lines)]
    return "\n\n".join(text)


def accuracies(records: list[dict]) -> str:
    """One line per row, paired with the generalist."""
    rows, lines = grouped.by_row(records), []
    for line in contrasts.compare(
        records, "test_accuracy", named.GENERALIST, lower_is_better=False
    ):
        of_row = rows[line.row]
        lines.append([
            line.row,
            tables.spread(line, 2),
            tables.difference(line, 2),
            tables.verdict(line),
            tables.mean(of_row, "validation_accuracy", ".2f"),
            tables.mean(of_row, "conditional_accuracy", ".2f"),
            tables.mean(of_row, "test_nll", ".3f"),
        ])  # fmt: skip
    header = ["method", "test accuracy", "vs. generalist [95 %]", "verdict"]
    header += ["validation accuracy", "conditional", "test NLL (nats)"]
    return tables.markdown(header, lines)


def by_coverage(rows: Mapping[str, list[dict]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(examples, correct answers before, after) [S, covers], by how many cover the true class."""
    found = (
        [r[name] for r in rows[row]]
        for row, name in (
            (named.JOINED, "examples_by_coverage"),
            (named.GENERALIST, "correct_by_coverage"),
            (named.JOINED, "correct_by_coverage"),
        )
    )
    examples, before, after = map(np.array, found)
    return examples, before, after


def slope(before: np.ndarray, after: np.ndarray) -> float:
    """By how much the relative change, in percent, grows with each specialist from one on.

    Least squares, weighted by the correct answers before; NaN where fewer than two numbers of
    specialists have any.

    Args:
        before: [covers], correct answers of the generalist.
        after: likewise with specialists.
    """
    covers = 1 + np.flatnonzero(before[1:])
    if len(covers) < 2:
        return float("nan")
    weights = before[covers].astype(float)
    change = 100 * (after[covers] / before[covers] - 1)
    x = covers - np.average(covers, weights=weights)
    return float(np.sum(weights * x * change) / np.sum(weights * x**2))


def paper_slope() -> float:
    """The slope of the paper's Table 4."""
    before, after = np.zeros(11), np.zeros(11)
    for cover, (more, percent) in named.PAPER_COVERAGE.items():
        before[cover] = 100 * more / percent
        after[cover] = before[cover] + more
    return slope(before, after)


def of_paper() -> str:
    """The paper's numbers, whose data are no others' here: beside no row of ours."""
    (top, special), (both, special_both) = named.PAPER[named.GENERALIST], named.PAPER[named.JOINED]
    return (
        "Paper, on its own data (100 million images, 15,000 classes, one run): relative gain "
        f"{signed(100 * (both / top - 1))} %, conditional accuracy {special:g} → "
        f"{special_both:g} %, growth {signed(paper_slope())} % per further specialist."
    )


def _growth(test, growth, comparisons):
    """The cells of a part's slope: with its interval, the verdict, what would have shown."""
    if test is None:
        return [DASH] * 3
    least = statistics.detectable(test, comparisons)
    shown = f"{signed(growth.mean)} {bounds(growth)}"
    return [shown, growth.verdict, tables.size(least, ".2f")]


def relative(parts_of: Mapping[str, list[dict]]) -> str:
    """One line per part: relative gain, and its growth with coverage."""
    gains, slopes, lines = {}, {}, []
    for part, found in parts_of.items():
        rows = grouped.by_row(found)
        _, before, after = by_coverage(rows)
        gain = 100 * (after.sum(1) / before.sum(1) - 1)
        each = [slope(*pair) for pair in zip(before, after)]
        gains[part] = statistics.above(gain, 0)
        if np.isfinite(each).all():
            slopes[part] = statistics.above(each, 0)
    every = {("gain", part): x for part, x in gains.items()}
    every |= {("slope", part): x for part, x in slopes.items()}
    judged = statistics.together(every)
    for part, found in parts_of.items():
        rows = grouped.by_row(found)
        gain = judged["gain", part]
        line = [part, f"{signed(gain.mean)} {bounds(gain)}", gain.verdict, conditional(rows)]
        lines.append([*line, *_growth(slopes.get(part), judged.get(("slope", part)), len(every))])
    header = ["data", "relative gain in % [95 %]", "verdict", "conditional accuracy in %"]
    header += ["its growth per further specialist [95 %]", "verdict", sections.SHOWN]
    return tables.markdown(header, lines)


def conditional(rows: Mapping[str, list[dict]]) -> str:
    """'86.08 → 87.60' of generalist, and with specialists."""
    both = (rows[row] for row in (named.GENERALIST, named.JOINED))
    return " → ".join(tables.mean(of, "conditional_accuracy", ".2f") for of in both)


def signed(value: float) -> str:
    """'+1.20'."""
    return f"{value:+.2f}".replace("-", "−")


def bounds(found: statistics.Paired) -> str:
    """'[+0.10, +2.30]', or a dash where there is no interval."""
    return DASH if np.isnan(found.low) else f"[{signed(found.low)}, {signed(found.high)}]"


def coverage(records: list[dict]) -> str:
    """The change in correct answers by the number of specialists that cover the true class."""
    examples, before, after = by_coverage(grouped.by_row(records))
    covers = [int(cover) for cover in np.flatnonzero(examples.sum(0))]
    tests = {cover: statistics.above(after[:, cover], before[:, cover]) for cover in covers}
    lines = []
    for cover, over in statistics.together(tests).items():
        change = (after - before)[:, cover]
        base = before[:, cover].sum()
        share = f"{100 * change.sum() / base:+.1f} %" if base else DASH
        lines.append([
            cover,
            f"{examples[:, cover].mean():.0f}",
            tables.difference(contrasts.line_of("", change, over)),
            share.replace("-", "−"),
            over.verdict,
            tables.size(statistics.detectable(tests[cover], len(tests)), ".1f"),
        ])  # fmt: skip
    header = ["specialists", "test examples", "more correct answers [95 %]", "relative"]
    return tables.markdown([*header, "verdict", sections.SHOWN], lines)


def draw(folder: pathlib.Path) -> None:
    """The figures of a run folder: accuracies as dots with their 95 % intervals, part by part."""
    records = [grouped.in_percent(r) for r in jsonl.records(folder)]
    for part, found in grouped.by("part", records).items():
        rows = grouped.by_row(found)
        name = part.lower().replace(" ", "_")
        caption = f"{TITLES[part]}: test accuracy of every row. {marks.DOTS}"
        about: dict = {"size": (7, 0.3 * len(rows) + 1), "caption": caption, "table": TITLES[part]}
        with figures.figure(folder / f"{name}.svg", **about) as axes:
            values = {row: differences.teacher_means(x, "test_accuracy") for row, x in rows.items()}
            marks.dots(axes, values)
            axes.set_xlabel("test accuracy, %")
