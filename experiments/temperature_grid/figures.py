"""Figures over temperature: a panel per data set, and heat maps of width and temperature."""

import pathlib

import numpy as np

from experiments.temperature_grid.curves import curve, named, of, stacked
from experiments.temperature_grid.rows import GRID, LABELS, SOFT, TEACHER, WIDTH
from kd_jax.report import figures, marks, roles


def draw(records: list[dict], folder: pathlib.Path) -> None:
    """Every figure that the records allow."""
    grid, widths = of(records, part=GRID), of(records, part=WIDTH)
    if grid:
        panels(folder / "test_errors_by_temperature.svg", grid)
    if widths:
        heat_maps(folder / "errors_by_width_and_temperature.svg", widths)


def panels(path: pathlib.Path, records: list[dict]) -> None:
    """A panel per data set: the soft targets' band, and levels of teacher and labels."""
    datasets = sorted(named(records, "dataset"))
    columns = min(3, len(datasets))
    rows = -(-len(datasets) // columns)
    size = (figures.WIDEST, 2.2 * rows + 0.6)
    caption = (
        "Test errors by temperature on each data set: soft targets, beside their teacher and "
        "labels only. Lines are means over students, bands one standard deviation."
    )
    about: dict = {"squeeze": False, "sharex": True, "sharey": True, "caption": caption}
    with figures.figure(path, rows, columns, size, **about) as axes:
        for cell in axes.flat[len(datasets) :]:
            cell.axis("off")
        for cell, name in zip(axes.flat, datasets):
            here = of(records, dataset=name)
            values, temperatures = curve(here)
            marks.band(cell, temperatures, values.T, SOFT, roles.SOFT)
            for row, role in ((TEACHER, roles.TEACHER), (LABELS, roles.LABELS)):
                marks.level(cell, [r["test_errors"] for r in of(here, row=row)], row, role)
            figures.temperature_axis(cell, temperatures)
            cell.tick_params(axis="x", labelsize=7)
            cell.grid(axis="x", visible=False)
            cell.set_title(name, fontsize=9)
        for cell in axes.flat:
            cell.set_xlabel("")
        figures.name_outer(axes.flat[: len(datasets)], "temperature T", "test errors")
        figures.legend(axes[0, 0])


def heat_maps(path: pathlib.Path, records: list[dict]) -> None:
    """Width × temperature: mean errors above the best of the width, the best one marked."""
    datasets = named(records, "dataset")
    size = (min(4.2 * len(datasets), figures.WIDEST), 3.4)
    caption = (
        "Test errors by width and temperature, above the fewest of each width, in percent of "
        "these; a star marks the best temperature. Means over students."
    )
    with figures.figure(path, 1, len(datasets), size, squeeze=False, caption=caption) as axes:
        for cell, name in zip(axes[0], datasets):
            errors, temperatures, widths = stacked(of(records, dataset=name))
            mean = errors.mean(0)
            above = mean / np.maximum(mean.min(1, keepdims=True), 1) - 1
            image = cell.imshow(100 * above, cmap="viridis_r", aspect="auto", vmin=0, vmax=50)
            cell.plot(mean.argmin(1), range(len(widths)), "w*", ms=10, mec="black")
            cell.set_xticks(range(len(temperatures)), [f"{t:g}" for t in temperatures])
            cell.set_yticks(range(len(widths)), widths)
            cell.set_title(name, fontsize=8)
            cell.set_xlabel("temperature T")
            cell.tick_params(labelsize=7)
            cell.grid(False)
        axes[0, 0].set_ylabel("units per layer")
        cell.figure.colorbar(image, ax=axes[0, -1], label="errors above the width's best, %")
