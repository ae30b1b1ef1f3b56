"""A table.md for a terminal: tables that fit, verdicts in color, a closing sentence for each.

Below the width of a table its last columns are left out, the least important first: what names a
row, the verdict, the difference to the baseline and the first number stay as long as they fit.
"""

import functools
import io
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from kd_jax.report import closing, markdown_blocks, terminal
from kd_jax.report.markdown_blocks import Table

STYLES = {  # of a verdict's CSS class: how it looks, and a mark for who sees no colors
    "better": ("bold green", "▲"),
    "worse": ("bold red", "▼"),
    "equal": ("bold blue", "="),
    "inconclusive": ("dim", "·"),
}
VERDICT, THIS_RUN = "verdict", "this run"  # titles of columns
NARROWEST = 9  # columns of names that are folded


def shown(markdown: str, draw: Callable[..., str] | None = None) -> str:
    """A table.md as standard output has it: drawn on a terminal, unchanged in a file.

    Args:
        markdown: The table.md.
        draw: (width, color=…) -> the text for a terminal; `page` of the Markdown by default.
    """
    if not sys.stdout.isatty():
        return markdown
    color = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = shutil.get_terminal_size((100, 24)).columns
    return (draw or functools.partial(page, markdown))(width, color=color)


def page(markdown: str, width: int, *, color: bool = False) -> str:
    """The text of a table.md for a terminal.

    Args:
        markdown: The table.md.
        width: Columns of the terminal.
        color: Whether to color verdicts.
    """
    lines: list[str] = []
    for block in markdown_blocks.parse(markdown):
        if block.kind == "table":
            table = drawn(block.content, width, color=color)
            said = terminal.wrapped(closing.sentence(block.content), width)
            lines += [*table, *filter(None, said), ""]
        elif block.kind == "items":
            lines += [x for item in block.content for x in terminal.wrapped(f"- {item}", width)]
            lines.append("")
        else:
            parts = re.split(r"(?<=[.:])\n", block.content)
            lines += [x for p in parts for x in terminal.wrapped(p.replace("\n", " "), width)]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def importance(table: Table) -> tuple[list[int], list[int]]:
    """The columns of a table that stay at any width, and the others, the most important first.

    Those in which no row says anything, as verdicts of too few seeds, are in neither.

    Args:
        table: Whose first column names the rows.
    """
    others = [n for n in range(1, len(table.header)) if _is(table, n, _says)]
    stay = [0, *(n for n in others if _is(table, n, _names))]
    stay += [n for n in others if _is(table, n, markdown_blocks.verdict)][:1]
    stay += [n for n in others if "[95 %]" in table.header[n]][:1]
    stay += [n for n in others if table.numeric(n) and not table.paper(n)][:1]
    stay = list(dict.fromkeys(x for n in stay for x in _with(table, n)))
    return stay, [n for n in others if n not in stay]


def _verdicts(table):
    """The columns of verdicts that judge the one before them each, where there are several."""
    found = [n for n, title in enumerate(table.header) if title == VERDICT]
    return [n for n in found if _is(table, n, _says)] if len(found) > 1 else []


def _behind(table):
    """The columns that nobody reads without the one before: verdicts, a run beside its record."""
    return [*_verdicts(table), *(n for n, x in enumerate(table.header) if x == THIS_RUN and n > 1)]


def _with(table, column):
    """A column; with its verdict, or with what it judges."""
    of = _behind(table)
    return [column - 1, column] if column in of else [column, *({column + 1} & {*of})]


def _is(table, column, says):
    """Whether a cell of a column says something of a kind."""
    return any(says(row[column]) for row in table.rows)


def _says(cell):
    return cell not in ("", "–")


def _names(cell):
    is_number = markdown_blocks.NUMBER.fullmatch(cell) or not cell
    return not is_number and not markdown_blocks.verdict(cell) and not re.match(r"[+−\d]", cell)


