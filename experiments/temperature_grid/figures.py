"""Figures over temperature: a panel per data set, and heat maps of width and temperature."""

import pathlib

import numpy as np

from experiments.temperature_grid.curves import curve, named, of, stacked
from experiments.temperature_grid.rows import GRID, LABELS, SOFT, TEACHER, WIDTH
from kd_jax.report import figures

METRICS = {"test_accuracy": "test accuracy", "test_errors": "test errors"}


def draw(records: list[dict], folder: pathlib.Path) -> None:
    """Every figure that the records allow."""
    grid, widths = of(records, part=GRID), of(records, part=WIDTH)
    if grid:
        for metric, label in METRICS.items():
            panels(folder / f"{metric}_by_temperature.png", grid, metric, label)
    if widths:
        heat_maps(folder / "errors_by_width_and_temperature.png", widths)


def panels(path: pathlib.Path, records: list[dict], metric: str, label: str) -> None:
    """A panel per data set: the soft targets' band, and levels of teacher and labels."""
    datasets = sorted(named(records, "dataset"))
    columns = min(3, len(datasets))
    rows = -(-len(datasets) // columns)
    size = (3.4 * columns, 2.6 * rows + 0.4)
    with figures.figure(path, rows, columns, size, squeeze=False, sharey=True) as axes:
        for cell in axes.flat[len(datasets) :]:
            cell.axis("off")
        for cell, name in zip(axes.flat, datasets):
            here = of(records, dataset=name)
            values, temperatures = curve(here, metric)
            figures.band(cell, temperatures, values.T, SOFT, figures.COLORS[0])
            for row, style in ((TEACHER, "--"), (LABELS, ":")):
                level = [r[metric] for r in of(here, row=row)]
                figures.level(cell, level, row, figures.GREY, style)
            figures.temperature_axis(cell, temperatures)
            cell.tick_params(axis="x", labelsize=7)
            cell.set_title(name, fontsize=9)
        for line in axes:
            line[0].set_ylabel(label)
        axes[0, 0].legend(fontsize=8)


def heat_maps(path: pathlib.Path, records: list[dict]) -> None:
    """Width × temperature: mean errors above the best of the width, the best one marked."""
    datasets = named(records, "dataset")
    size = (4.2 * len(datasets), 3.4)
    with figures.figure(path, 1, len(datasets), size, squeeze=False) as axes:
        for cell, name in zip(axes[0], datasets):
            errors, temperatures, widths = stacked(of(records, dataset=name))
            mean = errors.mean(0)
            above = mean / np.maximum(mean.min(1, keepdims=True), 1) - 1
            image = cell.imshow(100 * above, cmap="viridis_r", aspect="auto", vmin=0, vmax=50)
            cell.plot(mean.argmin(1), range(len(widths)), "w*", ms=10, mec="black")
            cell.set_xticks(range(len(temperatures)), [f"{t:g}" for t in temperatures])
            cell.set_yticks(range(len(widths)), widths)
            cell.set(title=name, xlabel="temperature T", ylabel="units per layer")
            cell.grid(False)
        cell.figure.colorbar(image, ax=axes[0, -1], label="errors above the width's best (%)")
