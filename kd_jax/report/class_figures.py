"""Figures of what networks say of each class: soft targets, accuracy per digit, shifted biases."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from kd_jax.errors import extra
from kd_jax.report import figures, marks, roles

if TYPE_CHECKING:
    with extra("report"):
        from matplotlib.axes import Axes

HATCHES = "", "///", "\\\\\\", "xxx"
SHIFTED = roles.Role(roles.NEITHER, "", "-")
PER_DIGIT = (
    "Test accuracy per digit of students that saw other digits. Bars are means over all students, "
    "whiskers one standard deviation."
)
SHIFTS = (
    "Test errors by what is added to the biases of unseen digits. The line is the mean over all "
    "students, its band one standard deviation; marks are the shifts that each way of choosing "
    "finds, and what they cost."
)
SOFTER = (
    "What the teacher teaches at several temperatures: images beside its class probabilities. "
    "At a higher T more of them is seen in the classes that are not the image's."
)


def soft_targets(
    path: str | os.PathLike,
    images: Float[np.ndarray, "N H W"],
    logits: Float[np.ndarray, "N C"],
    temperatures: Sequence[float],
) -> None:
    """Draw images beside the teacher's class probabilities at each temperature.

    Probabilities are drawn on one scale, so that the growing dark mass is seen.

    Args:
        path: of the file.
        images: N examples.
        logits: the teacher's, of each.
        temperatures: a column each.
    """
    rows, columns = len(images), 1 + len(temperatures)
    widths = {"width_ratios": [0.6] + [1] * len(temperatures)}
    size = (1.6 * columns, 1.15 * rows + 0.4)
    shown: figures.Look = {"gridspec_kw": widths, "squeeze": False, "caption": SOFTER}
    with figures.figure(path, rows, columns, size, **shown) as axes:
        for line, image, scores in zip(axes, images, logits):
            line[0].imshow(image, cmap="gray_r")
            line[0].axis("off")
            for cell, t in zip(line[1:], temperatures):
                _probabilities(cell, scores / t)
        for cell in axes[:, 1]:
            cell.set_ylabel("probability")
        for cell, t in zip(axes[0, 1:], temperatures):
            cell.set_title(f"T = {t:g}")
        for cell in axes[-1, 1:]:
            cell.set_xticks(range(logits.shape[1]))
            cell.set_xlabel("class")


def _probabilities(axes, scores):
    probabilities = np.exp(scores - scores.max())
    heights = np.repeat(probabilities / probabilities.sum(), 2)
    heights[1::2] = 0  # between the bars
    edges = np.arange(len(scores))[:, None] + [-0.4, 0.4]
    axes.stairs(heights[:-1], edges.ravel(), fill=True, color=roles.SOFT.color)
    axes.set(ylim=(0, 1), xticks=[], yticks=[0, 1])
    axes.grid(visible=False)
    axes.tick_params(labelsize=7)
    axes.yaxis.label.set_size(8)


def by_class(axes: Axes, values: Mapping[str, Any], label: str) -> None:
    """Draw the means per class side by side, with whiskers of one s.d.

    Args:
        axes: to draw on.
        values: {row: [S, C]}.
        label: of the vertical axis.
    """
    width = 0.8 / len(values)
    for number, (row, role) in enumerate(roles.styles(values).items()):
        of_seeds = np.asarray(values[row], float)
        x = np.arange(of_seeds.shape[1]) + (number - (len(values) - 1) / 2) * width
        sd = of_seeds.std(0, ddof=1) if len(of_seeds) > 1 else None
        look: figures.Look = {
            "color": role.color,
            "hatch": HATCHES[number % len(HATCHES)],
            "ec": "white",
        }
        axes.bar(x, of_seeds.mean(0), width, yerr=sd, label=row, error_kw={"lw": 0.8}, **look)
    axes.set(xlabel="digit", ylabel=label, xticks=range(of_seeds.shape[1]))
    axes.grid(axis="x", visible=False)
    figures.legend(axes)


def errors_by_shift(
    axes: Axes, shifts: Sequence[float], corrected: Mapping[str, Sequence[dict]]
) -> None:
    """Draw test errors against the shift of a bias, each way of choosing it marked at its mean.

    Args:
        axes: to draw on.
        shifts: those of "errors_by_shift".
        corrected: {row: records with "errors_by_shift", "shift" and "test_errors"}.
    """
    first = next(iter(corrected.values()))
    by_shift = np.array([r["errors_by_shift"] for r in first]).T
    marks.band(axes, shifts, by_shift, "test errors", SHIFTED, within=(0, math.inf))
    for row, (color, marker, _) in roles.styles(corrected).items():
        found = corrected[row]
        shift, errors = (np.mean([r[name] for r in found]) for name in ("shift", "test_errors"))
        text = f"{row}: " + f"{shift:+.2f}".replace("-", "−")
        axes.plot(shift, errors, marker, ms=8, mec=color, mfc="none", mew=1.5, ls="", label=text)
    axes.set(xlabel="shift added to the bias", ylabel="test errors")
    figures.legend(axes)
