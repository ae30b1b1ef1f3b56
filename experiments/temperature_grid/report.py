"""Tables of errors over temperature: the paper's rows, every data set, the claims, the widths."""

import functools
import json
import pathlib
from typing import Any

import numpy as np

from experiments.temperature_grid import figures, optimum
from experiments.temperature_grid import rows as names
from experiments.temperature_grid.curves import curve, named, of, stacked
from kd_jax.metrics import bootstrap, statistics
from kd_jax.report import tables
from kd_jax.storage import jsonl


def found_optimum(records: list[dict]) -> optimum.Optimum:
    """The Optimum of the soft targets among the records of one data set and width."""
    return optimum.find(*curve(records))


def lines_of(records: list[dict]) -> dict[str, tables.Line]:
    """{row: Line} of one data set and width, against the labels."""
    return {line.row: line for line in tables.compare(records, "test_errors", names.LABELS)}


def against_labels(records: list[dict], rows: str) -> dict[str, list[tables.Line]]:
    """{data set: Lines} of rows that begin so; their verdicts are corrected for all of them."""
    kept = [r for r in records if r["row"] == names.LABELS or r["row"].startswith(rows)]
    parts = {name: (found, names.LABELS) for name, found in tables.by("dataset", kept).items()}
    found = tables.compare_each(parts, "test_errors")
    return {name: [x for x in lines if x.row != names.LABELS] for name, lines in found.items()}


def verdict(found: optimum.Optimum) -> str:
    """'optimum' or 'no optimum'."""
    return "optimum" if found.exists else "no optimum"


def interval(low: float, high: float) -> str:
    """'[2, 5]'; a dash when there is no interval."""
    return "–" if np.isnan(low) else f"[{low:g}, {high:g}]"


def draw(folder: pathlib.Path) -> None:
    """Every figure of a run folder."""
    figures.draw(jsonl.records(folder), folder)


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: all tables that its records allow."""
    records = jsonl.records(folder)
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    grid, widths = of(records, part=names.GRID), of(records, part=names.WIDTH)
    scope = tables.scope(of(records, row=names.LABELS), "seeds")
    parts = [f"{notes(settings)}{scope}\n"]
    if grid:
        temperatures = curve(of(grid, dataset=grid[0]["dataset"]))[1]
        at = names.typical(temperatures, settings.get("typical_temperature", 3.0))
        parts += beside_paper(grid, settings), by_dataset(grid, at), claims(grid, at)
    if widths:
        parts += growth(widths), by_width(widths, settings)
    return "\n".join(parts)


def notes(settings: dict) -> str:
    """What every table of the run shares."""
    if settings.get("teachers", 1) > 1 and settings["seeds"] > 1:
        networks = f"{settings['teachers']} teachers with {settings['seeds']} seeds each, paired"
    else:
        seeds = settings["seeds"] * settings.get("teachers", 1)
        networks = (
            f"{seeds} seeds, paired by seed; on the artificial data sets each seed has its own "
            "teacher"
        )
    return (
        f"Mean ± s.d. over {networks}.\nT_opt is the temperature with the least mean test "
        "errors, in brackets its 95 % bootstrap interval over seeds: a statistic of the curve, "
        "not a choice.\nFlat: the contiguous temperatures around T_opt whose paired 95 % interval "
        "against it includes zero; where they reach the lowest or highest\ntemperature, the curve "
        "was not seen to turn and there is no optimum.\n"
    )


def beside_paper(records: list[dict], settings: dict) -> str:
    """Every row of the one data set of which the tutorial has numbers, or of the first."""
    known = named(records, "dataset")
    name = names.PAPER_DATASET if names.PAPER_DATASET in known else known[0]
    same = name == names.PAPER_DATASET and settings["samples"] * 0.2 == names.PAPER_ROWS
    lines = [
        [
            line.row,
            names.PAPER.get(line.row, "–") if same else "–",
            tables.spread(line),
            tables.difference(line),
            tables.verdict(line),
        ]
        for line in lines_of(of(records, dataset=name)).values()
    ]
    header = [
        name, "paper", f"test errors of {round(settings['samples'] * 0.2):,}",
        "vs. labels only [95 %]", "verdict",
    ]  # fmt: skip
    return tables.markdown(header, lines)


def by_dataset(records: list[dict], at: float) -> str:
    """One line per data set: teacher, labels, the temperature `at`, T_opt and the flat range."""
    rows = []
    one = f"{names.SOFT}, T={at:g}"
    against = against_labels([r for r in records if r["row"] in (names.LABELS, one)], one)
    for name in sorted(named(records, "dataset")):
        here = of(records, dataset=name)
        lines, found = lines_of(here), found_optimum(here)
        (soft,), shuffled = against[name], lines[f"{names.PERMUTED}, T={at:g}"]
        rows.append([
            name,
            tables.spread(lines[names.TEACHER]),
            tables.spread(lines[names.LABELS]),
            tables.spread(soft),
            tables.difference(soft),
            tables.verdict(soft),
            tables.spread(shuffled),
            f"{found.value:g} {interval(found.low, found.high)}",
            "{:g}–{:g}".format(*found.flat),
            verdict(found),
        ])  # fmt: skip
    header = [
        "data set", names.TEACHER, names.LABELS, f"T={at:g}",
        f"T={at:g} vs. labels only [95 %]", "verdict", f"{names.PERMUTED}, T={at:g}",
        "T_opt [95 %]", "flat", "curve",
    ]  # fmt: skip
    return tables.markdown(header, rows)


def claims(records: list[dict], at: float) -> str:
    """The tutorial's two claims about all data sets, decided by the intervals."""
    datasets, (low, high) = named(records, "dataset"), names.CLAIMED
    found = [found_optimum(of(records, dataset=name)) for name in datasets]
    within = [optimum.lies_within(each, low, high) for each in found]
    one = f"{names.SOFT}, T={at:g}"
    of_one = [r for r in records if r["row"] in (names.LABELS, one)]
    at_one = [beats(lines) for lines in against_labels(of_one, one).values()]
    at_all = [beats(lines) for lines in against_labels(records, names.SOFT).values()]
    count = len(datasets)
    rows = [
        [
            claim,
            *(f"{verdicts.count(word)} of {count}" for word in WORDS),
            optimum.together(verdicts),
        ]
        for claim, verdicts in (
            (f"T_opt lies in ({low:g}, {high:g})", within),
            (f"distilled at T={at:g} beats labels only", at_one),
            ("distilled at every T beats labels only", at_all),
        )
    ]
    header = ["claim, for all data sets", *(word.lower() for word in WORDS), "verdict"]
    return tables.markdown(header, rows)