def fitting(table: Table, width: int) -> list[int]:
    """The columns of a table that fit, as many as can, in order; its first one always stays.

    Args:
        table: Whose first column names the rows.
        width: Columns of the terminal.
    """
    stay, others = importance(table)
    for count in range(len(others), -1, -1):
        some = {*stay, *others[:count]}
        kept = sorted(n for n in some if some.issuperset(_with(table, n)))
        if _width(table, kept) <= width:
            return kept
    kept = stay[:1]
    for n in stay[1:]:  # with names folded as far as they can be
        more = list(dict.fromkeys([*kept, *_with(table, n)]))
        if _width(table, sorted(more), _narrowest(table, more)) <= width:
            kept = more
    return sorted(kept)


def drawn(table: Table, width: int, *, color: bool = False) -> list[str]:
    """The lines of a table with as many columns as fit, and which are left out.

    Args:
        table: Whose first column names the rows.
        width: Columns of the terminal.
        color: Whether to color verdicts.
    """
    kept = fitting(table, width)
    folded = _folded(table, kept, _width(table, kept) - width)
    lines = _lines(table, kept, color=color, folded=folded, wrapped=False)
    if max(map(_cells, lines)) > width:
        lines = _lines(table, kept, color=color, folded=folded)
    # verdicts go with what they judge
    gone = {*sum(importance(table), [])} - {*kept, *_behind(table)}
    left = [_title(table, n) for n in sorted(gone)]
    between = "; " if any("," in title for title in left) else ", "
    note = f"not shown in {width} columns: {between.join(left)}" if left else ""
    return lines + [x for x in terminal.wrapped(note, width) if x]


def _title(table, column):
    """What a column is called; one of several so called is of the column before it."""
    title = table.header[column]
    of = re.sub(r"^vs\. | \[95 %\]$|, %$", "", table.header[column - 1])
    return f"{title} of {of}" if table.header.count(title) > 1 else title


def _cells(line):
    """Columns of a line that may be colored."""
    return cell_len(Text.from_ansi(line).plain)


def _width(table, columns, folded=None):
    """Of the lines of some columns."""
    return max(map(cell_len, _lines(table, columns, color=False, folded=folded)))


def _narrowest(table, columns):
    """{column of names: its least width}."""
    return {n: NARROWEST for n in columns if n == 0 or _is(table, n, _names)}


def _folded(table, columns, excess):
    """{column of names: its width} that save so many columns, the widest first."""
    names = _narrowest(table, columns)
    widths = {n: max(cell_len(row[n]) for row in [table.header, *table.rows]) for n in names}
    for _ in range(excess):
        widest = max(widths, key=lambda n: widths[n])
        widths[widest] = max(widths[widest] - 1, NARROWEST)
    return widths


def _lines(
    table: Table,
    columns: Sequence[int],
    *,
    color: bool,
    folded: Mapping[int, int] | None = None,
    wrapped: bool = True,
) -> list[str]:
    """The lines of some columns, those of names folded into so many characters.

    Headers are as wide as what is below them if `wrapped`, else a line each.
    """
    folded = folded or {}
    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for n in columns:
        right = n > 0 and (table.numeric(n) or "[95 %]" in table.header[n])
        longest = max([*(cell_len(str(_cell(row[n]))) for row in table.rows), 1])
        header = table.header[n].replace("95 %", "95\N{NO-BREAK SPACE}%")
        words = max(map(cell_len, header.split(" ")), default=1)
        title = "\n".join(textwrap.wrap(header, max(longest, words))) if wrapped else header
        options: dict[str, Any] = {
            "justify": "right" if right else "left",
            "no_wrap": n not in folded,
        }
        drawn.add_column(Text(title), max_width=folded.get(n), **options)
    for row in table.rows:
        drawn.add_row(*(_cell(row[n]) for n in columns))
    look: dict[str, Any] = {"no_color": True}
    if color:
        look = {"force_terminal": True, "color_system": "standard"}
    console = Console(file=io.StringIO(), width=1000, highlight=False, **look)
    console.print(drawn)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return [line.rstrip() for line in lines if Text.from_ansi(line).plain.strip()]


def _cell(text):
    """A cell; behind numbers its mark stands for the verdict's word."""
    before, _, last = text.rpartition(" ")
    kind = markdown_blocks.verdict(last if _interval(before) else text)
    if not kind:
        return Text(text)
    style, mark = STYLES[kind]
    return Text(f"{before} {mark}" if _interval(before) else f"{mark} {text}", style=style)


def _interval(text):
    return text.endswith("]")
