"""A record says whether another base seed confirmed it; settings are chosen on the first."""

import json

import pytest

from kd_jax.report.publishing import confirmed
from kd_jax.storage import jsonl

TABLE = """| method | vs. labels only [95 %] | verdict |
|---|---|---|
| labels only | – | – |
| soft | −4.0 [−6.0, −2.0] | {} |
"""


def record(folder, seed, verdict, rows=("soft", "labels only")):
    folder.mkdir(parents=True)
    (folder / "table.md").write_text(TABLE.format(verdict), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({"base_seed": seed}))
    found = [{"row": row, "seed": 0, "base_seed": seed} for row in rows]
    (folder / "records.jsonl").write_text(jsonl.text(found))
    return folder


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.setattr(confirmed, "ROOT", tmp_path)
    return tmp_path / "experiments/small"


def test_what_differs_from_the_exploration_is_said(small):
    found = record(small / "records", 7, "BEATS")
    assert confirmed.said(found) == "One base seed, not confirmed at another."
    record(small / "exploration", 0, "INCONCLUSIVE")
    assert confirmed.said(found) == (
        "Explored at base seed 0 ([its table](exploration/table.md)), confirmed at base seed 7. "
        "Verdicts that differ:\n\n"
        "| table  | row  | verdict on      | base seed 0  | base seed 7 |\n"
        "|--------|------|-----------------|--------------|-------------|\n"
        "| method | soft | vs. labels only | INCONCLUSIVE | BEATS       |"
    )
    same = record(small / "records_wide", 7, "INCONCLUSIVE")  # of what the default one chose
    assert "Verdicts that differ: none." in confirmed.said(same)
    record(small / "exploration_wide", 0, "WORSE")
    assert "[its table](exploration_wide/table.md)" in confirmed.said(same)


def test_an_exploration_of_one_student_has_no_verdicts_that_could_differ(small):
    found = record(small / "records", 7, "BEATS")
    record(small / "exploration", 0, "–")
    assert confirmed.said(found).endswith(
        "with too few students for verdicts; those of base seed 7 are not confirmed at another."
    )


def test_settings_are_chosen_on_the_exploration_s_records_of_the_same_rows(small):
    ours = record(small / "records", 7, "BEATS", rows=["soft"])
    seeds = lambda folder: {r["base_seed"] for r in confirmed.choosing(folder, "small")}  # noqa: E731
    assert seeds(ours) == {7}  # there is none yet
    first = record(small / "exploration", 0, "BEATS")
    assert seeds(ours) == {0} and len(confirmed.choosing(ours, "small")) == 1
    assert seeds(first) == {0} and len(confirmed.choosing(first, "small")) == 2
    other = record(small.parent / "run", 7, "BEATS", rows=["soft", "another"])
    assert seeds(other) == {7}
