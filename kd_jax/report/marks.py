"""What figures show of rows: lines with bands, levels, means with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from kd_jax.errors import extra
from kd_jax.metrics import means
from kd_jax.report import roles
from kd_jax.report.figures import Look
from kd_jax.report.roles import Role

if TYPE_CHECKING:
    with extra("report"):
        from matplotlib.axes import Axes

DOTS = "Marks are means over students, lines 95 % intervals of the mean."


def band(
    axes: Axes,
    x: Sequence[float],
    values: Sequence[Sequence[float]] | Float[np.ndarray, "X S"],
    label: str,
    role: Role,
    within: tuple[float, float] = means.ANY,
    every: int = 1,
) -> None:
    """Draw a line through the means over seeds of values [X, S], in a band of one s.d.

    Args:
        axes: to draw on.
        x: the places.
        values: a number per place and seed.
        label: of the line.
        role: its looks.
        within: what values can be; the band ends there.
        every: places of which one is marked.
    """
    found = np.asarray(values, float)
    mean = found.mean(1)
    sd = found.std(1, ddof=1) if found.shape[1] > 1 else np.zeros_like(mean)
    line(axes, x, mean, label, role, every)
    low, high = np.clip([mean - sd, mean + sd], *within)
    axes.fill_between(x, low, high, color=role.color, alpha=0.15, lw=0)


def line(axes: Axes, x: Sequence[float], y: Any, label: str, role: Role, every: int = 1) -> None:
    """Draw a line, dashed and marked as its role is, at every place or at every second, third …"""
    look: Look = {"marker": role.marker, "ms": 4, "color": role.color, "lw": 1.3}
    axes.plot(x, y, role.dash, label=label, markevery=every, **look)


def level(axes: Axes, values: Sequence[float], label: str, role: Role) -> None:
    """Draw a horizontal line at the mean over seeds of values [S], in a band of one s.d."""
    found = np.asarray(values, float)
    mean, sd = found.mean(), found.std(ddof=1) if len(found) > 1 else 0.0
    dash = ":" if role.dash == "-" else role.dash
    axes.axhline(mean, color=role.color, ls=dash, lw=1.2, label=label)
    axes.axhspan(mean - sd, mean + sd, color=role.color, alpha=0.10, lw=0)


def intervals(
    axes: Axes,
    found: Mapping[float, Sequence[Any]],
    label: str,
    role: Role,
    beside: float = 1.0,
) -> None:
    """Draw a line through means with a whisker of the 95 % interval at each.

    Args:
        axes: to draw on.
        found: {place: (mean, low, high, …)}.
        label: of the line.
        role: its looks.
        beside: what the places are multiplied by, see `side_by_side`.
    """
    x = np.array([*found], float) * beside
    mean, low, high = np.array([each[:3] for each in found.values()], float).T
    style: Look = {"marker": role.marker, "ms": 5, "color": role.color, "lw": 1.2}
    axes.errorbar(x, mean, [mean - low, high - mean], ls=role.dash, label=label, **style)


def side_by_side(places: Sequence[float], lines: int) -> list[float]:
    """A factor per line that parts their whiskers at the places of a logarithmic axis."""
    wide = max(max(places) / min(places), 4.0)
    return [wide ** (0.014 * (number - (lines - 1) / 2)) for number in range(lines)]


def dots(axes: Axes, values: Mapping[str, Sequence[float]]) -> None:
    """Draw a line per row, the first on top: its mean and the 95 % interval of it.

    Args:
        axes: to draw on.
        values: {row: a number per unit that is independent of the others}.
    """
    looks = roles.looks(values)
    names = [*values][::-1]
    for y, row in enumerate(names):
        role, half = looks[row], means.half_width(values[row])
        look: Look = {"fmt": role.marker, "color": role.color, "ms": 4}
        axes.errorbar(np.mean(values[row]), y, xerr=half, **look)
    axes.set_yticks(range(len(values)), [row.replace("$", "\\$") for row in names])
    axes.grid(axis="y", visible=False)
    axes.set_ylim(-0.7, len(values) - 0.3)
