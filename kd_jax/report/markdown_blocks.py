"""What a table.md says, as plain text in titles, notes, lists and tables.

Nothing in it is read as markup, so that whatever a row is called is shown and never obeyed. A
column called "printed" or "…, printed" holds what a publication prints of the column after it.
"""

import re
from typing import NamedTuple

from kd_jax.errors import extra
from kd_jax.metrics import statistics

with extra("report"):
    import markdown_it
    from markdown_it.tree import SyntaxTreeNode

READER = markdown_it.MarkdownIt("zero").enable(["table", "list"])
BETTER = {statistics.BEATS, statistics.SUPPORTED, statistics.REACHED}
WORSE = {statistics.WORSE, statistics.CONTRADICTED, statistics.FALLS_SHORT}
OPEN = {statistics.INCONCLUSIVE, statistics.UNDECIDED}
NUMBER = re.compile(r"[\[+−-]*\d[^A-Za-z]*(e[^A-Za-z]*)?|–[^A-Za-z]*")


class Block(NamedTuple):
    """A part of a table.md: its kind, title, note, items or table, and its text, texts or Table."""

    kind: str
    content: object


class Table(NamedTuple):
    """The texts of a table's header and rows, all equally long."""

    header: list
    rows: list

    def numeric(self, column):
        """Whether a column holds numbers and dashes only; the first one holds names."""
        return column > 0 and all(NUMBER.fullmatch(row[column]) for row in self.rows)

    def printed(self, column):
        """Whether a column holds what a publication prints of the next one."""
        return self.header[column].split(", ")[-1] == "printed"


class Pair(NamedTuple):
    """A printed number beside ours: which row, what is measured, both as texts."""

    row: str
    measure: str
    printed: str
    ours: str


def parse(text):
    """The Blocks of a table.md, in order."""
    nodes = SyntaxTreeNode(READER.parse(text)).children
    return [Block(*_block(node)) for node in nodes]


def _block(node):
    if node.type == "table":
        lines = [line for part in node.children for line in part.children]
        header, *rows = [[_text(cell) for cell in line.children] for line in lines]
        return "table", Table(header, rows)
    if node.type == "bullet_list":
        return "items", [_text(item.children[0]) for item in node.children]
    text = _text(node)
    return ("note" if text.endswith(".") else "title"), text


def _text(node):
    """The text of a paragraph or cell, which has a single inline node."""
    return node.children[0].content if node.children else ""


def verdict(cell):
    """What colour a cell has, as a CSS class: better, worse, open, or nothing."""
    known = {"better": BETTER, "worse": WORSE, "open": OPEN}
    return next((name for name, words in known.items() if cell in words), "")


def count(blocks):
    """{CSS class: how many cells of all tables are such verdicts}."""
    found = {"better": 0, "worse": 0, "open": 0}
    cells = (cell for table in tables(blocks) for row in table.rows for cell in row)
    for name in filter(None, map(verdict, cells)):
        found[name] += 1
    return found


def tables(blocks):
    """The Tables among blocks."""
    return [block.content for block in blocks if block.kind == "table"]


def beside(blocks):
    """[(what a table is about, its Pairs)] of all tables that print a publication's numbers."""
    found, title = [], ""
    for kind, content in blocks:
        if kind == "title":
            title = content
        elif kind == "table" and (pairs := _pairs(content)):
            found.append((title or content.header[0].removeprefix("row, "), pairs))
    return found


def _pairs(table):
    columns = [i for i in range(len(table.header)) if table.printed(i)]
    return [
        Pair(row[0], table.header[column + 1], row[column], row[column + 1])
        for row in table.rows
        for column in columns
        if re.search(r"\d", row[column])
    ]
