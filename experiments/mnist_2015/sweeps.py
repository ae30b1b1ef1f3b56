"""Students whose temperature alone is varied: tables of each width, the claims, a figure."""

import pathlib
from collections.abc import Iterable

import numpy as np

from experiments.mnist_2015 import rows as named
from kd_jax.report import by_column, contrasts, figures, grouped, peak_rates, sections, tables


def by_width(records: list[dict]) -> dict[int, list[dict]]:
    """{width: records} of the temperature sweeps, widest first, each row at its best rate."""
    found = grouped.by("width", [r for r in records if r["part"] == "width"])
    return {
        width: peak_rates.at_best(of, validation)
        for width, of in sorted(found.items(), reverse=True)
    }


def table(records: list[dict], margin: float) -> str:
    """One line per temperature, paired with labels only, each at the rate best on validation.

    Args:
        records: of one width.
        margin: errors that make no difference.
    """
    rows, lines = grouped.by_row(records), []
    compared = contrasts.compare(records, "test_errors", named.LABELS, margin=margin)
    for line in compared:
        lines.append([
            line.row,
            peak_rates.cell(rows[line.row][0]),
            f"{validation(rows[line.row]):.1f}",
            tables.spread(line),
            tables.difference(line),
            tables.verdict(line),
        ])  # fmt: skip
    header = ["method", "peak rate", "validation errors", "test errors", "vs. labels only [95 %]"]
    return tables.markdown([*header, "verdict"], lines) + tables.power(compared, "test errors")


def compared(swept: dict[int, list[dict]], settings: dict) -> str:
    """What the paper says of temperatures, of each width that has it: the claims, in pairs.

    Args:
        swept: {width: its records}, of `by_width`.
        settings: of the run.
    """
    parts = {f"{width} units": records for width, records in swept.items()}
    pairs = []
    for part, records in parts.items():
        found = {r["temperature"]: r["row"] for r in records if r["row"] != named.LABELS}
        if part == f"{settings['wide']} units":
            higher = [t for t in sorted(found) if t > named.SIMILAR]
            pairs += [(part, found[t], found.get(named.SIMILAR, "")) for t in higher]
        else:
            pairs += [(part, *pair) for pair in best_within(records, named.CLAIMED)]
    margin = settings.get("margin", 0.0)
    return sections.compared(parts, pairs, margin=margin)


def neighbors(records: list[dict], margin: float) -> str:
    """Each temperature that the paper names best, against the nearest below and above these.

    Args:
        records: of students of the narrow width.
        margin: errors that make no difference.
    """
    students = [r for r in records if r["row"] != named.LABELS]
    rows = {r["temperature"]: r["row"] for r in students}
    low, high = named.CLAIMED
    inside = [t for t in sorted(rows) if low <= t <= high]
    nearest = [
        *[t for t in sorted(rows) if t < low][-1:],
        *[t for t in sorted(rows) if t > high][:1],
    ]
    part = f"{students[0]['width']} units"
    pairs = [(part, rows[ours], rows[other]) for other in nearest for ours in inside]
    return sections.compared({part: records}, pairs, margin=margin)


def best_within(records: list[dict], claimed: tuple[float, float]) -> list[tuple[str, str]]:
    """[(row of the fewest validation errors at a temperature within bounds, that of the others)].

    Of equal ones the lower temperature.

    Args:
        records: of one width.
        claimed: lowest and highest temperature.
    """
    low, high = claimed
    students = [r for r in records if r["row"] != named.LABELS]
    students.sort(key=lambda r: r["temperature"])
    inside = grouped.by_row([r for r in students if low <= r["temperature"] <= high])
    outside = grouped.by_row([r for r in students if not low <= r["temperature"] <= high])
    if not inside or not outside:
        return []
    ours, others = (min(of, key=lambda row: validation(of[row])) for of in (inside, outside))
    return [(ours, others)]


def validation(records: Iterable[dict]) -> float:
    """Mean validation errors of a row."""
    return float(np.mean(grouped.values(records, "validation_errors")))


def draw(path: pathlib.Path, found: dict[int, list[dict]]) -> None:
    """The figure of the temperature sweeps, a panel per width."""
    one = next(iter(found.values()))
    caption = (
        f"Test errors by temperature, against {named.LABELS}, for students of each width. Points "
        f"are means over {grouped.counted(grouped.by_row(one)[named.LABELS])}, whiskers 95 % "
        "intervals of the paired difference; below zero a student errs less."
    )
    title = f"{max(found)} units in each layer: errors by temperature"
    about: dict = {"caption": caption, "table": title, "sharey": True, "squeeze": False}
    with figures.figure(path, 1, len(found), (figures.WIDEST, 3.6), **about) as axes:
        for cell, (width, of) in zip(axes[0], found.items()):
            by_column.by_temperature(cell, of, named.LABELS, (named.SWEPT,))
            cell.set_title(f"{width} units in each layer", fontsize=9)
            cell.tick_params(axis="x", labelsize=7)
        axes[0, 0].set_ylabel(f"test errors, minus those of {named.LABELS}")
        figures.legend(axes[0, 0])
