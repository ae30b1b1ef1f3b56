"""A table.md as plain text: its titles, notes, lists and tables.

Nothing in it is read as markup, so that whatever a row is called is shown and never obeyed. A
column called "paper" or "…, paper" holds what a publication prints of the column after it.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from kd_jax.errors import extra
from kd_jax.metrics import statistics

with extra("report"):
    import markdown_it
    from markdown_it.tree import SyntaxTreeNode

READER = markdown_it.MarkdownIt("zero").enable(["table", "list"])
BETTER = {statistics.BEATS, statistics.SUPPORTED, statistics.REACHED}
WORSE = {statistics.WORSE, statistics.CONTRADICTED, statistics.FALLS_SHORT}
EQUAL = {statistics.EQUIVALENT}
INCONCLUSIVE = {statistics.INCONCLUSIVE, statistics.UNDECIDED}
NUMBER = re.compile(r"[\[+−-]*\d[^A-Za-z]*(e[^A-Za-z]*)?|–[^A-Za-z]*|diverged")


class TextBlock(NamedTuple):
    """A part of a table.md.

    kind: title, note, items or table. content: the text, the texts of items, or the Table.
    """

    kind: str
    content: Any


class Table(NamedTuple):
    """The texts of a table's header and rows, all equally long."""

    header: list[str]
    rows: list[list[str]]

    def numeric(self, column: int) -> bool:
        """Whether a column holds numbers only, or what stands for one; the first holds names."""
        return column > 0 and all(NUMBER.fullmatch(row[column]) for row in self.rows)

    def paper(self, column: int) -> bool:
        """Whether a column holds what a publication prints of the next one."""
        return self.header[column].split(", ")[-1] == "paper"


class Reproduced(NamedTuple):
    """A published number beside ours: which row, what is measured, both as texts."""

    row: str
    measure: str
    paper: str
    ours: str


def parse(text: str) -> list[TextBlock]:
    """The blocks of a table.md, in order."""
    nodes = SyntaxTreeNode(READER.parse(text)).children
    return [TextBlock(*_block(node)) for node in nodes]


def _block(node):
    if node.type == "table":
        lines = [line for part in node.children for line in part.children]
        header, *rows = [[_text(cell) for cell in line.children] for line in lines]
        return "table", Table(header, rows)
    if node.type == "bullet_list":
        return "items", [_text(item.children[0]) for item in node.children]
    text = re.sub(r"^\*\*(.*)\*\*$", r"\1", _text(node))  # bold as a whole
    return ("note" if text.endswith(".") else "title"), text


def _text(node):
    """The text of a paragraph or cell, which has a single inline node."""
    return node.children[0].content if node.children else ""


def verdict(cell: str) -> str:
    """The CSS class of a cell that is a verdict, better for BEATS and so on; "" of others."""
    known = {"better": BETTER, "worse": WORSE, "inconclusive": INCONCLUSIVE, "equal": EQUAL}
    return next((name for name, words in known.items() if cell in words), "")


def count(blocks: Iterable[TextBlock]) -> dict[str, int]:
    """{CSS class: how many cells of all tables are such verdicts}."""
    found = {"better": 0, "worse": 0, "inconclusive": 0, "equal": 0}
    cells = (cell for table in tables(blocks) for row in table.rows for cell in row)
    for name in filter(None, map(verdict, cells)):
        found[name] += 1
    return found


def tables(blocks: Iterable[TextBlock]) -> list[Table]:
    """The Tables among blocks."""
    return [block.content for block in blocks if block.kind == "table"]


def reproduced(blocks: Sequence[TextBlock]) -> list[tuple[str, list[Reproduced]]]:
    """[(what a table is about, its published numbers beside ours)], of tables that have any."""
    found, title = [], ""
    for kind, content in blocks:
        if kind == "title":
            title = content
        elif kind == "table" and (numbers := _reproduced(content)):
            found.append((title or re.sub("^(row|method), ", "", content.header[0]), numbers))
    return found


def _reproduced(table):
    columns = [i for i in range(len(table.header)) if table.paper(i)]
    return [
        Reproduced(row[0], table.header[column + 1], row[column], row[column + 1])
        for row in table.rows
        for column in columns
        if re.search(r"\d", row[column])
    ]
