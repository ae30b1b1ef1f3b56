"""Claims of papers beside what we found: docs/claims.md, read off the committed tables.

An experiment lists the claims that it tests in its claims.py; where our number, its interval and
its verdict stand is said by the title of a table, its row and its columns, so that no number is
typed twice and none is old.
"""

import importlib
import pathlib
import re
from collections.abc import Iterable
from typing import NamedTuple

from kd_jax.errors import InputError, require
from kd_jax.metrics.statistics import BEATS, INCONCLUSIVE, UNDECIDED, WORSE
from kd_jax.report import cells, confirmed, markdown_blocks, tables

REPRODUCED, CONTRADICTED, OPEN = "reproduced", "**contradicted**", "open"
ONE_SEED = " \\*"
NOT_RUN = "not run yet"  # there is no record
HEADER = ["claim", "result", "published", "ours", "difference [95 %]", "where"]
OURS = HEADER.index("ours")
HEAD = """\
<!-- By ./run.sh publish from experiments/NAME/claims.py and the records: edit those -->

# Claims of the papers, and what we found

**{count}.**

A claim is reproduced where the verdict on our row is the one that the paper would have,
contradicted where it is another one, and open where the row is INCONCLUSIVE: its interval, or
Holm's correction for all rows of its table, leaves it undecided. An equation is reproduced where
its error is at most what the claim allows. Data and sizes are smaller here than in most papers (the
linked page says which), so an open or contradicted claim speaks of this setting.

A claim is confirmed where the exploration, a run at another base seed, has the same row with the
same answer; where its answer is another one, this stands in brackets. \\*: of one base seed, as no
other has that row. A difference is ours, to what the claim compares with: points are percentage
points of accuracy; of errors and nats fewer are better.
"""


class Claim(NamedTuple):
    """What a paper says, and where our tables answer.

    Attributes:
        paper: Authors, year and section, as a title of the page.
        says: The claim in a sentence.
        published: The paper's own numbers.
        where: The title of a table ("" for the first), and the first cells of its row.
        difference: The header of the column with the interval, at whose end or behind which the
            verdict stands; or that of the verdict.
        number: The header of the column with our number; "" for none.
        expected: The verdict under which the claim is reproduced.
        least: In its place, of a claim about a share: what the interval must be above.
        most: In its place, of an equation, whose error has no interval: what `difference`, the
            column of the error, may hold at most.
        record: The folder of the record.
        unit: What the difference counts, as "errors".
        beside: The first cell of a row whose number stands beside ours, where the table has a
            verdict alone on their difference.
    """

    paper: str
    says: str
    published: str
    where: tuple[str, ...]
    difference: str
    number: str = ""
    expected: str = BEATS
    least: float | None = None
    most: float | None = None
    record: str = "records"
    unit: str = ""
    beside: str = ""


def measured(unit: str, listed: Iterable[Claim]) -> list[Claim]:
    """Claims whose differences are in a unit, but for those that state their own.

    Args:
        unit: As "errors" or "points".
        listed: The claims.
    """
    return [claim if claim.unit else claim._replace(unit=unit) for claim in listed]


class Answer(NamedTuple):
    """Our number, the difference with its interval, and the verdict on it."""

    number: str
    difference: str
    verdict: str


NOTHING = Answer("–", "–", "")  # of a claim whose experiment has no record


def page(root: pathlib.Path) -> str:
    """The Markdown of docs/claims.md.

    Args:
        root: The folder of the repository.

    Raises:
        InputError: A claim names a table, row or column that its record does not have.
    """
    papers: dict[str, list[list[str]]] = {}
    results: list[str] = []
    agreed = 0  # claims that another base seed confirmed
    for name, claim in listed(root):
        record = root / "experiments" / name / claim.record
        table = record / "table.md"
        known = table.is_file()
        found = answer(claim, table.read_text(encoding="utf-8")) if known else NOTHING
        results.append(result(claim, found) if known else NOT_RUN)
        mark = _unconfirmed(claim, record, results[-1]) if known else ""
        agreed += known and not mark
        marked = results[-1] + mark
        link = f"[{name}](../experiments/{name}/README.md)"
        line = [claim.says, marked, claim.published, found.number, found.difference, link]
        papers.setdefault(claim.paper, []).append(line)
    count = f"{_count(results)}; {agreed} confirmed at another base seed"
    parts = [HEAD.format(count=count)]
    parts += [f"## {x}\n\n{_table(papers[x])}" for x in sorted(papers, key=_year)]
    return "\n".join(parts)


