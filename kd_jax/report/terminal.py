"""Text and tables for a terminal of some width."""

import io
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text in so many columns."""
    return [str(line).rstrip() for line in Text(text).wrap(Console(width=width), width)]


def drawn(header: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> list[str]:
    """The lines of a table, as wide as its cells are; names in the first column are wrapped to fit.

    Args:
        header: The columns' titles; the second column is text too, the others are numbers.
        cells: Of the rows.
        width: Columns of the terminal.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for number, title in enumerate(header):
        table.add_column(Text(title), justify="left" if number < 2 else "right", no_wrap=number > 0)
    rest = max(len(row[1]) for row in [header, *cells]) + 4
    table.columns[0].max_width = max(min(width - rest, max(26, width - 54)), 8)
    table.columns[0].overflow = "fold"
    for row in cells:
        table.add_row(*map(Text, row))
    console = Console(file=io.StringIO(), width=1000, highlight=False)
    console.print(table)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return [line.rstrip() for line in lines if line.strip()]
