"""Claims of papers, and what a committed table answers: our number, its interval, its verdict.

An experiment lists the claims that it tests in its claims.py; where our number, its interval and
its verdict stand is said by the title of a table, its row and its columns, so that no number is
typed twice and none is old.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from kd_jax.errors import require
from kd_jax.metrics.statistics import BEATS, INCONCLUSIVE, UNDECIDED
from kd_jax.report import cells, judges, markdown_blocks

REPRODUCED, CONTRADICTED, OPEN = "reproduced", "**contradicted**", "open"
PERCENT = "% wrong"
DIFFERENCE = re.compile(r"[+−][\d.,]+ \[")  # with its sign, where a share has "% ["


class Claim(NamedTuple):
    """What a paper says, and where our tables answer.

    Attributes:
        paper: Authors, year and section, as a title of the page.
        says: The claim in a sentence.
        published: The paper's own numbers, with their unit.
        where: The title of a table ("" for the first), and the first cells of its row.
        difference: The header of the column with the interval, at whose end or behind which the
            verdict stands; or that of the verdict; or what `judge` judges.
        number: The header of the column with our number; "" for none.
        expected: The verdict under which the claim is reproduced.
        judge: In the place of a verdict in the table, what judges `difference`: see `judges`.
        record: The folder of the record.
        unit: What the difference counts, as "errors".
        beside: The first cell of a row whose number stands beside ours, where the table has a
            verdict alone on their difference; of a quotient the row that ours is divided by.
        test: How many test examples our errors are counted of, where the paper's number is a
            percentage: ours are printed in percent of these.
        unanswered: Why our row does not answer the claim, which then is open.
    """

    paper: str
    says: str
    published: str
    where: tuple[str, ...]
    difference: str
    number: str = ""
    expected: str = BEATS
    judge: judges.Judge | None = None
    record: str = "records"
    unit: str = ""
    beside: str = ""
    test: int = 0
    unanswered: str = ""


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
    both = [row]
    if claim.beside:
        both += [cells.row(text, title, [claim.beside], claim.difference, missing)[1]]
    number = _numbers(claim, table, both, missing) if claim.number else "–"
    place = cells.column(table, claim.difference, missing)
    if claim.judge:
        cell, verdict = row[place], claim.judge(*(x[place] for x in both))
    else:
        cell, verdict = _judged(row[place:], f"{missing} verdict behind {claim.difference!r}")
    if DIFFERENCE.match(cell):
        return Answer(number, _with_unit(claim, cell), verdict)
    own = [number] if claim.number else []
    if cell != "–" and claim.number != claim.difference:  # a share, a level, a count like 9 of 9
        counted = not claim.judge and "[" not in cell
        own.append(f"{claim.difference}: {cell}" if counted else _with_unit(claim, cell))
    return Answer("; ".join(own) or "–", "–", verdict)


def _numbers(claim, table, rows, missing):
    """'test errors: 5.5; labels: 9.5': our number, and of `beside` too."""
    place = cells.column(table, claim.number, missing)
    names = [claim.number.removesuffix(", %"), claim.beside]
    if claim.test:
        shown = [f"{in_percent(row[place], claim.test)} %" for row in rows]
    else:
        shown = [row[place] for row in rows]
    return "; ".join(f"{name}: {cell}" for name, cell in zip(names, shown))


def _judged(found, missing):
    """(difference with its interval or "–", verdict) of the cells from the difference on."""
    difference, _, verdict = found[0].rpartition(" ")
    if not markdown_blocks.verdict(verdict):
        difference, verdict = found[0], next(filter(markdown_blocks.verdict, found), "")
    require(verdict, missing)
    return difference or "–", verdict


def _with_unit(claim, difference):
    """A difference with the unit of what it counts, or in percent of the test."""
    if "%" in difference or not difference.endswith("]"):
        return difference
    if claim.test:
        return f"{in_percent(difference, claim.test)} {PERCENT}"
    return f"{difference} {claim.unit}".rstrip()


def in_percent(counts: str, test: int) -> str:
    """A cell of counts in percent of the test examples, with every digit that it has.

    Args:
        counts: As "−14.7 [−40.2, +10.8]".
        test: How many test examples there are, a power of ten or some hundreds of it.
    """

    def percent(found):
        value = float(found[0].replace("−", "-").replace(",", ""))
        digits = len(found[0].partition(".")[2]) + 2
        sign = "+" if found[0][0] in "+−" else ""
        return f"{100 * value / test:{sign}.{digits}f}".replace("-", "−")

    return re.sub(r"[+−]?\d[\d,]*(\.\d+)?", percent, counts)


def result(claim: Claim, found: Answer) -> str:
    """REPRODUCED, CONTRADICTED or OPEN.

    Args:
        claim: With the verdict that it expects.
        found: The one that there is.
    """
    if found.verdict == claim.expected:
        return REPRODUCED
    return OPEN if found.verdict in (INCONCLUSIVE, UNDECIDED) else CONTRADICTED