def _unconfirmed(claim, record, outcome):
    """What stands behind a result that the exploration does not confirm; "" where it does."""
    first = confirmed.exploration(record)
    if first is None:
        return ONE_SEED
    try:
        found = answer(claim, (first / "table.md").read_text(encoding="utf-8"))
    except InputError:  # what was explored has no such row
        return ONE_SEED
    before = result(claim, found)
    return "" if before == outcome else f" (exploration: {before})"


def _year(paper):
    """By year, then by name: the oldest papers are what the others answer."""
    found = re.search(r"\b(19|20)\d\d\b", paper)
    return found[0] if found else "9999", paper


def listed(root: pathlib.Path) -> Iterable[tuple[str, Claim]]:
    """(experiment, claim) of all that list some, experiments by name.

    Args:
        root: The folder of the repository.
    """
    for path in sorted((root / "experiments").glob("*/claims.py")):
        name = path.parent.name
        yield from ((name, x) for x in importlib.import_module(f"experiments.{name}.claims").CLAIMS)


def answer(claim: Claim, text: str) -> Answer:
    """What a table.md has on a claim.

    Args:
        claim: That says where.
        text: The table.md.

    Raises:
        InputError: It is not there.
    """
    title, *first = claim.where
    missing = f"claim {claim.says!r}: the record {claim.record} has no"
    table, row = cells.row(text, title, first, claim.difference, missing)
    number = "–"
    if claim.number:
        place = cells.column(table, claim.number, missing)
        number = f"{claim.number.removesuffix(', %')}: {row[place]}"
        if claim.beside:
            _, other = cells.row(text, title, [claim.beside], claim.number, missing)
            number += f"; {claim.beside}: {other[place]}"
    found = _judged(claim, number, row[cells.column(table, claim.difference, missing) :], missing)
    has_unit = not claim.unit or "%" in found.difference or not found.difference.endswith("]")
    return found if has_unit else found._replace(difference=f"{found.difference} {claim.unit}")


def _judged(claim, number, cells, missing):
    """The Answer of the cells from the difference on."""
    if claim.most is not None:
        exact = float(cells[0].replace("−", "-")) <= claim.most
        return Answer(cells[0], "–", BEATS if exact else WORSE)
    if claim.least is not None:
        return Answer(number, cells[0], _above(cells[0], claim.least))
    difference, _, verdict = cells[0].rpartition(" ")
    if not markdown_blocks.verdict(verdict):
        difference, verdict = cells[0], next(filter(markdown_blocks.verdict, cells), "")
    require(verdict, f"{missing} verdict behind {claim.difference!r}")
    return Answer(number, difference or "–", verdict)


def _above(cell, least):
    """The verdict on a share: whether its interval lies above a number."""
    found = re.findall(r"\[(\S+), (\S+)\]", cell.replace("−", "-").replace("%", ""))
    require(found, f"claims: {cell!r} has no interval")
    low, high = map(float, found[0])
    return BEATS if low > least else WORSE if high < least else INCONCLUSIVE


def result(claim: Claim, found: Answer) -> str:
    """REPRODUCED, CONTRADICTED or OPEN.

    Args:
        claim: With the verdict that it expects.
        found: The one that there is.
    """
    if found.verdict == claim.expected:
        return REPRODUCED
    return OPEN if found.verdict in (INCONCLUSIVE, UNDECIDED) else CONTRADICTED


def _table(lines):
    """The table of a paper's claims; without the column "ours" where no claim has a number."""
    kept = [n for n in range(len(HEADER)) if n != OURS or any(line[n] != "–" for line in lines)]
    return tables.markdown([HEADER[n] for n in kept], [[line[n] for n in kept] for line in lines])


def _count(results):
    """'12 claims: 8 reproduced, 1 contradicted, 3 open', and how many were not run yet."""
    kinds = [(x.strip("*"), results.count(x)) for x in (REPRODUCED, CONTRADICTED, OPEN)]
    kinds += [(NOT_RUN, results.count(NOT_RUN))] if NOT_RUN in results else []
    return f"{len(results)} claims: {', '.join(f'{n} {kind}' for kind, n in kinds)}"
