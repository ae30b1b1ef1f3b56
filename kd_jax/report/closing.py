"""The sentence that closes a table: how many of its rows beat the baseline, and which the most."""

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
        best = max(known, key=lambda name: abs(float(known[name].replace("−", "-"))))
        said += f"; most: {best} ({known[best]})"
    return f"{said}."


def headline(markdown: str) -> str:
    """The sentence of the first table that has one, or nothing.

    Args:
        markdown: A table.md.
    """
    blocks = markdown_blocks.parse(markdown)
    found = (sentence(block.content) for block in blocks if block.kind == "table")
    return next(filter(None, found), "")