WORDS = (statistics.SUPPORTED, statistics.CONTRADICTED, statistics.UNDECIDED)


def beats(lines: list[tables.Line]) -> str:
    """Whether all of the lines beat the labels: the verdict on a claim, from theirs."""
    verdicts = [line.paired.verdict for line in lines if line.paired]
    if statistics.WORSE in verdicts:
        return statistics.CONTRADICTED
    return statistics.SUPPORTED if set(verdicts) == {statistics.BEATS} else statistics.UNDECIDED


def growth(records: list[dict]) -> str:
    """Whether T_opt grows with the student's width: one line per data set, by the slope."""
    rows = []
    for name in named(records, "dataset"):
        errors, temperatures, widths = stacked(of(records, dataset=name))
        axes: dict[str, Any] = {"temperatures": temperatures, "widths": widths}
        slope, ranks = (
            bootstrap.percentile(errors, functools.partial(statistic, **axes))
            for statistic in (optimum.slope, optimum.rank_correlation)
        )
        rows.append([
            name,
            f"{slope.value:.2f} {signed(slope)}",
            f"{ranks.value:.2f} {signed(ranks)}",
            optimum.sign(slope),
        ])  # fmt: skip
    header = [
        "data set", "slope of log T_opt on log width [95 %]", "rank correlation [95 %]",
        "T_opt grows with width",
    ]  # fmt: skip
    return tables.markdown(header, rows)


def signed(found: bootstrap.Interval) -> str:
    """'[−0.10, 0.42]', or a dash without an interval."""
    if np.isnan(found.low):
        return "–"
    return f"[{found.low:.2f}, {found.high:.2f}]".replace("-", "−")


def by_width(records: list[dict], settings: dict) -> str:
    """One line per data set and width; and what was shortened."""
    rows = []
    for name in named(records, "dataset"):
        for width in sorted(named(of(records, dataset=name), "width")):
            here = of(records, dataset=name, width=width)
            lines, found = lines_of(here), found_optimum(here)
            rows.append([
                name,
                width,
                here[0]["epochs"],
                tables.spread(lines[names.LABELS]),
                tables.spread(lines[f"{names.SOFT}, T={found.value:g}"]),
                f"{found.value:g} {interval(found.low, found.high)}",
                "{:g}–{:g}".format(*found.flat),
                verdict(found),
            ])  # fmt: skip
    header = [
        "data set", "units per layer", "epochs", names.LABELS, "at T_opt", "T_opt [95 %]", "flat",
        "curve",
    ]  # fmt: skip
    note = (
        f"\nThe students of the grid train for {settings['epochs']} epochs, these for "
        f"{settings['width_epochs']} (artificial) and {settings['mnist_epochs']} (MNIST, one "
        "teacher for all seeds);\n--preset=paper is the full length, with more temperatures "
        "on MNIST.\n"
    )
    return tables.markdown(header, rows) + note
