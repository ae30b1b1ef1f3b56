"""The claims of papers on the page of the experiment that answers them: lines of docs/claims.md."""

from kd_jax.report import markdown_blocks, tables

WHERE, NONE = "where", "–"
HEAD = """\
## Claims of papers

Beside ours; [all claims](../../docs/claims.md) say how results are decided, and what stars mean.
"""


def answered(page: str, name: str) -> str:
    """The part of an experiment's page about claims, "" where it answers none.

    Args:
        page: docs/claims.md, with a title above the table of each paper's claims.
        name: Of the experiment, as the last column links it.
    """
    lines, paper, columns = [], "", ["paper"]
    for kind, content in markdown_blocks.parse(page):
        if kind != "table":
            paper = content[3:] if content[:3] == "## " else paper
        elif content.header[-1] == WHERE:
            columns = max(columns, ["paper", *content.header[:-1]], key=len)
            each = [dict(zip(content.header, row)) for row in content.rows]
            here = [line for line in each if f"[{name}]" in line.pop(WHERE)]
            lines += [{"paper": paper} | line for line in here]
    kept = [x for x in columns if any(line.get(x, NONE) != NONE for line in lines)]
    cells = [[line.get(column, NONE) for column in kept] for line in lines]
    return f"{HEAD}\n{tables.markdown(kept, cells, padded=False)}".rstrip() if lines else ""
