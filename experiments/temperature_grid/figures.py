"""Figures over temperature: a panel per data set, and heat maps of width and temperature."""

import numpy as np

from experiments.temperature_grid.report import LABELS, SOFT, TEACHER, curve, named, of, stacked
from kd_jax.report import figures

METRICS = {"test_accuracy": "test accuracy", "test_errors": "test errors"}


def draw(records, path_of):
    """Every figure that the records allow. Args: path_of: file name -> path."""
    grid, widths = of(records, part="grid"), of(records, part="width")
    if grid:
        for metric, label in METRICS.items():
            panels(path_of(f"{metric}_by_temperature.png"), grid, metric, label)
    if widths:
        heat_maps(path_of("errors_by_width_and_temperature.png"), widths)


def panels(path, records, metric, label):
    """A panel per data set: the soft targets' band, and levels of teacher and labels."""
    tasks = sorted(named(records, "task"))
    columns = min(3, len(tasks))
    rows = -(-len(tasks) // columns)
    size = (3.4 * columns, 2.6 * rows + 0.4)
    with figures.figure(path, rows, columns, size, squeeze=False, sharey=True) as axes:
        for cell in axes.flat[len(tasks) :]:
            cell.axis("off")
        for cell, task in zip(axes.flat, tasks):
            here = of(records, task=task)
            values, temperatures = curve(here, metric)
            figures.band(cell, temperatures, values.T, SOFT, figures.COLORS[0])
            for row, style in ((TEACHER, "--"), (LABELS, ":")):
                level = [r[metric] for r in of(here, row=row)]
                figures.level(cell, level, row, figures.GREY, style)
            figures.temperature_axis(cell, temperatures)
            cell.tick_params(axis="x", labelsize=7)
            cell.set_title(task, fontsize=9)
        for line in axes:
            line[0].set_ylabel(label)
        axes[0, 0].legend(fontsize=8)


def heat_maps(path, records):
    """Width × temperature: mean errors above the best of the width, the best one marked."""
    tasks = named(records, "task")
    size = (4.2 * len(tasks), 3.4)
    with figures.figure(path, 1, len(tasks), size, squeeze=False) as axes:
        for cell, task in zip(axes[0], tasks):
            errors, temperatures, widths = stacked(of(records, task=task))
            mean = errors.mean(0)
            above = mean / np.maximum(mean.min(1, keepdims=True), 1) - 1
            image = cell.imshow(100 * above, cmap="viridis_r", aspect="auto", vmin=0, vmax=50)
            cell.plot(mean.argmin(1), range(len(widths)), "w*", ms=10, mec="black")
            cell.set_xticks(range(len(temperatures)), [f"{t:g}" for t in temperatures])
            cell.set_yticks(range(len(widths)), widths)
            cell.set(title=task, xlabel="temperature T", ylabel="units per layer")
            cell.grid(False)
        cell.figure.colorbar(image, ax=axes[0, -1], label="errors above the width's best (%)")
