"""Claims are answered by the cells that they name, and by nothing else."""

import importlib
import json
import pathlib

import pytest

from kd_jax.errors import InputError
from kd_jax.metrics.statistics import BEATS, EQUIVALENT, INCONCLUSIVE, WORSE
from kd_jax.report import claims, judges
from kd_jax.report.publishing import claims_page, experiment_page, repeated

ROOT = pathlib.Path(__file__).parents[2]
TABLE = """\
Few labels

| method | paper | errors | vs. labels [95 %] | verdict | kept [95 %] |
|---|---|---|---|---|---|
| labels | 9 | 9.5 | – | – | – |
| soft | 5 | 5.5 | −4.0 [−5.0, −3.0] | BEATS | 40 % [30, 50] |
| slow | 5 | 9.9 | +0.4 [−1.0, +1.8] | INCONCLUSIVE | −4 % [−9, 3] |

Pairs

| part | method | 1,000 |
|---|---|---|
| a | soft | +1.0 [+0.5, +1.5] WORSE |
| b | soft | +1.0 [−0.5, +2.5] INCONCLUSIVE |
"""


def claim(*where, difference="vs. labels [95 %]", **more):
    return claims.Claim("A 2020", "it is so", "5 of 9", where, difference, **more)


def test_a_verdict_stands_behind_the_interval_or_at_its_end():
    found = claims.answer(claim("Few labels", "soft", number="errors"), TABLE)
    assert found == ("errors: 5.5", "−4.0 [−5.0, −3.0]", BEATS)
    found = claims.answer(claim("Pairs", "a", "soft", difference="1,000"), TABLE)
    assert found == ("–", "+1.0 [+0.5, +1.5]", WORSE)
    assert claims.answer(claim("", "slow"), TABLE).verdict == INCONCLUSIVE


def test_a_difference_has_its_unit_and_a_share_its_percent():
    of_errors, of_nats, share = claims.measured("errors", [
        claim("", "slow"), claim("", "slow", unit="nats"),
        claim("", "slow", difference="kept [95 %]", judge=judges.above(0)),
    ])  # fmt: skip
    assert claims.answer(of_errors, TABLE).difference == "+0.4 [−1.0, +1.8] errors"
    assert claims.answer(of_nats, TABLE).difference == "+0.4 [−1.0, +1.8] nats"
    assert claims.answer(share, TABLE)[:2] == ("−4 % [−9, 3]", "–")  # ours, no difference


def test_where_a_verdict_stands_alone_the_other_number_stands_beside_ours():
    asked = claim("", "soft", difference="verdict", number="errors", beside="labels", unit="points")
    assert claims.answer(asked, TABLE) == ("errors: 5.5; labels: 9.5", "–", BEATS)


def test_a_share_is_judged_by_its_interval_and_a_quantity_by_itself():
    share = claim("Few labels", "soft", difference="kept [95 %]", judge=judges.above(40))
    assert claims.answer(share, TABLE) == ("40 % [30, 50]", "–", INCONCLUSIVE)
    error = claim("Few labels", "slow", difference="errors", judge=judges.at_most(9.9))
    assert claims.answer(error, TABLE) == ("9.9", "–", BEATS)


def test_a_count_is_a_number_of_ours_and_no_difference():
    table = "| all of it | supported | undecided | verdict |\n|---|---|---|---|\n"
    table += "| at every T | 2 of 9 | 7 of 9 | UNDECIDED |\n"
    asked = claims.Claim("", "", "", ("all of it", "at every T"), "supported", expected="SUPPORTED")
    assert claims.answer(asked, table) == ("supported: 2 of 9", "–", "UNDECIDED")


def test_a_quotient_and_numbers_side_by_side_show_both():
    both = {"difference": "errors", "number": "errors", "beside": "labels"}
    asked = claim("", "soft", judge=judges.quotient(0.5, 0.6), **both)
    assert claims.answer(asked, TABLE) == ("errors: 5.5; labels: 9.5", "–", EQUIVALENT)
    asked = claim("", "soft", judge=judges.undecided, **both)
    assert claims.answer(asked, TABLE) == ("errors: 5.5; labels: 9.5", "–", INCONCLUSIVE)


