"""The figure of a comparison: every method's difference to the baseline, with its interval."""

import os
import textwrap
from collections.abc import Sequence
from typing import Any

from kd_jax.metrics import statistics
from kd_jax.metrics.statistics import Paired
from kd_jax.report import figures, roles
from kd_jax.report.comparison import Comparison

MARKS = {  # of a verdict: its mark and color
    statistics.BEATS: ("o", roles.BETTER),
    statistics.WORSE: ("s", roles.WORSE),
    statistics.INCONCLUSIVE: ("D", roles.NEITHER),
    statistics.EQUIVALENT: ("P", roles.NEITHER),
    statistics.NO_VERDICT: ("x", roles.NEITHER),
}


def save(comparison: Comparison, path: str | os.PathLike) -> None:
    """Write the figure.

    Args:
        comparison: What is drawn.
        path: Of the file; its suffix says of which kind.
    """
    baseline = textwrap.shorten(comparison.baseline, 40)
    verdicts = "; a circle beats, a square is worse, a diamond is inconclusive"
    verdicts *= not comparison.unjudged
    caption = (
        f"What each method adds to {baseline}: right of zero it is better. Marks are means over "
        f"students, lines 95 % intervals of the paired difference{verdicts}."
    )
    with figures.figure(path, size=_size(comparison), caption=caption) as axes:
        draw(axes, comparison)


def drawn(comparison: Comparison) -> Any:
    """The figure itself, for a notebook.

    Args:
        comparison: What is drawn.
    """
    return figures.standing(lambda axes: draw(axes, comparison), _size(comparison))


def _size(comparison):
    return 6.5, 0.17 * sum(2 + x.count("\n") for x in _names(comparison)) + 1.3


def _names(comparison):
    """What the methods are called, in lines that leave room for the axes."""
    chosen = {comparison.best: " (chosen)"}
    return [textwrap.fill(x.row + chosen.get(x.row, ""), 40) for x in _compared(comparison)]


def _compared(comparison):
    """The lines of what is compared with the baseline, the last first: it is drawn lowest."""
    return [line for line in comparison.lines().values() if line.paired][::-1]


def draw(axes: Any, comparison: Comparison) -> None:
    """Draw a point and an interval per method; right of zero is better.

    Args:
        axes: To draw on.
        comparison: What is drawn.
    """
    found = [line.paired for line in _compared(comparison)]
    differences(axes, _names(comparison), found)
    baseline = textwrap.shorten(comparison.baseline, 40).replace("$", "\\$")
    what = "accuracy" if comparison.labeled else "agreement with the teacher"
    axes.set_xlabel(f"test {what}, points against {baseline}, 95 % interval")


def differences(axes: Any, names: Sequence[str], found: Sequence[Paired]) -> None:
    """Draw a point and an interval per difference, marked by its verdict.

    Args:
        axes: To draw on.
        names: Of the rows, the lowest first.
        found: Their differences.
    """
    for y, each in enumerate(found):
        mark, color = MARKS[each.verdict]
        axes.plot([each.low, each.high], [y, y], color=color, lw=1.5)
        axes.plot(each.mean, y, mark, color=color, ms=6)
    axes.axvline(0, color=figures.GREY, lw=1, ls=":")
    # a dollar would begin a formula
    axes.set_yticks(range(len(names)), [x.replace("$", "\\$") for x in names])
    axes.margins(y=0.15)
