"""Cells of committed tables, by title, row and column: numbers of prose and of claims.

A findings.md writes {{records | title of a table | row | column}} where a number is to stand, so
that none is typed. The title may be empty, for the first table that has such a row, or the first
header of a table without one; "Audio…" is a title that begins so; and where several tables have one
title, A > B is the B that follows A. Of tables alike that which has the column is meant. A row that
is not told by its first cell is given by its first cells.
"""

import functools
import pathlib
import re

from kd_jax.errors import require
from kd_jax.report import markdown_blocks
from kd_jax.report.markdown_blocks import Table

PLACE = re.compile(r"\{\{(.+?)\}\}", flags=re.S)


def row(
    text: str, title: str, first: list[str], header: str, missing: str
) -> tuple[Table, list[str]]:
    """A table of a table.md, and the one row of it that begins with some cells.

    Args:
        text: The table.md.
        title: What stands above the table, or its first header; "" for the first one that has such
            a row; "A > B" for the B that follows A.
        first: The first cells of the row.
        header: A column of the table, which tells it from others of one title.
        missing: How an error begins, as "… has no".

    Raises:
        InputError: There is no such table or row, or several rows.
    """
    below = _below(_blocks(text), title)
    require(below, f"{missing} table {title!r}")
    found = [table for table in below if header in table.header] or below
    for table in found:
        rows = [row for row in table.rows if row[: len(first)] == first]
        if rows:
            break
    require(len(rows) == 1, f"{missing} single row {first} below {title!r}")
    return table, rows[0]


def _below(blocks, title):
    """The tables below a title, in order."""
    *above, title = title.split(" > ")
    found, last = [], ""
    for kind, content in blocks:
        last = content if kind == "title" else last
        if kind == "title" and above and _means(above[0], last):
            above.pop(0)
        if (
            kind == "table"
            and not above
            and any(_means(title, x) for x in (last, content.header[0]))
        ):
            found.append(content)
    return found


def _means(said, title):
    """Whether a title is meant, which may be said by its beginning: "Audio…", or by nothing."""
    return title.startswith(said.removesuffix("…")) if said.endswith("…") else said in ("", title)


@functools.lru_cache(maxsize=8)
def _blocks(text):
    """The blocks of a table.md, of which many cells are asked one after the other."""
    return markdown_blocks.parse(text)


def column(table: Table, header: str, missing: str) -> int:
    """The place of a column.

    Args:
        table: Of `row`.
        header: What the column is called.
        missing: As for `row`.

    Raises:
        InputError: The table has no such column.
    """
    require(header in table.header, f"{missing} column {header!r}")
    return table.header.index(header)


def filled(prose: str, folder: pathlib.Path) -> str:
    """A text with the cells that it names.

    Args:
        prose: Of a findings.md.
        folder: Of the experiment, in which the records lie.

    Raises:
        InputError: A cell is not there.
    """
    return PLACE.sub(lambda found: _cell(found, folder), prose)


def _cell(found, folder):
    record, title, *first, header = (" ".join(x.split()) for x in found[1].split("|"))
    missing = f"findings.md of {folder.name}: {record}/table.md has no"
    path = folder / record / "table.md"
    require(path.is_file(), f"findings.md of {folder.name}: there is no {record}/table.md")
    table, cells = row(path.read_text(encoding="utf-8"), title, first, header, missing)
    return cells[column(table, header, missing)]