def test_errors_stand_in_percent_beside_a_percentage_of_the_paper():
    asked = claim("", "soft", number="errors", beside="labels", test=1000, unit="errors")
    found = claims.answer(asked, TABLE)
    assert found.number == "errors: 0.550 %; labels: 0.950 %"
    assert found.difference == "−0.400 [−0.500, −0.300] % wrong"
    assert claims.in_percent("1,609.5 ± 10.1", 10_000) == "16.095 ± 0.101"


@pytest.mark.parametrize("verdict, expected, result", [
    (BEATS, BEATS, "reproduced"), (WORSE, BEATS, "**contradicted**"), (INCONCLUSIVE, BEATS, "open"),
    (EQUIVALENT, EQUIVALENT, "reproduced"), (BEATS, EQUIVALENT, "**contradicted**"),
    (EQUIVALENT, BEATS, "**contradicted**"),
])  # fmt: skip
def test_what_a_verdict_makes_of_a_claim(verdict, expected, result):
    asked = claim("", "soft", expected=expected)
    assert claims.result(asked, claims.Answer("", "", verdict)) == result


@pytest.mark.parametrize("asked, missing", [
    (claim("Many labels", "soft"), "no table 'Many labels'"),
    (claim("Pairs", "c"), "no single row"),
    (claim("Few labels", "soft", difference="1,000"), "no column '1,000'"),
    (claim("Few labels", "soft", number="accuracy"), "no column 'accuracy'"),
    (claim("Few labels", "labels"), "no verdict behind"),
])  # fmt: skip
def test_what_a_record_does_not_have_is_named(asked, missing):
    with pytest.raises(InputError, match=missing):
        claims.answer(asked, TABLE)


@pytest.fixture
def line(tmp_path, monkeypatch):
    """What the page says of a claim, of a record at base seed 1 and an exploration, or none."""
    monkeypatch.setattr(
        claims_page, "listed", lambda root: [("small", claim("Few labels", "soft"))]
    )

    def of(explored, base_seed=0):
        for name, text, seed in (("records", TABLE, 1), ("exploration", explored, base_seed)):
            folder = tmp_path / "experiments" / "small" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "config.json").write_text(json.dumps({"base_seed": seed}))
            if text:
                (folder / "table.md").write_text(text, encoding="utf-8")
        page = claims_page.page(tmp_path)
        (found,) = [x for x in page.splitlines() if x.startswith("| it is so")]
        marked = found.split("|")[2].strip()
        agreed = int(marked == "reproduced")
        assert f"; {agreed} of the decided ones confirmed at another base seed.**" in page
        return marked

    return of


def test_a_claim_is_confirmed_where_another_base_seed_has_the_same_answer(line):
    assert line(None) == "reproduced \\*"
    assert line(TABLE) == "reproduced"


@pytest.mark.parametrize("change, said", [
    (("[−5.0, −3.0] | BEATS", "[−9.0, +1.0] | INCONCLUSIVE"), "reproduced (exploration: open)"),
    (("−3.0] | BEATS", "−3.0] | WORSE"), "reproduced (exploration: **contradicted**)"),
    (("| soft | 5 |", "| hard | 5 |"), "reproduced \\*"),
])  # fmt: skip
def test_another_answer_is_shown_and_a_row_that_was_not_explored_confirms_nothing(
    line, change, said
):
    assert line(TABLE.replace(*change)) == said


@pytest.fixture
def repetition(tmp_path):
    """Keeps the tables of a repetition of the record, and those of another record's."""

    def of(text):
        record = tmp_path / "experiments" / "small" / "records"
        (record / "manifest.json").write_text(json.dumps(
            {"finished": "2026-11-30T10:00+00:00", "commit": "0123abcd" * 5, "clean": True}
        ))  # fmt: skip
        folder = record.parent / "repeated"
        folder.mkdir()
        held = "1 of 2 rows lie inside the intervals; further apart: 0.\n\n1 of 2 intervals hold.\n"
        named = "records-2026-11-30-0123abcd-base_seed_2.md"
        (folder / named).write_text(f"{held}\n{repeated.TABLES}\n\n{text}", encoding="utf-8")
        earlier = folder / named.replace("0123abcd", "4567abcd")
        earlier.write_text(held + TABLE, encoding="utf-8")

    return of


UNDECIDED = "[−5.0, −3.0] | BEATS", "[−9.0, +1.0] | INCONCLUSIVE"


