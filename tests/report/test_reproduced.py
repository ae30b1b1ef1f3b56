"""A run is held against the intervals that a record printed, row by row."""

import pytest

from kd_jax.report import reproduced

RECORD = """Digits

| method | errors | vs. labels only [95 %] | verdict |
|--------|--------|------------------------|---------|
| labels only | 139.1 ± 9.5 | – | – |
| soft (chosen) | 128.7 ± 8.8 | −10.4 [−16.6, −4.2] | BEATS |
| permuted | 155.2 ± 9.5 | +16.1 [+7.2, +25.0] | WORSE |
| smooth | 145.5 ± 11.7 | +6.4 [−2.9, +15.7] | INCONCLUSIVE |

Accuracy

| part | method | accuracy [95 %] | verdict |
|------|--------|-----------------|---------|
| 2a | soft | 60.0% [55.0%, 65.0%] | BEATS |

By labels

| student | 10 | 50 |
|---------|----|----|
| soft | +4.0 [+1.0, +7.0] BEATS | +2.0 [+0.5, +3.5] INCONCLUSIVE |
"""
RUN = (
    RECORD.replace("−10.4 [−16.6, −4.2] | BEATS", "−4.2 [−9.0, +0.6] | INCONCLUSIVE")
    .replace("soft (chosen)", "soft")
    .replace("+16.1 [+7.2, +25.0]", "+25.1 [+20.0, +30.2]")
    .replace("60.0% [55.0%, 65.0%]", "55.1% [50.0%, 60.2%]")
    .replace("+2.0 [+0.5, +3.5]", "+3.6 [+0.5, +6.7]")
)


def test_each_row_with_an_interval_is_judged_by_it():
    *first, last = reproduced.rows(RECORD, RUN)
    assert last.table == "By labels" and last.outcome == "OUTSIDE"  # in the second of two columns
    found = {row.name: row for row in first}
    assert {name: row.outcome for name, row in found.items()} == {
        "soft": "inside", "permuted": "OUTSIDE", "smooth": "identical", "2a | soft": "inside"
    }  # fmt: skip
    assert found["soft"].record == ["−10.4 [−16.6, −4.2]"]
    assert found["soft"].run == ["−4.2 [−9.0, +0.6]"]


def test_the_page_counts_what_holds_and_begins_with_what_does_not(tmp_path):
    for name, text in (("record", RECORD), ("run", RUN)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "table.md").write_text(text, encoding="utf-8")
    page = reproduced.page(tmp_path / "record", tmp_path / "run")
    assert page.splitlines()[2].startswith("| OUTSIDE   | permuted")
    assert "3 of 5 rows lie inside" in page and "1 of them are identical" in page


def test_changed_verdicts_are_named():
    assert reproduced.changed_verdicts(RECORD, RUN) == ["soft: BEATS, then INCONCLUSIVE"]
    assert reproduced.changed_verdicts(RECORD, RECORD) == []


@pytest.mark.parametrize(
    "mean, outcome", [("−16.6", "inside"), ("−16.7", "OUTSIDE"), ("+4.2", "OUTSIDE")]
)
def test_the_ends_of_an_interval_belong_to_it(mean, outcome):
    run = RECORD.replace("−10.4 [−16.6", f"{mean} [−20.0")
    row = next(row for row in reproduced.rows(RECORD, run) if row.name == "soft")
    assert row.outcome == outcome
