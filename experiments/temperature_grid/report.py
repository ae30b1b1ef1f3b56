"""Tables of errors over temperature: the paper's rows, every data set, the claims."""

import json
import pathlib

from experiments.temperature_grid import figures, optimum
from experiments.temperature_grid import rows as names
from experiments.temperature_grid import widths as of_widths
from experiments.temperature_grid.curves import curve, named, of
from kd_jax.metrics import statistics
from kd_jax.report import contrasts, differences, grouped, tables
from kd_jax.storage import jsonl

CLAIM = (statistics.SUPPORTED, statistics.CONTRADICTED, statistics.UNDECIDED)
TEST_FRACTION = 0.2  # as kd_jax.data.synthetic draws them
OWN_DRAWS = (
    "Each teacher and its students have a draw of the data set of their own: other clusters, other "
    "rows to learn from, other\nrows for the test.\n"
)


def draw(folder: pathlib.Path) -> None:
    """Every figure of a run folder."""
    figures.draw(jsonl.records(folder), folder)


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: all tables that its records allow."""
    records = jsonl.records(folder)
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    grid, widths = of(records, part=names.GRID), of(records, part=names.WIDTH)
    parts = [notes(records, settings)]
    if grid:
        at = typical(grid, settings)
        parts += beside_paper(grid, settings), by_dataset(grid, at)
        parts += compared_by_dataset(grid, at), claims(grid, at)
    if widths:
        parts += of_widths.by_width(widths, typical(widths, settings)), of_widths.growth(widths)
    return "\n".join(parts)


def typical(records: list[dict], settings: dict) -> float:
    """The temperature of the records that stands for all."""
    temperatures = curve(of(records, dataset=records[0]["dataset"]))[1]
    return names.typical(temperatures, settings["typical_temperature"])


def notes(records: list[dict], settings: dict) -> str:
    """What every table of the run shares: students, temperatures, intervals."""
    labels = of(records, row=names.LABELS)
    widths, epochs, temperatures = (
        _listed({r[name] for r in found if name in r})
        for name, found in (
            ("width", labels),
            ("epochs", labels),
            ("temperature", of(records, family=names.SOFT)),
        )
    )
    counted = grouped.counted(of(labels, dataset=labels[0]["dataset"], width=labels[0]["width"]))
    return (
        f"Errors{of_how_many(labels, settings)}, mean ± s.d. over {counted}, on each data set; "
        f"paired. Students of {widths} units in each layer,\n{epochs} epochs; "
        f"temperatures that were tried: {temperatures}.\n{scope(labels)}\n{optimum.ABOUT}"
    )


def of_how_many(labels: list[dict], settings: dict) -> str:
    """' of 10,000' test examples."""
    if labels[0]["dataset"] == names.MNIST:
        return differences.of_how_many(labels)
    return f" of {tested(settings):,}"


def tested(settings: dict) -> int:
    """How many examples a draw of an artificial data set has for the test."""
    return round(settings["samples"] * TEST_FRACTION)


def scope(labels: list[dict]) -> str:
    """What intervals speak of: other draws of artificial data, the same MNIST."""
    if labels[0]["dataset"] == names.MNIST:
        return tables.scope(labels)
    return f"{OWN_DRAWS}{tables.scope(labels, 'draws, teachers and students', '')}"


def _listed(values):
    return ", ".join(f"{x:g}" for x in sorted(values))


def against(
    records: list[dict], against: dict[str, tuple[str, str]]
) -> dict[str, dict[str, list[contrasts.Line]]]:
    """{key of a contrast: {data set: Lines}}; verdicts are corrected for all of them.

    Args:
        records: of all data sets.
        against: {key: (what the names of the rows begin with, the row that they are against)}.
    """
    parts = {
        (key, name): contrasts.Contrast(
            [r for r in found if r["row"] == baseline or r["row"].startswith(row)], baseline
        )
        for key, (row, baseline) in against.items()
        for name, found in grouped.by("dataset", records).items()
    }
    lines: dict = {key: {} for key in against}
    for (key, name), found in contrasts.compare_each(parts).items():
        lines[key][name] = [x for x in found if x.row != against[key][1]]
    return lines


def beside_paper(records: list[dict], settings: dict) -> str:
    """Every row of the one data set of which the tutorial has numbers, or of the first."""
    known = named(records, "dataset")
    name = names.PAPER_DATASET if names.PAPER_DATASET in known else known[0]
    compared = contrasts.compare(of(records, dataset=name), "test_errors", names.LABELS)
    same = name == names.PAPER_DATASET and tested(settings) == names.PAPER_ROWS
    lines = [
        [
            line.row,
            names.PAPER.get(line.row, "–") if same else "–",
            tables.spread(line),
            tables.difference(line),
            tables.verdict(line),
        ]
        for line in compared
    ]
    header = [
        name, "paper", f"test errors of {tested(settings):,}",
        "vs. labels only [95 %]", "verdict",
    ]  # fmt: skip
    return tables.markdown(header, lines) + tables.power(compared, "test errors")


def smoothing_row(records: list[dict]) -> str:
    """The name of the row with label smoothing."""
    return next(row for row in named(records, "row") if row.startswith(names.SMOOTHED))


def by_dataset(records: list[dict], at: float) -> str:
    """One line per data set: errors of what there is without such a teacher, at `at`, and T_opt."""
    one, smoothed = f"{names.SOFT}, T={at:g}", smoothing_row(records)
    shown_rows = names.TEACHER, names.LABELS, smoothed, f"{names.PERMUTED}, T={at:g}", one
    datasets = sorted(named(records, "dataset"))
    lines = []
    for name in datasets:
        here = of(records, dataset=name)
        rows = grouped.by_row(here)
        errors = (grouped.values(rows[row], "test_errors") for row in shown_rows)
        found = optimum.find(here, len(datasets))
        lines.append([name, *map(tables.mean_and_sd, errors), *found.cells()])
    header = ["data set", *shown_rows, "T_opt", "not beaten", "curve"]
    return tables.markdown(header, lines)


def compared_by_dataset(records: list[dict], at: float) -> str:
    """One line per data set: the temperature `at` against what there is without such a teacher."""
    one, smoothed = f"{names.SOFT}, T={at:g}", smoothing_row(records)
    baselines = names.LABELS, smoothed, f"{names.PERMUTED}, T={at:g}"
    compared = against(records, {baseline: (one, baseline) for baseline in baselines})
    lines, every = [], []
    for name in sorted(named(records, "dataset")):
        pairs = [found[name][0] for found in compared.values()]
        every += pairs
        cells = [(tables.difference(line), tables.verdict(line)) for line in pairs]
        lines.append([name, *(cell for pair in cells for cell in pair)])
    header = [f"T={at:g} against"]
    for baseline in baselines:
        header += [f"{baseline.split(', ')[0]} [95 %]", "verdict"]
    return tables.markdown(header, lines) + tables.power(every, "test errors")


def claims(records: list[dict], at: float) -> str:
    """Claims about all data sets, decided by the intervals."""
    datasets, (low, high) = named(records, "dataset"), names.CLAIMED
    one, smoothed = f"{names.SOFT}, T={at:g}", smoothing_row(records)
    found = [optimum.find(of(records, dataset=name), len(datasets)) for name in datasets]

    compared = against(records, {
        f"T={at:g} beats labels only": (one, names.LABELS),
        "every T beats labels only": (names.SOFT, names.LABELS),
        f"T={at:g} beats {smoothed}": (one, smoothed),
        f"T={at:g} beats a permuted teacher": (one, f"{names.PERMUTED}, T={at:g}"),
    })  # fmt: skip
    decided = {
        f"T_opt lies in ({low:g}, {high:g})": [optimum.lies_within(x, low, high) for x in found]
    }
    decided |= {claim: [*map(beats, of_sets.values())] for claim, of_sets in compared.items()}
    rows = [
        [claim, *(f"{words.count(word)} of {len(datasets)}" for word in CLAIM),
         optimum.together(words)]
        for claim, words in decided.items()
    ]  # fmt: skip
    header = ["claim, for all data sets", *(word.lower() for word in CLAIM), "verdict"]
    return tables.markdown(header, rows)


def beats(lines: list[contrasts.Line]) -> str:
    """Whether all of the lines beat their baseline: the verdict on a claim, from theirs."""
    verdicts = [line.paired.verdict for line in lines if line.paired]
    if statistics.WORSE in verdicts:
        return statistics.CONTRADICTED
    return statistics.SUPPORTED if set(verdicts) == {statistics.BEATS} else statistics.UNDECIDED
