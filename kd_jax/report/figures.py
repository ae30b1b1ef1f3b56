"""Parts of figures that experiments share, drawn with matplotlib and saved as PNG."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from kd_jax.errors import extra, require_extra

require_extra("report", "matplotlib")
if TYPE_CHECKING:
    with extra("report"):
        from matplotlib.axes import Axes

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito
GREY = "#555555"
STYLE: dict = {
    "figure.dpi": 150,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}


@functools.cache
def _pyplot():
    """What draws, imported with the first figure: it takes as long as jax, and a run draws last."""
    with extra("report"):
        import matplotlib

        matplotlib.use("Agg")  # before pyplot is imported
        return importlib.import_module("matplotlib.pyplot")


@contextlib.contextmanager
def figure(
    path: str | os.PathLike,
    rows: int = 1,
    columns: int = 1,
    size: tuple[float, float] = (6.0, 4.0),
    **options: Any,
) -> Iterator[Any]:
    """Axes of a figure that is saved when the block ends without an error.

    Args:
        path: of the PNG file.
        rows: of axes.
        columns: of axes.
        size: in inches.
        options: of matplotlib's subplots.

    Yields:
        The Axes, or an array of them where there are several.
    """
    plt = _pyplot()
    with plt.rc_context(STYLE):
        drawn, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", **options)
        try:
            yield axes
            drawn.canvas.print_png(path)  # savefig would lay it out and draw it twice
        finally:
            plt.close(drawn)


def standing(draw: Callable[[Axes], None], size: tuple[float, float] = (6.0, 4.0)) -> Any:
    """A figure that stays open, as a notebook shows it.

    Args:
        draw: (axes) -> None.
        size: in inches.

    Returns:
        matplotlib's Figure.
    """
    plt = _pyplot()
    with plt.rc_context(STYLE):
        drawn, axes = plt.subplots(figsize=size, layout="constrained")
        draw(axes)
        plt.close(drawn)  # of the window; the Figure itself stays
    return drawn


def band(
    axes: Axes,
    x: Sequence[float],
    values: Sequence[Sequence[float]] | Float[np.ndarray, "X S"],
    label: str,
    color: str,
    marker: str = "o",
) -> None:
    """Draw a line through the means over seeds of values [X, S], in a band of one s.d."""
    found = np.asarray(values, float)
    mean = found.mean(1)
    sd = found.std(1, ddof=1) if found.shape[1] > 1 else np.zeros_like(mean)
    axes.plot(x, mean, marker=marker, ms=4, color=color, label=label)
    axes.fill_between(x, mean - sd, mean + sd, color=color, alpha=0.15, lw=0)


def styles() -> Iterator[tuple[str, str]]:
    """(color, marker) of many lines: all colors with one marker, then again with the next."""
    return ((color, marker) for marker in "o^s" for color in COLORS)


def level(axes: Axes, values: Sequence[float], label: str, color: str, style: str = "--") -> None:
    """Draw a horizontal line at the mean over seeds of values [S], in a band of one s.d."""
    found = np.asarray(values, float)
    mean, sd = found.mean(), found.std(ddof=1) if len(found) > 1 else 0.0
    axes.axhline(mean, color=color, ls=style, lw=1.2, label=label)
    axes.axhspan(mean - sd, mean + sd, color=color, alpha=0.10, lw=0)


def temperature_axis(axes: Axes, temperatures: Sequence[float]) -> None:
    """Make the x axis one of temperatures, logarithmic, with a tick at every one used."""
    axes.set_xscale("log")
    axes.set_xticks(temperatures, [f"{t:g}" for t in temperatures])
    axes.minorticks_off()
    axes.set_xlabel("temperature T")


def errors_by_temperature(
    axes: Axes, records: Sequence[dict], families: Sequence[str], levels: Sequence[str]
) -> None:
    """Draw test errors against the temperature.

    Args:
        axes: to draw on.
        records: with "family", "test_errors" and, of `families`, "temperature".
        families: a band each.
        levels: further families, a level line each.
    """
    temperatures = sorted(
        {r["temperature"] for r in records if r.get("family", r["row"]) in families}
    )
    for family, color in zip(families, COLORS):
        by_seed = [
            [
                r["test_errors"]
                for r in records
                if (r.get("family", r["row"]), r.get("temperature")) == (family, t)
            ]
            for t in temperatures
        ]
        band(axes, temperatures, by_seed, family, color)
    for family, color in zip(levels, (GREY, *COLORS[len(families) :])):
        found = [r for r in records if r.get("family", r["row"]) == family]
        level(axes, [r["test_errors"] for r in found], found[0]["row"], color)
    temperature_axis(axes, temperatures)
    axes.legend(fontsize=8, loc="center right")


def soft_targets(
    path: str | os.PathLike,
    images: Float[np.ndarray, "N H W"],
    logits: Float[np.ndarray, "N C"],
    temperatures: Sequence[float],
) -> None:
    """Draw images beside the teacher's class probabilities at each temperature.

    Probabilities are drawn on one scale, so that the growing dark mass is seen.

    Args:
        path: of the PNG file.
        images: N examples.
        logits: the teacher's, of each.
        temperatures: a column each.
    """
    rows, columns = len(images), 1 + len(temperatures)
    widths = {"width_ratios": [0.6] + [1] * len(temperatures)}
    size = (1.6 * columns, 1.15 * rows + 0.4)
    with figure(path, rows, columns, size, gridspec_kw=widths, squeeze=False) as axes:
        for line, image, scores in zip(axes, images, logits):
            line[0].imshow(image, cmap="gray_r")
            line[0].axis("off")
            for cell, t in zip(line[1:], temperatures):
                _probabilities(cell, scores / t)
        for cell, t in zip(axes[0, 1:], temperatures):
            cell.set_title(f"T = {t:g}")
        for cell in axes[-1, 1:]:
            cell.set_xticks(range(logits.shape[1]))
            cell.set_xlabel("class")


def _probabilities(axes, scores):
    probabilities = np.exp(scores - scores.max())
    axes.bar(range(len(scores)), probabilities / probabilities.sum(), color=COLORS[0])
    axes.set(ylim=(0, 1), xticks=[], yticks=[0, 0.5, 1])
    axes.grid(axis="x", visible=False)
    axes.tick_params(labelsize=7)


def by_class(axes: Axes, values: Mapping[str, Any], label: str) -> None:
    """Draw bars per class with a whisker of one s.d.

    Args:
        axes: to draw on.
        values: {row: [S, C]}.
        label: of the vertical axis.
    """
    width = 0.8 / len(values)
    for number, (row, found) in enumerate(values.items()):
        of_seeds = np.asarray(found, float)
        x = np.arange(of_seeds.shape[1]) + (number - (len(values) - 1) / 2) * width
        sd = of_seeds.std(0, ddof=1) if len(of_seeds) > 1 else None
        color = COLORS[number]
        axes.bar(x, of_seeds.mean(0), width, yerr=sd, label=row, color=color, error_kw={"lw": 0.8})
    axes.set(xlabel="digit", ylabel=label, xticks=range(of_seeds.shape[1]))
    axes.grid(axis="x", visible=False)
    axes.figure.legend(fontsize=8, loc="outside upper center", ncols=len(values))


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
    band(axes, shifts, by_shift, "test errors", GREY, marker="")
    for (row, found), color, marker in zip(corrected.items(), COLORS, "os^"):
        shift, errors = (np.mean([r[name] for r in found]) for name in ("shift", "test_errors"))
        text = f"{row}: {shift:+.2f}"
        axes.plot(shift, errors, marker, ms=8, mec=color, mfc="none", mew=1.5, ls="", label=text)
    axes.set(xlabel="shift added to the bias", ylabel="test errors")
    axes.legend(fontsize=8)
