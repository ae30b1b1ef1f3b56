"""Tables and figures of the 2015 paper's section on MNIST, beside the published numbers."""

import json
import pathlib

import numpy as np

from experiments.mnist_2015 import rows as named
from experiments.mnist_2015 import sweeps
from kd_jax.distill import bias_correction
from kd_jax.report import (
    class_figures,
    differences,
    figures,
    grouped,
    peak_rates,
    sections,
    shares,
    tables,
)
from kd_jax.storage import jsonl

# metric: (title, format) of the columns at the end
COLUMNS = {
    "test_nll": ("NLL", ".4f"),
    "test_ece": ("ECE", ".4f"),
    "test_agreement": ("agrees with teacher", ".2%"),
    "test_kl": ("KL to teacher", ".4f"),
    "shift": ("shift", "+.2f"),
}


def settings_of(folder: pathlib.Path) -> dict:
    """The settings of a run folder."""
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


def rows_of(settings: dict) -> named.Rows:
    """The names of rows that hold a number of the settings."""
    return named.of(**{x: settings[x] for x in ("temperature", "smoothing") if x in settings})


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: a table per part, the claims, the temperature sweeps."""
    records = jsonl.records(folder)
    settings = settings_of(folder)
    rows, paper = rows_of(settings), {} if settings["mnist_5k"] else named.PAPER
    pairs, margin = named.compared(rows, settings.get("lengths", ())), settings.get("margin", 0.0)
    parts, swept = parts_of(records), sweeps.by_width(records)
    labels = [r for r in records if r["row"] == named.LABELS]
    notes = [
        f"Test errors{differences.of_how_many(labels)}, mean ± s.d. over "
        f"{grouped.counted(labels)}, paired by seed. Training is shorter than it\ncan be (the "
        f"paper does not say how long): teacher {settings['teacher_epochs']} epochs"
        f"{_of_parts(settings) if parts else ''}{_of_sweeps(settings, swept)}.\n"
        f"{tables.margin_note(margin, 'errors')}{sections.DETECTABLE}\n{tables.scope(labels)}"
    ]
    text = notes + parts_text(parts, rows, paper, pairs, margin)
    for width, found in swept.items():
        text += [f"{width} units in each layer: errors by temperature", sweeps.table(found, margin)]
    if swept:
        text += ["Temperatures against each other", sweeps.compared(swept, settings)]
    if narrow := swept.get(settings["narrow"]):
        low, high = named.CLAIMED
        text += [
            f"T = {low:g} to {high:g} against the nearest others",
            sweeps.neighbors(narrow, margin),
        ]
    return "\n\n".join(text)


def _of_parts(settings):
    """What the rows of the paper's width have in common."""
    paper = "" if settings["mnist_5k"] else " Paper: one run each, of 10,000 digits as here."
    return (
        f", students {settings['student_epochs']}.{paper} "
        "Students with digits left out are not shown\nthe validation rows either, on which a bias "
        "is chosen"
    )


def _of_sweeps(settings, swept):
    """How long students of each width train whose temperature is varied, and at which rate."""
    said = ""
    for kind in (x for x in (named.WIDE, named.NARROW) if settings[x] in swept):
        said += f", students of {settings[kind]} units {settings[f'{kind}_epochs']}"
        if kind == named.NARROW and (rates := settings.get("narrow_learning_rates")):
            tried = peak_rates.tried(rates)
            said += f", each row at the peak rate that is best on validation of {tried}"
    return said


def parts_of(records: list[dict]) -> dict[str, list[dict]]:
    """{part: records} of those with students of the paper's width, in the order of the tables."""
    found = {part: [r for r in records if r["part"] == part] for part in named.TITLES}
    return {part: x for part, x in found.items() if named.LABELS in grouped.by_row(x)}


def parts_text(
    by_part: dict[str, list[dict]],
    rows: named.Rows,
    paper: dict[str, dict],
    pairs: list[tuple],
    margin: float,
) -> list[str]:
    """Titles and tables of the parts, and of the claims on them.

    Args:
        by_part: {part: its records}.
        rows: the names of rows that hold a number of the settings.
        paper: {part: {row: published}}.
        pairs: (part, row, against) of the rows that are compared.
        margin: errors that make no difference.
    """
    text = []
    for part, found in by_part.items():
        columns = {n: c for n, c in COLUMNS.items() if n != "shift" or part != "all"}
        text += [named.TITLES[part].capitalize()]
        published, threes = paper.get(part, {}), part == "no 3"
        text += [
            sections.table(found, published, named.LABELS, columns, threes=threes, margin=margin)
        ]
        if part == "all":
            kept = shares.table(found, named.LABELS, named.TEACHER, published)
            text += ["Share of the way from labels only to the teacher", kept]
    if by_part:
        text += [
            "Fewer errors?",
            sections.compared(by_part, pairs, margin=margin),
        ]
    expected = [level for level in named.levels(rows) if level[0] in by_part]
    if expected:
        text += [f"Accuracy? {sections.OF_THESE}", sections.levels(by_part, expected)]
    return text


def draw(folder: pathlib.Path) -> None:
    """Bias, accuracy per digit and errors by temperature, from the records of a run folder."""
    records, soft = jsonl.records(folder), rows_of(settings_of(folder)).soft
    for part in ("no 3", "7 and 8"):
        rows = grouped.by_row(parts_of(records).get(part, []))
        if not rows:
            continue
        corrected = {row: rows[row] for row in (named.FREE, named.VALIDATED, named.ON_TEST)}
        name = part.replace(" ", "_")
        about: figures.Look = {"table": named.TITLES[part].capitalize()}
        shown = figures.figure(folder / f"{name}_bias.svg", caption=class_figures.SHIFTS, **about)
        with shown as axes:
            class_figures.errors_by_shift(axes, list(bias_correction.SHIFTS), corrected)
        chosen = {row: rows[row] for row in (named.LABELS, soft, named.FREE)}
        values = {
            row: 100 * np.array(grouped.values(of, "test_class_accuracy"))
            for row, of in chosen.items()
        }
        about |= {"caption": class_figures.PER_DIGIT, "size": (7, 3.5)}
        with figures.figure(folder / f"{name}_accuracy.svg", **about) as axes:
            class_figures.by_class(axes, values, "test accuracy per digit, %")
    if swept := sweeps.by_width(records):
        sweeps.draw(folder / "errors_by_temperature.svg", swept)