@pytest.mark.parametrize("change, said", [
    (("BEATS", "BEATS"), "reproduced"),
    (UNDECIDED, "reproduced (base seed 2: open)"),
    (("| soft | 5 |", "| hard | 5 |"), "reproduced \\*"),
])  # fmt: skip
def test_a_repetition_confirms_a_claim_too(line, repetition, change, said):
    line(None)
    repetition(TABLE.replace(*change))
    assert line(None) == said


def test_a_claim_is_open_where_most_base_seeds_have_another_answer(line, repetition):
    """Two of three do; where one of three does, the record's answer stands."""
    line(TABLE.replace(*UNDECIDED))
    repetition(TABLE.replace(*UNDECIDED))
    found = line(TABLE.replace(*UNDECIDED))
    assert found == "open (record: reproduced, exploration: open, base seed 2: open)"
    assert line(TABLE) == "reproduced (base seed 2: open)"


def test_the_same_base_seed_confirms_nothing(line):
    assert line(TABLE, base_seed=1) == "reproduced \\*"


def test_a_row_that_does_not_answer_leaves_the_claim_open(tmp_path, monkeypatch):
    asked = claim("Few labels", "soft", unanswered="half the steps")
    monkeypatch.setattr(claims_page, "listed", lambda root: [("small", asked)])
    folder = tmp_path / "experiments" / "small" / "records"
    folder.mkdir(parents=True)
    (folder / "table.md").write_text(TABLE, encoding="utf-8")
    (found,) = [x for x in claims_page.page(tmp_path).splitlines() if x.startswith("| it is")]
    assert found.split("|")[2].strip() == "open (half the steps) \\*"


def test_the_oldest_papers_come_first(tmp_path, monkeypatch):
    papers = ["B 2020, on C 2010", "D 2015, section 5", "No year", "D 2015, section 3"]
    both = [("new", claim()._replace(paper=paper)) for paper in papers]
    monkeypatch.setattr(claims_page, "listed", lambda root: both)
    titles = [x for x in claims_page.page(tmp_path).splitlines() if x.startswith("## ")]
    assert titles == [f"## {papers[n]}" for n in (3, 1, 0, 2)]


def test_claims_of_an_experiment_without_a_record_are_not_run_yet(tmp_path, monkeypatch):
    record = tmp_path / "experiments" / "known" / "records"
    record.mkdir(parents=True)
    (record / "table.md").write_text(TABLE, encoding="utf-8")
    both = [(name, claim("Few labels", "soft", number="errors")) for name in ("known", "new")]
    monkeypatch.setattr(claims_page, "listed", lambda root: both)
    page = claims_page.page(tmp_path)
    counted = "2 claims: 1 reproduced, 0 contradicted, 0 open, 1 not run yet"
    assert f"**{counted}; 0 of the decided ones confirmed at another base seed.**" in page
    known, new = [x for x in page.splitlines() if x.startswith("| it is so")]
    assert "| errors: 5.5" in known and "| reproduced" in known and "| not run yet" in new
    assert [x.strip() for x in new.split("|")[4:6]] == ["–", "–"]


def test_a_claim_of_no_difference_has_the_margin_that_its_record_states(tmp_path, monkeypatch):
    asked = claim("", "slow", expected=EQUIVALENT, unit="errors")
    monkeypatch.setattr(claims_page, "listed", lambda root: [("small", asked)])
    folder = tmp_path / "experiments" / "small" / "records"
    folder.mkdir(parents=True)
    lines = []
    for settings, verdict in (({}, INCONCLUSIVE), ({"margin": 2.0}, EQUIVALENT)):
        (folder / "config.json").write_text(json.dumps(settings))
        text = TABLE.replace("+1.8] | INCONCLUSIVE", f"+1.8] | {verdict}")
        (folder / "table.md").write_text(text, encoding="utf-8")
        page = claims_page.page(tmp_path)
        lines += [x.split("|")[1:3] for x in page.splitlines() if x.startswith("| it is")]
    assert [[x.strip() for x in line] for line in lines] == [
        ["it is so", "open (no margin was stated before the run) \\*"],
        ["it is so (margin: 2 errors)", "reproduced \\*"],
    ]


def test_experiments_with_claims_of_no_difference_have_a_margin_among_their_settings():
    equal = {n for n, x in claims_page.listed(ROOT) if x.expected == EQUIVALENT and not x.judge}
    for name in equal:
        config = importlib.import_module(f"experiments.{name}.config").Config
        assert config.margin > 0


def test_the_committed_page_is_what_the_records_say():
    committed = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    assert committed == experiment_page.linked(claims_page.page(ROOT))
