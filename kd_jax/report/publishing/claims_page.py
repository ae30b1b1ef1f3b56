"""The page of claims, docs/claims.md: what papers say beside what the committed tables answer."""

import importlib
import pathlib
import re
import textwrap
from collections.abc import Iterable

from kd_jax.errors import InputError
from kd_jax.metrics.statistics import EQUIVALENT
from kd_jax.report import commands, tables
from kd_jax.report.claims import CONTRADICTED, NOTHING, OPEN, REPRODUCED, Claim, answer, result
from kd_jax.report.publishing import confirmed, repeated

ONE_SEED = " \\*"
NO_MARGIN = "no margin was stated before the run"
NOT_RUN = "not run yet"  # there is no record
HEADER = ["claim", "result", "published", "ours", "difference [95 %]", "where"]
OURS, NONE = HEADER.index("ours"), "–"
HEAD = """\
<!-- By ./run.sh publish from experiments/NAME/claims.py and the records: edit those -->

# Claims of the papers, and what we found

**{count}.**

A claim is reproduced where the verdict on our row is the one that the paper would have,
contradicted where it is another one, and open where the row is INCONCLUSIVE: its interval, or
Holm's correction for all of its table, leaves it undecided; or, said in brackets, where the row
does not answer it. Data and sizes are smaller here than in most papers (the linked page says
which), so an open or contradicted claim speaks of this setting.

A decided claim is confirmed where runs at other base seeds, the exploration or a repetition, have
the same row with the same answer; where an answer is another one, this stands in brackets, and
where most base seeds have another answer than the record, the claim is open. \\*: of one base
seed, as no other run of its design has that row. A difference is ours, to what the claim compares
with: points are percentage points of accuracy; of errors and nats fewer are better.

Equations and costs have no interval: they are reproduced where the number is as the claim has it.
Where the paper's number is a percentage, our errors are printed in percent of the test examples. A
margin is what makes no difference: a claim of no difference is reproduced by an interval within it.
{repeated}"""


def page(root: pathlib.Path) -> str:
    """The Markdown of docs/claims.md.

    Args:
        root: The folder of the repository.

    Raises:
        InputError: A claim names a table, row or column that its record does not have.
    """
    papers: dict[str, list[list[str]]] = {}
    results: list[str] = []
    agreed = 0  # decided claims that another base seed confirmed
    own = 0  # expectations of ours, which no paper has
    for name, claim in listed(root):
        record = root / "experiments" / name / claim.record
        table = record / "table.md"
        known = table.is_file()
        found = answer(claim, table.read_text(encoding="utf-8")) if known else NOTHING
        settled, mark = _settled(claim, record, _outcome(claim, found)) if known else (NOT_RUN, "")
        results.append(settled)
        agreed += settled in (REPRODUCED, CONTRADICTED) and not mark
        own += claim.published == NONE
        link = f"[{name}](../experiments/{name}/README.md)"
        says = claim.says + (_margin(claim, record) if known else "")
        line = [says, settled + mark, claim.published, found.number, found.difference, link]
        papers.setdefault(claim.paper, []).append(line)
    count = f"{_count(results)}; {agreed} of the decided ones confirmed at another base seed"
    count += f". {own} are expectations of ours" if own else ""
    again = repeated.counted(root)
    parts = [HEAD.format(count=count, repeated=f"\n{textwrap.fill(again, 100)}\n" if again else "")]
    parts += [f"## {x}\n\n{_table(papers[x])}" for x in sorted(papers, key=_year)]
    return "\n".join(parts)


def _outcome(claim, found):
    """The result of a claim, which is open where our row does not answer it."""
    return OPEN if claim.unanswered else result(claim, found)


def _of_no_difference(claim):
    """Whether a claim needs a margin, which a run's settings state."""
    return claim.expected == EQUIVALENT and claim.judge is None


def _margin(claim, record):
    """' (margin: 10 errors)' of a claim of no difference whose record states one."""
    margin = commands.settings(record).get("margin") if _of_no_difference(claim) else None
    return f" (margin: {margin:g} {claim.unit})" if margin else ""


def _settled(claim, record, outcome):
    """(result, what stands behind it): open where most base seeds have another than the record.

    Args:
        claim: Of a paper.
        record: The folder of the record.
        outcome: What the record answers.
    """
    reason = claim.unanswered
    if outcome == OPEN and _of_no_difference(claim) and not _margin(claim, record):
        reason = NO_MARGIN
    answers = {name: _elsewhere(claim, x) for name, x in confirmed.others(record).items()}
    known = {name: x for name, x in answers.items() if x}
    if reason:
        return outcome, f" ({reason}){'' if known else ONE_SEED}"
    differ = {name: before for name, before in known.items() if before != outcome}
    if not differ:
        return outcome, "" if known else ONE_SEED
    settled = outcome
    if 2 * len(differ) > 1 + len(known):
        settled, differ = OPEN, {"record": outcome} | differ
    return settled, f" ({', '.join(f'{name}: {x}' for name, x in differ.items())})"


def _elsewhere(claim, table):
    """The result of a claim by the table of another base seed; "" where it has no such row."""
    try:
        return _outcome(claim, answer(claim, table))
    except InputError:
        return ""


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


def _table(lines):
    """The table of a paper's claims; without the column "ours" where no claim has a number."""
    kept = [n for n in range(len(HEADER)) if n != OURS or any(line[n] != NONE for line in lines)]
    return tables.markdown([HEADER[n] for n in kept], [[line[n] for n in kept] for line in lines])


def _count(results):
    """'12 claims: 8 reproduced, 1 contradicted, 3 open', and how many were not run yet."""
    kinds = [(x.strip("*"), results.count(x)) for x in (REPRODUCED, CONTRADICTED, OPEN)]
    kinds += [(NOT_RUN, results.count(NOT_RUN))] if NOT_RUN in results else []
    return f"{len(results)} claims: {', '.join(f'{n} {kind}' for kind, n in kinds)}"
