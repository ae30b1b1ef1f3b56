"""A run against a committed record: row by row identical, inside or outside the printed interval.

Compared are the tables that both print, number by number: a difference "−10.4 [−16.6, −4.2]" of
the record holds where the run's −7.9 lies between the ends of its interval.

That is a strict test, as the run's mean varies too: of two means m and m' of one s.d. s,
    P(|m' − m| < z s) = P(|N(0, 1)| < z / √2) = erf(z / 2),    z = 1.96,
so that 83 of 100 intervals hold where nothing changed but the seeds: more, where one is also of
test examples, which both runs share; fewer rows, as a row holds where all of its intervals do.
Named are therefore the rows whose means are further apart than both intervals, of half widths h and
h', allow together: |m' − m| > √(h² + h'²).
"""

import math
import pathlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from kd_jax.report import markdown_blocks, tables
from kd_jax.report.markdown_blocks import Table

IDENTICAL, INSIDE, OUTSIDE = "identical", "inside", "OUTSIDE"
Z = 1.96  # of a 95 % interval
EXPECTED = math.erf(Z / 2)  # of the means of another run that lie inside
INTERVAL = re.compile(r"([+-]?[\d.]+)\s*%? \[([+-]?[\d.]+)\s*%?, ([+-]?[\d.]+)\s*%?\]")


class Row(NamedTuple):
    """A row of a record and of a run.

    Attributes:
        table: The title above it.
        name: The cells that name it.
        outcome: IDENTICAL, INSIDE or OUTSIDE.
        record: The intervals that were printed, a text each.
        run: What the run prints in their place.
    """

    table: str
    name: str
    outcome: str
    record: tuple[str, ...]
    run: tuple[str, ...]


def rows(record: str, run: str) -> list[Row]:
    """The rows that have an interval in the record and stand in the run's tables too.

    Args:
        record: The table.md of the record.
        run: That of the run.
    """
    ours = {(title, table.header[0], name): row for title, table, name, row in _rows(run)}
    found = []
    for title, table, name, row in _rows(record):
        other = ours.get((title, table.header[0], name))
        judged = [n for n, cell in enumerate(row) if _interval(cell)]
        if other is not None and judged and len(other) == len(row):
            cells = [tuple(of[n] for n in judged) for of in (row, other)]
            found.append(Row(title or table.header[0], name, _outcome(row, other, judged), *cells))
    return found


def page(folder: pathlib.Path, run: pathlib.Path) -> str:
    """What a run says of a record: a line per row, and how many of them hold.

    Args:
        folder: Of the record.
        run: Of the run.
    """
    texts = [(path / "table.md").read_text(encoding="utf-8") for path in (folder, run)]
    found = rows(*texts)
    named = _named(found)
    cells = [
        [row.outcome, named[row], " · ".join(row.record), " · ".join(row.run)]
        for row in sorted(found, key=lambda row: row.outcome != OUTSIDE)
    ]
    held = sum(row.outcome != OUTSIDE for row in found)
    same = sum(row.outcome == IDENTICAL for row in found)
    apart = [named[row] for row in found if _apart(row)]
    table = tables.markdown(["outcome", "row", "record [95 %]", "this run"], cells)
    counted = (
        f"{held} of {len(found)} rows lie inside the printed intervals of their differences, {same}"
        f" of them are identical; further apart than both intervals allow together: {len(apart)}"
    )
    pairs = _distinct(found)
    kept = sum(_holds(*pair) for pair in pairs)
    expected = (
        f"{kept} of {len(pairs)} intervals hold, each counted once. Where nothing changed but "
        f"seeds and teachers, {EXPECTED:.0%} of those hold that are of students and teachers alone "
        "(each mean varies), and more of those for other test examples too, as both runs have the "
        "same; 5% of means are further apart than both intervals allow."
    )
    further = [f"Further apart: {'; '.join(apart)}."] if apart else []
    return "\n\n".join([table.strip(), f"{counted}.", *further, expected]) + "\n"


def _distinct(found):
    """Pairs of intervals (printed, the run's), once where rows repeat or mirror each other's."""
    pairs = dict.fromkeys(
        (_interval(ours), _interval(theirs))
        for row in found
        for ours, theirs in zip(row.record, row.run)
    )
    kept: dict = {}
    for pair in pairs:
        if tuple(x and (-x[0], -x[2], -x[1]) for x in pair) not in kept:
            kept[pair] = None
    return list(kept)


def _named(found):
    """{row: its name, with the table where several have a row of that name}."""
    plain = [_plain(row.name) for row in found]
    several = {name for name in plain if plain.count(name) > 1}
    return {
        row: f"{name} ({row.table})" if name in several else name for row, name in zip(found, plain)
    }


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
            Changed(title or table.header[0], _plain(name), _judged(table.header, n), cell, changed)
            for n, (cell, changed) in enumerate(zip(row, other))
            if markdown_blocks.verdict(cell) and cell != changed
        ]
    return found


def _judged(header, place):
    """The title of the column that a column of verdicts is about."""
    column = header[place - 1] if place and header[place] == "verdict" else header[place]
    return column.removesuffix(" [95 %]")


def _plain(name):
    """The name of a row without the number that tells it from others."""
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


def _outcome(row, other, judged):
    if row == other:
        return IDENTICAL
    holds = all(_holds(_interval(row[n]), _interval(other[n])) for n in judged)
    return INSIDE if holds else OUTSIDE


def _holds(printed, found):
    """Whether the mean of an interval that was found lies within the printed one."""
    return found is not None and printed[1] <= found[0] <= printed[2]


def _apart(row):
    """Whether two means are further apart than chance explains, both intervals considered."""
    pairs = [(_interval(ours), _interval(theirs)) for ours, theirs in zip(row.record, row.run)]
    return any(
        theirs is None
        or abs(theirs[0] - ours[0]) > math.hypot(ours[2] - ours[1], theirs[2] - theirs[1]) / 2
        for ours, theirs in pairs
    )
