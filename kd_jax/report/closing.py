"""The sentence that closes a table: how many of its rows beat the baseline, and which the most."""

import collections
import re

from kd_jax.metrics import statistics
from kd_jax.report import markdown_blocks, roles
from kd_jax.report.markdown_blocks import Table

DIFFERENCE = re.compile(r"[+−]?\d[\d.,]*")


def sentence(table: Table) -> str:
    """'2 of 13 rows beat labels only; most: soft targets, T=4 (−19.8).', or nothing.

    Args:
        table: Of rows against a baseline, with their verdicts.
    """
    against = [n for n, title in enumerate(table.header) if re.match(r"vs\. .* \[95 %\]", title)]
    verdicts = [n for n in range(len(table.header)) if table.header[n] == "verdict"]
    if not (against and verdicts):
        return ""
    baseline = table.header[against[0]].removeprefix("vs. ").removesuffix(" [95 %]")
    judged = [row for row in table.rows if markdown_blocks.verdict(row[verdicts[0]])]
    beat = [row for row in judged if row[verdicts[0]] == statistics.BEATS]
    methods = [row for row in beat if not roles.is_control(row[0])]
    if not judged:
        return ""
    said = f"{len(beat)} of {len(judged)} rows beat {baseline}"
    if len(judged) == 1:
        said = f"The one row {'beats' if beat else 'does not beat'} {baseline}"
    if methods:
        changes = {row[0]: DIFFERENCE.search(row[against[0]]) for row in methods}
        known = {name: found[0] for name, found in changes.items() if found}
        best = max(known, key=lambda name: abs(_change(known[name])))
        said += f"; most: {best} ({known[best]})"
    return f"{said}."


def of_pairs(table: Table) -> str:
    """'2 of 9 comparisons are won; most: chains against answers, 50 problems (+88.9).', or nothing.

    Args:
        table: Of pairs of rows: the columns part, method, against, difference, verdict.
    """
    if table.header[:3] != ["part", "method", "against"] or "verdict" not in table.header:
        return ""
    place = table.header.index("verdict")
    judged = [row for row in table.rows if markdown_blocks.verdict(row[place])]
    won = [row for row in judged if row[place] == statistics.BEATS and DIFFERENCE.search(row[3])]
    if not judged:
        return ""
    said = f"{len(won)} of {len(judged)} comparisons are won"
    if won:
        part, method, against, change, *_ = max(won, key=lambda row: abs(_change(row[3])))
        said += f"; most: {method} against {against}, {part} ({change.split()[0]})"
    return f"{said}."


def _change(difference):
    """The number that a difference with its interval begins with."""
    return float(difference.split()[0].replace("−", "-").replace(",", ""))


def headline(markdown: str) -> str:
    """The sentence of the first table that has one, else how many verdicts there are, or nothing.

    Args:
        markdown: A table.md.
    """
    tables = [b.content for b in markdown_blocks.parse(markdown) if b.kind == "table"]
    found = [say(table) for say in (sentence, of_pairs) for table in tables]
    return next(filter(None, found), "") or _counted(tables)


def _counted(tables):
    """'3 verdicts: 1 better, 2 worse.' of cells that are one or end in one."""
    cells = [cell for table in tables for row in table.rows for cell in row]
    of, last = markdown_blocks.verdict, [cell.rpartition(" ")[2] for cell in cells]
    counts = collections.Counter(filter(None, (of(x) or of(y) for x, y in zip(cells, last))))
    said = ", ".join(f"{number} {kind}" for kind, number in counts.most_common())
    return f"{counts.total()} verdicts: {said}." if said else ""
