"""What a run says of a committed record: a line per interval, and how many rows and intervals hold.

To hold is a strict test, as the run's mean varies too: of two means m and m' of one s.d. s,
    P(|m' − m| < z s) = P(|N(0, 1)| < z / √2) = erf(z / 2),    z = 1.96,
so that 83 of 100 intervals hold where nothing changed but the seeds: more, where one is also of
test examples, which both runs share; fewer rows, as a row holds where all of its intervals do.
Named are therefore the rows whose means are further apart than both intervals, of half widths h and
h', allow together: |m' − m| > √(h² + h'²).
"""

import itertools
import math
import pathlib
from collections.abc import Sequence

from kd_jax.errors import counted
from kd_jax.report import tables, terminal_page
from kd_jax.report.publishing import reproduced
from kd_jax.report.publishing.reproduced import IDENTICAL, OUTSIDE, UNKNOWN, Found, Row

Z = 1.96  # of a 95 % interval
EXPECTED = math.erf(Z / 2)  # of the means of another run that lie inside
HEADER = "row", "outcome", "record [95 %]", terminal_page.THIS_RUN


def page(folder: pathlib.Path, run: pathlib.Path) -> str:
    """What a run says of a record: tables of rows below their titles, and how many of them hold.

    Of a run without any number in such a row: that alone.

    Args:
        folder: Of the record.
        run: Of the run.
    """
    texts = [(path / "table.md").read_text(encoding="utf-8") for path in (folder, run)]
    found = reproduced.rows(*texts)
    known = [row for row in found if row.outcome != UNKNOWN]
    parts = [*_listed(found), *_counted(known)] if known else []
    if known != found:
        unknown = counted(len(found) - len(known), "row")
        parts.append(f"No interval in this run, and not counted: {unknown}.")
    return "\n\n".join(parts) + "\n"


def _listed(found: Sequence[Row]) -> list[str]:
    """Titles and the tables below them: first of what lies outside, last of what is not known."""
    ranks = {OUTSIDE: 0, UNKNOWN: 2}
    ordered = sorted(found, key=lambda row: ranks.get(row.outcome, 1))
    parts = []
    for _, some in itertools.groupby(ordered, lambda row: ranks.get(row.outcome, 1)):
        for title, of in itertools.groupby(some, lambda row: row.table):
            lines = [line for row in of for line in _lines(row)]
            parts += [title, tables.markdown(HEADER, lines).strip()]
    return parts


def _lines(row):
    """A line for each interval of a row; the first one names the row."""
    names = [(reproduced.plain(row.name), row.outcome), *[("", "")] * len(row.record)]
    return [[*name, *pair] for name, pair in zip(names, zip(row.record, row.run))]


def _counted(known: Sequence[Row]) -> list[str]:
    """Paragraphs: how many rows hold, which are further apart, how many intervals hold."""
    held = sum(row.outcome != OUTSIDE for row in known)
    same = sum(row.outcome == IDENTICAL for row in known)
    apart = [name for row, name in _named(known) if _apart(row)]
    rows = (
        f"{held} of {len(known)} rows lie inside the printed intervals of their differences, {same}"
        f" of them are identical; further apart than both intervals allow together: {len(apart)}"
    )
    pairs = _distinct(known)
    kept = sum(reproduced.holds(*pair) for pair in pairs)
    expected = (
        f"{kept} of {len(pairs)} intervals hold, each counted once. Where nothing changed but "
        f"seeds and teachers, {EXPECTED:.0%} of those hold that are of students and teachers alone "
        "(each mean varies), and more of those for other test examples too, as both runs have the "
        "same; 5% of means are further apart than both intervals allow."
    )
    further = [f"Further apart: {'; '.join(apart)}."] if apart else []
    return [f"{rows}.", *further, expected]


def _distinct(found: Sequence[Row]) -> list[tuple[Found, Found]]:
    """Pairs of intervals (printed, the run's), once where rows repeat or mirror each other's."""
    kept: dict = {}
    for pair in dict.fromkeys(pair for row in found for pair in row.pairs()):
        if tuple(map(_mirrored, pair)) not in kept:
            kept[pair] = None
    return list(kept)


def _mirrored(found):
    """An interval of the difference the other way round."""
    mean, *ends = found
    return (-mean, *(-end for end in reversed(ends)))


def _named(found):
    """[(row, its name)], with the table where several have a row of that name."""
    names = [reproduced.plain(row.name) for row in found]
    return [
        (row, f"{name} ({row.table})" if names.count(name) > 1 else name)
        for row, name in zip(found, names)
    ]


def _apart(row):
    """Whether two means are further apart than chance explains, both intervals considered."""
    return any(
        abs(theirs[0] - ours[0]) > math.hypot(ours[2] - ours[1], theirs[2] - theirs[1]) / 2
        for ours, theirs in row.pairs()
        if len(theirs) == 3
    )
