"""A verdict that prose sets behind a difference is the one that the table has in that row."""

import pathlib
import re

import pytest

from kd_jax.report import cells
from kd_jax.report.publishing import experiment_page

ROOT = pathlib.Path(__file__).parents[2]
VERDICT = re.compile(r"\b(BEATS|WORSE|INCONCLUSIVE|EQUIVALENT)\b")
BEHIND = re.compile(r"[^.;:(){}]{0,40}[(,]\s?" + VERDICT.pattern)  # " points (BEATS", ", WORSE"
DIFFERENCES = "difference", "vs. "  # how the columns are called that a verdict is on


def verdicts(prose: str) -> list[tuple[str, str]]:
    """(the cell of a difference, the verdict that stands behind it) of a findings.md."""
    found = []
    for place in cells.PLACE.finditer(prose):
        header = place[1].split("|")[-1].strip()
        said = BEHIND.match(prose, place.end())
        if header.startswith(DIFFERENCES) and said:
            found.append((" ".join(place[1].split()), said[1]))
    return found


def of_table(folder, cell: str) -> str:
    """The verdict of a row: in the cell of the difference, or in the next to its right."""
    record, title, *first, header = (x.strip() for x in cell.split("|"))
    text = (folder / record / "table.md").read_text(encoding="utf-8")
    table, row = cells.row(text, title, first, header, "no")
    beside = VERDICT.search(" ".join(row[table.header.index(header) :]))
    return beside[1] if beside else ""


def test_what_is_a_verdict_behind_a_difference():
    one = "by {{records | | A |\n vs. B [95 %]}} points (BEATS)"
    two = "{{records | | A | difference [95 %]}}, WORSE"
    assert verdicts(f"{one}; {two}.") == [
        ("records | | A | vs. B [95 %]", "BEATS"),
        ("records | | A | difference [95 %]", "WORSE"),
    ]
    other = "{{records | | A | vs. B [95 %]}}; T = 3 (WORSE), {{records | | A | accuracy}} (BEATS)"
    assert not verdicts(other)


FOLDERS = {x.name: x for x in experiment_page.folders(ROOT) if (x / "findings.md").is_file()}


@pytest.mark.parametrize("name", FOLDERS)
def test_verdicts_in_findings_are_those_of_the_tables(name):
    typed = verdicts((FOLDERS[name] / "findings.md").read_text(encoding="utf-8"))
    assert {x: y for x, y in typed if of_table(FOLDERS[name], x) != y} == {}


def test_many_are_compared():
    prose = (folder / "findings.md" for folder in FOLDERS.values())
    assert sum(len(verdicts(path.read_text(encoding="utf-8"))) for path in prose) > 20
