"""A run against a committed record: row by row identical, inside or outside the printed interval.

Compared are the tables that both print, number by number: a difference "−10.4 [−16.6, −4.2]" of
the record holds where the run's −7.9 lies between the ends of its interval. The run's own interval
may be missing, as of one student or two equal ones; where its number is missing too, or the whole
row, nothing is said of it.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from kd_jax.report import markdown_blocks
from kd_jax.report.markdown_blocks import Table

IDENTICAL, INSIDE, OUTSIDE, UNKNOWN = "identical", "inside", "OUTSIDE", "no interval"
INTERVAL = re.compile(r"([+-]?[\d.]+)\s*%? \[([+-]?[\d.]+)\s*%?, ([+-]?[\d.]+)\s*%?\]")
MEAN = re.compile(r"[+-]?\d[\d.]*")  # at the beginning of a cell without an interval
Found = tuple[float, ...]  # a mean, low and high; or a mean alone


class Row(NamedTuple):
    """A row of a record and of a run.

    Attributes:
        table: The title above it, or the first header.
        name: The cells that name it.
        outcome: IDENTICAL, INSIDE or OUTSIDE; UNKNOWN where the run has no number to judge by.
        record: The intervals that were printed, a text each.
        run: What the run prints in their place.
    """

    table: str
    name: str
    outcome: str
    record: tuple[str, ...]
    run: tuple[str, ...]

    def pairs(self) -> list[tuple[Found, Found]]:
        """(printed interval, what the run has) of the intervals of which the run has a number."""
        both = [(numbers(ours), numbers(run)) for ours, run in zip(self.record, self.run)]
        return [(ours, run) for ours, run in both if ours and run]


def rows(record: str, run: str) -> list[Row]:
    """The rows that have an interval in the record.

    Args:
        record: The table.md of the record.
        run: That of the run.
    """
    ours = {(title, table.header[0], name): row for title, table, name, row in _rows(run)}
    found = []
    for title, table, name, row in _rows(record):
        judged = [n for n, cell in enumerate(row) if _interval(cell)]
        other = ours.get((title, table.header[0], name), [])
        other = other if len(other) == len(row) else ["–"] * len(row)
        if judged:
            cells = [tuple(of[n] for n in judged) for of in (row, other)]
            one = Row(title or table.header[0], name, IDENTICAL, *cells)
            found.append(one if row == other else one._replace(outcome=_outcome(one)))
    return found


class Changed(NamedTuple):
    """A verdict that is another one in another run.

    Attributes:
        table: The title above it, or the first header.
        row: The cells that name its row.
        column: Of what it is the verdict.
        before: The verdict of what was found first.
        after: That of what was found then.
    """

    table: str
    row: str
    column: str
    before: str
    after: str


def changed_verdicts(record: str, run: str) -> list[Changed]:
    """The verdicts that differ, of rows that both have.

    Args:
        record: The table.md of what was found first.
        run: That of what was found then.
    """
    ours = {(title, table.header[0], name): row for title, table, name, row in _rows(run)}
    found = []
    for title, table, name, row in _rows(record):
        other = ours.get((title, table.header[0], name), row)
        found += [
            Changed(title or table.header[0], plain(name), _judged(table.header, n), cell, changed)
            for n, (cell, changed) in enumerate(zip(row, other))
            if markdown_blocks.verdict(cell) and cell != changed
        ]
    return found


def _judged(header, place):
    """The title of the column that a column of verdicts is about."""
    column = header[place - 1] if place and header[place] == "verdict" else header[place]
    return column.removesuffix(" [95 %]")


def plain(name: str) -> str:
    """The name of a row without the number that tells it from others.

    Args:
        name: Of a Row.
    """
    return re.sub(r" \(\d+\)$", "", name).replace(" | ", ", ")


def same_rows(record: str, run: str) -> bool:
    """Whether the tables of both have the same rows, whatever stands around them.

    Args:
        record: A table.md.
        run: Another one.
    """
    cells = [[(title, name, row) for title, _, name, row in _rows(text)] for text in (record, run)]
    return cells[0] == cells[1] != []


def verdicts(text: str) -> list[str]:
    """The verdicts of all tables.

    Args:
        text: A table.md.
    """
    cells = [cell for *_, row in _rows(text) for cell in row]
    return [cell for cell in cells if markdown_blocks.verdict(cell)]


def _rows(text: str) -> Iterator[tuple[str, Table, str, list[str]]]:
    """(title above, table, name, cells) of every row; equal names are told apart by a number."""
    title, seen = "", set()
    for block in markdown_blocks.parse(text):
        if block.kind == "title":
            title = block.content
        for row in block.content.rows if block.kind == "table" else ():
            words = [cell for n, cell in enumerate(row) if n == 0 or _is_word(cell)]
            name, number = " | ".join(words).replace(" (chosen)", ""), 1
            while (title, name, number) in seen:
                number += 1
            seen.add((title, name, number))
            yield title, block.content, name if number == 1 else f"{name} ({number})", row


def _is_word(cell):
    """Whether a cell names a row rather than saying something of it."""
    is_number = markdown_blocks.NUMBER.fullmatch(cell) or _interval(cell)
    return not (is_number or markdown_blocks.verdict(cell))


def _interval(cell):
    """(mean, low, high) of a cell, or None."""
    found = INTERVAL.search(cell.replace("−", "-"))
    return tuple(map(float, found.groups())) if found else None


def numbers(cell: str) -> Found | None:
    """(mean, low, high) of a cell, (mean,) of one without an interval, None without a number.

    Args:
        cell: Of a table, like "−10.4 [−16.6, −4.2]" or "+0.0 [–]".
    """
    alone = MEAN.match(cell.replace("−", "-"))
    return _interval(cell) or (alone and (float(alone[0]),))


def _outcome(row):
    pairs = row.pairs()
    if not pairs:
        return UNKNOWN
    return INSIDE if all(holds(*pair) for pair in pairs) else OUTSIDE


def holds(printed: Found, found: Found) -> bool:
    """Whether the mean that a run found lies within the printed interval.

    Args:
        printed: Mean, low and high.
        found: A mean first.
    """
    return printed[1] <= found[0] <= printed[2]
