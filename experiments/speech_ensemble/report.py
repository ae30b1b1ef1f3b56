"""Tables and figures of the speech experiment, and the paper's numbers of its own data."""

import json
import pathlib

import numpy as np

from experiments.speech_ensemble import curves
from experiments.speech_ensemble import rows as named
from kd_jax.metrics import examples
from kd_jax.report import (
    contrasts,
    figures,
    grouped,
    sections,
    shares,
    tables,
)
from kd_jax.storage import jsonl

DASH = "–"
REGAINED = "of what few recordings lose, regained [95 %]"


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: a table for each set-up, then that of few recordings."""
    records = [grouped.in_percent(r) for r in jsonl.records(folder)]
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    names, ensembles = named.Names.of(settings), settings.get("teachers", 1)
    taught = (
        f"one ensemble of {settings['members']}"
        if ensembles == 1
        else f"each of {ensembles} ensembles of {settings['members']}"
    )
    whose = "students of this one ensemble" if ensembles == 1 else "ensembles and their students"
    labels = [r for r in records if r["row"] == named.LABELS]
    text = [
        f"Frame accuracy in percent, mean ± s.d. over {settings['seeds']} students of {taught}, "
        "paired by seed. Retained: of the ensemble's gain over labels only; "
        f"{named.PAPER_RETAINED} in the paper.\nFrames are of 30 states of spoken digits; word "
        f"errors are among the test's recordings. {sections.DETECTABLE}\n"
        f"{tables.scope(labels, whose, 'test recordings')} Those of word errors: "
        "on the same test recordings."
    ]
    paper = [named.PAPER]  # of the first set-up, the paper's or closest to it
    for part, found in grouped.by("part", records).items():
        if part == named.FEW:
            fraction = settings["fraction"]
            title = f"{fraction:.0%} of the recordings (section 6)"
            drawn = (
                f"Teachers are one network of each ensemble, {ensembles} in all; which recordings "
                "its students see is drawn for each."
            )
            text += [title, f"{named.PAPER_FEW}\n{drawn}", few_table(found)]
        else:
            text += [part.capitalize(), *paper, setup_table(found)]
            paper = []
    text += across_schedules(records, names)
    text += [
        "What retains most of the gain? Chosen on validation in each set-up",
        chosen(records, names),
    ]
    return "\n\n".join(text)


def setup_table(records: list[dict]) -> str:
    """One line per row of a set-up: the ensemble, its members, and every student."""
    rows, lines = grouped.by_row(records), []
    students = [r for r in records if r["row"] != named.MEMBER]  # whose seeds are members
    metrics = {"test_accuracy": False, "test_word_errors": True}  # whether few are good
    compared = contrasts.compare_each(
        {
            metric: contrasts.Contrast(students, named.LABELS, metric, lower_is_better)
            for metric, lower_is_better in metrics.items()
        }
    )
    judged = {(metric, x.row): x for metric, found in compared.items() for x in found}
    for row, of_row in rows.items():
        line, of_words = (
            judged.get((metric, row)) or contrasts.line_of(row, grouped.values(of_row, metric))
            for metric in metrics
        )
        lines.append([
            row,
            tables.spread(line, 2),
            tables.difference(line, 2),
            tables.verdict(line),
            retained(of_row, rows[named.LABELS], rows[named.ENSEMBLE]) if line.paired else DASH,
            tables.spread(of_words),
            tables.judged(of_words),
            *(tables.mean(of_row, f"{split}_accuracy", ".2f") for split in ("train", "validation")),
            tables.mean(of_row, "test_nll", ".3f"),
        ])  # fmt: skip
    recordings = len(examples.unpacked(records[0][f"test_{examples.RIGHT}"]))
    header = ["method", "test frame accuracy, %", "vs. labels only [95 %]", "verdict"]
    header += [
        "retained gain [95 %]",
        f"word errors of {recordings}",
        "word errors vs. labels only",
    ]
    header += ["training frame accuracy, %", "validation frame accuracy, %", "test NLL (nats)"]
    sizes = (
        tables.power(compared[metric], what, digits).strip()
        for metric, what, digits in zip(metrics, ("points", "word errors"), (2, 1))
    )
    return "\n".join([tables.markdown(header, lines), *sizes])


def across_schedules(records: list[dict], names: named.Names) -> list[str]:
    """Soft targets at a constant rate against labels whose rate decays: title, words and table.

    A rate that decays is a gain that needs no teacher, in as many steps.

    Args:
        records: of all set-ups.
        names: of the students.
    """
    part, constant, decaying = "equally long", "at a constant rate", "at a rate that decays"
    soft = f"{names.mixed}, {names.at_temperature}"
    wanted = {
        (named.AS_PAPER, soft): f"{soft}, {constant}",
        (named.AS_PAPER, named.LABELS): f"{named.LABELS}, {constant}",
        (named.DECAYING, named.LABELS): f"{named.LABELS}, {decaying}",
    }
    ours, plain, decayed = wanted.values()
    known = [
        {**r, "row": wanted[r["part"], r["row"]]}
        for r in records
        if (r["part"], r["row"]) in wanted
    ]
    pairs = [(part, ours, decayed), (part, decayed, plain)]
    if {r["row"] for r in known} != {ours, plain, decayed}:
        return []
    table = sections.compared(
        {part: known}, pairs, "test_accuracy",
        lower_is_better=False, digits=2,
    )  # fmt: skip
    return ["Soft targets, or a rate that decays?", table]


def chosen(records: list[dict], names: named.Names) -> str:
    """The student of each set-up with the best validation accuracy, and the gain it retains.

    Args:
        records: of all set-ups.
        names: of the students to choose from.
    """
    found = {part: of for part, of in grouped.by("part", records).items() if part != named.FEW}
    best = {part: best_row(of, names) for part, of in found.items()}
    winner = max(best, key=lambda part: best[part][1])
    lines = []
    for part, (row, right) in best.items():
        rows = grouped.by_row(found[part])
        compared = rows[row], rows[named.LABELS], rows[named.ENSEMBLE]
        lines.append([
            part + (" (chosen)" if part == winner else ""),
            row,
            f"{right:.2f}",
            *(f"{np.mean(grouped.values(of_row, 'test_accuracy')):.2f}" for of_row in compared),
            retained(*compared),
        ])  # fmt: skip
    header = ["set-up", "student", "validation", "test", "labels only", "ensemble"]
    return tables.markdown([*header, "retained gain [95 %]"], lines)


def best_row(records: list[dict], names: named.Names) -> tuple[str, float]:
    """(row, its mean validation accuracy) of the best student, of labels alone too."""
    rows = grouped.by_row([r for r in records if "family" in r and r["row"] != names.permuted])
    means = {row: np.mean(grouped.values(of, "validation_accuracy")) for row, of in rows.items()}
    return max(means.items(), key=lambda pair: pair[1])


def retained(records: list[dict], baseline: list[dict], ensembles: list[dict]) -> str:
    """'58 % [49, 66]': the fraction of the ensemble's gain over the baseline that a row retains.

    Args:
        records: of the row.
        baseline: of labels only.
        ensembles: of the ensembles, one each.
    """
    return shares.of_way(records, baseline, ensembles, "test_accuracy")


def few_table(records: list[dict]) -> str:
    """Training and test accuracy with few recordings, and what is regained of what they lose."""
    rows, lines = grouped.by_row(records), []
    compared = contrasts.compare(records, "test_accuracy", named.STOPPED, lower_is_better=False)
    for line in compared:
        of_row = rows[line.row]
        lines.append([
            line.row,
            tables.mean_and_sd(grouped.values(of_row, "train_accuracy")),
            tables.spread(line),
            tables.difference(line),
            tables.verdict(line),
            DASH
            if line.row in (named.STOPPED, named.WHOLE)
            else shares.of_way(of_row, rows[named.STOPPED], rows[named.WHOLE], "test_accuracy"),
            tables.mean(of_row, "epoch", ".0f"),
        ])  # fmt: skip
    header = ["method", "training frame accuracy, %", "test frame accuracy, %"]
    header += [f"vs. {named.STOPPED} [95 %]", "verdict", REGAINED, "epochs"]
    return tables.markdown(header, lines) + tables.power(compared, "points")


def draw(folder: pathlib.Path) -> None:
    """Every figure of a run folder."""
    records = [grouped.in_percent(r) for r in jsonl.records(folder)]
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    names = named.Names.of(settings)
    parts = grouped.by("part", records)
    first = next(part for part in parts if part != named.FEW)
    caption = (
        f"Test frame accuracy by temperature: {names.mixed}, beside {named.LABELS} and the "
        "ensemble. Lines are means over students, bands one standard deviation."
    )
    about: dict = {"caption": caption, "size": (6.0, 3.6)}
    with figures.figure(folder / "accuracy_by_temperature.svg", **about) as axes:
        curves.by_temperature(axes, parts[first], names.mixed)
    if named.FEW not in parts:
        return
    caption = (
        "Frame accuracy with few recordings, in training and on the test, epoch by epoch. "
        "Lines are means over students; hollow marks are of training."
    )
    about |= {"caption": caption, "table": f"{settings['fraction']:.0%} of the recordings"}
    with figures.figure(folder / "few_recordings.svg", **about) as axes:
        curves.by_epoch(axes, grouped.by_row(parts[named.FEW]), names.soft)
