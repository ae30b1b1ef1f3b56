"""The figure of the benchmark: seconds of every implementation, a panel for each training."""

import pathlib

import numpy as np

from experiments.bench import workloads
from experiments.bench.rows import OURS
from kd_jax.report import figures, grouped, roles
from kd_jax.storage import jsonl

CAPTION = (
    "Seconds per epoch and network of every implementation, the fastest on top of each panel. "
    "Marks are medians, lines from the least to the most; filled: kd_jax."
)


def draw(folder: pathlib.Path) -> None:
    """Draw seconds.svg of a run folder: trainings that several implementations did.

    Args:
        folder: of the run.
    """
    parts = grouped.by("part", jsonl.records(folder))
    shown = {name: parts[name] for name in workloads.BY_NAME if len(parts.get(name, ())) > 1}
    if not shown:
        return
    deep, height = -(-len(shown) // 2), 0.22 * sum(map(len, shown.values())) / 2
    options: dict = {
        "caption": CAPTION,
        "table": _title(next(iter(shown))),
        "squeeze": False,
        "sharex": True,
    }
    with figures.figure(
        folder / "seconds.svg", deep, 2, (figures.WIDEST, height + 0.75 * deep), **options
    ) as grid:
        for axes, (name, records) in zip(grid.flat, shown.items()):
            _panel(axes, records)
            axes.set_title(_title(name), loc="right")
        for axes in grid.flat[len(shown) :]:
            axes.set_visible(False)
        ends = [
            each for r in sum(shown.values(), []) for each in (min(r["seconds"]), max(r["seconds"]))
        ]
        low, high = np.floor(np.log10(min(ends))), np.ceil(np.log10(max(ends)))
        figures.logarithmic(grid[0, 0], [10.0**x for x in range(int(low), int(high) + 1)])
        figures.name_outer([*grid.flat][: len(shown)], "seconds", "")


def _title(part):
    return part[0].upper() + part[1:]


def _panel(axes, records):
    """A line per implementation, the slowest lowest."""
    lines = sorted(records, key=lambda r: -np.median(r["seconds"]))
    for y, r in enumerate(lines):
        middle, ours = np.median(r["seconds"]), r["row"].startswith(OURS)
        reach = [[middle - min(r["seconds"])], [max(r["seconds"]) - middle]]
        look = {"color": roles.TEACHER.color} if ours else {"color": figures.GREY, "mfc": "white"}
        axes.errorbar(middle, y, xerr=reach, fmt="o", ms=5, **look)
    axes.set_ylim(-0.7, len(lines) - 0.3)
    axes.set_yticks(range(len(lines)), [r["row"] for r in lines])
    axes.grid(axis="y", visible=False)
