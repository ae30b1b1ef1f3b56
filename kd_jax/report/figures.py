"""Parts of figures that experiments share, drawn with matplotlib and saved as SVG.

A figure's file says what it shows: its caption, and above which table it stands, are read from
there by pages (figure_files.py). Its texts are texts, on white, so that it is read on dark pages
too.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import os
import pathlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kd_jax.errors import extra, require_extra
from kd_jax.report import roles
from kd_jax.storage import jsonl

require_extra("report", "matplotlib")
if TYPE_CHECKING:
    with extra("report"):
        from matplotlib.axes import Axes

GREY = roles.NEITHER
Look = dict[str, Any]  # of what matplotlib draws
WIDEST = 8.8  # inches that a page shows at the size of its text
STYLE: dict = {
    "figure.dpi": 150,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.markersize": 5,
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
    "svg.fonttype": "none",  # texts, not outlines
    "svg.hashsalt": "kd_jax",  # the same figure is the same file
}
SHORTER = (  # of a file's text, where nobody sees it: a hundredth of a point is enough
    (r"<!--.*?-->", ""),
    (r'( transform="rotate\(-0 [^"]*"|<defs>\s*</defs>)', ""),
    (r"(>[^<]*<)|(\d\.\d\d)\d+", r"\1\2"),  # texts stay as they are
    (r"\s*\n\s*", "\n"),
    (r"; stroke-linejoin: miter|(; )?font-family: [^;\"]*", ""),
    (r"(?<=stroke-linecap: butt})", "text{font-family: 'DejaVu Sans', Verdana, sans-serif}"),
    (r"<g>\n(<use [^>]*/>)\n</g>", r"\1"),
    (r' id="(text|patch|line2d|[xy]tick|axes|matplotlib\.axis)_\d+"', ""),
    (r"<g>\n(<(?:path|use|text)\b[^<]*(?:/>|</text>))\n</g>", r"\1"),
)


@functools.cache
def _pyplot():
    """What draws, imported with the first figure: it takes as long as jax, and a run draws last."""
    with extra("report"), _files_alone():
        import matplotlib

        matplotlib.use("Agg")  # before pyplot is imported
        return importlib.import_module("matplotlib.pyplot")


@contextlib.contextmanager
def _files_alone():
    """In this block matplotlib draws to files, whatever MPLBACKEND names: it may be unknown."""
    given = os.environ.pop("MPLBACKEND", None)
    try:
        yield
    finally:
        if given is not None:
            os.environ["MPLBACKEND"] = given


@contextlib.contextmanager
def figure(
    path: str | os.PathLike,
    rows: int = 1,
    columns: int = 1,
    size: tuple[float, float] = (6.0, 4.0),
    *,
    caption: str = "",
    table: str = "",
    **options: Any,
) -> Iterator[Any]:
    """Axes of a figure that is saved when the block ends without an error.

    Args:
        path: of the file, .svg; or .png for readers that show no other.
        rows: of axes.
        columns: of axes.
        size: in inches.
        caption: what is drawn, in a first sentence that can stand alone, then against what, and
            what bands and whiskers are.
        table: the title of the table that it stands above; "" for the first.
        options: of matplotlib's subplots.

    Yields:
        The Axes, or an array of them where there are several.
    """
    plt = _pyplot()
    with plt.rc_context(STYLE):
        drawn, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", **options)
        try:
            yield axes
            _save(drawn, pathlib.Path(path), {"Description": caption, "Relation": table})
        finally:
            plt.close(drawn)


def _save(drawn, path, about):
    """Write a figure by its canvas alone: savefig would lay it out and draw it twice."""
    if path.suffix == ".png":
        return drawn.canvas.print_png(path)
    backend = importlib.import_module("matplotlib.backends.backend_svg")
    said, text = {key: text for key, text in about.items() if text}, io.StringIO()
    backend.FigureCanvasSVG(drawn).print_svg(text, metadata={"Date": None, **said})
    short = text.getvalue()
    for long, shorter in SHORTER:
        short = re.sub(long, shorter, short)
    # of a rectangle's last digits, in which two layouts of one figure differ
    for number, name in enumerate(dict.fromkeys(re.findall(r'<clipPath id="(\w+)"', short))):
        short = short.replace(f'"{name}"', f'"clip{number}"').replace(
            f"#{name})", f"#clip{number})"
        )
    jsonl.write_whole(path, short)


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


def legend(axes: Axes) -> None:
    """Name the lines of all axes of a figure once, above them, where no data are."""
    whole: Any = axes.figure
    named = {}
    for each in whole.axes:
        for handle, label in zip(*each.get_legend_handles_labels()):
            named.setdefault(label, handle)
    columns = _columns([*named], 15.5 * whole.get_figwidth())
    whole.legend(named.values(), named.keys(), loc="outside upper left", ncols=columns)


def _columns(labels, width):
    """The most columns of a legend that fit a width in characters."""
    for columns in range(len(labels), 1, -1):
        parts = np.array_split(labels, columns)  # as matplotlib fills them
        if sum(7 + max(map(len, part)) for part in parts) <= width:
            return columns
    return 1


def name_outer(cells: Sequence[Axes], x: str, y: str) -> None:
    """Name the axes of panels that share them: at the lowest and at the left ones alone."""
    for cell in cells:
        place: Any = cell.get_subplotspec()
        below = place.rowspan.stop * place.get_gridspec().ncols + place.colspan.start
        if below >= len(cells):
            cell.set_xlabel(x)
            cell.tick_params(labelbottom=True)
        if place.is_first_col():
            cell.set_ylabel(y)


def temperature_axis(axes: Axes, temperatures: Sequence[float]) -> None:
    """Make the x axis one of temperatures, logarithmic, with a tick at every one used."""
    logarithmic(axes, temperatures)
    axes.set_xlabel("temperature T")


def logarithmic(axes: Axes, values: Sequence[float]) -> None:
    """Make the x axis logarithmic, with a tick at every one of the values and no others."""
    room = max((max(values) / min(values)) ** 0.08, 1.25)
    axes.set(xscale="log", xlim=(min(values) / room, max(values) * room))
    axes.set_xticks(values, [f"{value:,g}" for value in values])
    axes.minorticks_off()
