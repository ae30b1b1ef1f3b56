"""A table.md's table as the report page shows it: verdicts, whiskers, which rows are methods."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from kd_jax.report import markdown_blocks, roles
from kd_jax.report.markdown_blocks import Table, TextBlock

NAMING = re.compile(r"method\b|row\b|student\b|encoder\b|implementation\b|teacher output$|claim\b")
BOUND = r"([+−]?\d[\d,]*(?:\.\d+)?)"
INTERVAL = re.compile(rf"([+−]\d[\d,]*(?:\.\d+)?) \[{BOUND}, {BOUND}\]")
HALF = 40.0  # of a whisker's width, in its own units


class Whisker(NamedTuple):
    """A difference with its interval on a scale from −HALF to HALF; zero is in the middle."""

    mean: float
    low: float
    high: float


class Cell(NamedTuple):
    """What a cell says.

    text: without a verdict at its end. verdict: that, or "". kind: its CSS class. whisker: the
    interval in the text, or None.
    """

    text: str
    verdict: str
    kind: str
    whisker: Whisker | None


class ShownTable(NamedTuple):
    """A table for the page. name: the column that names rows; methods: of each row, whether it
    is a method and no control, baseline or teacher."""

    table: Table
    name: int
    rows: list[list[Cell]]
    methods: list[bool]


def of(table: Table) -> ShownTable:
    """A table as the page shows it.

    Args:
        table: Of a table.md.
    """
    titles = enumerate(table.header)
    name = next((n for n, title in titles if NAMING.match(title)), 0)
    methods = [not roles.is_control(row[name]) for row in table.rows]
    widest = [_widest(table, column, methods) for column in range(len(table.header))]
    rows = [[_cell(text, most) for text, most in zip(row, widest)] for row in table.rows]
    return ShownTable(table, name, rows, methods)


def _widest(table, column, methods):
    """The largest bound of a column's intervals: of methods, where they have any."""
    found = [(INTERVAL.match(row[column]), is_one) for row, is_one in zip(table.rows, methods)]
    bounds = [(abs(_number(x[n])), is_one) for x, is_one in found if x for n in (2, 3)]
    of_methods = [bound for bound, is_one in bounds if is_one]
    return max(of_methods or [bound for bound, _ in bounds], default=0.0)


def _cell(text, most):
    before, _, last = text.rpartition(" ")
    whole = markdown_blocks.verdict(text)
    kind = whole or (markdown_blocks.verdict(last) if before.endswith("]") else "")
    said = (text if whole else last) if kind else ""
    left = text.removesuffix(said).rstrip()
    found = INTERVAL.fullmatch(left)
    whisker = None
    if found and most:
        parts = (HALF * _number(x) / most for x in found.groups())
        whisker = Whisker(*(max(-HALF, min(HALF, round(x, 1))) for x in parts))
    return Cell(left, said, kind, whisker)


def _number(text):
    return float(text.replace("−", "-").replace(",", ""))


def counted(blocks: Iterable[TextBlock]) -> dict[str, dict[str, int]]:
    """{"methods" or "controls": {verdict's CSS class: how many cells}} of all tables.

    Args:
        blocks: Of a table.md.
    """
    kinds = ("better", "worse", "equal", "inconclusive")
    found = {who: dict.fromkeys(kinds, 0) for who in ("methods", "controls")}
    for table in map(of, markdown_blocks.tables(blocks)):
        for row, is_method in zip(table.rows, table.methods):
            for kind in filter(None, (cell.kind for cell in row)):
                found["methods" if is_method else "controls"][kind] += 1
    return found
