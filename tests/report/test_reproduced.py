"""A run is held against the intervals that a record printed, row by row."""

import numpy as np
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
    assert found["soft"].record == ("−10.4 [−16.6, −4.2]",)
    assert found["soft"].run == ("−4.2 [−9.0, +0.6]",)


def test_the_page_counts_what_holds_and_begins_with_what_does_not(tmp_path):
    for name, text in (("record", RECORD), ("run", RUN)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "table.md").write_text(text, encoding="utf-8")
    page = reproduced.page(tmp_path / "record", tmp_path / "run")
    assert page.splitlines()[2].startswith("| OUTSIDE   | permuted")
    assert "3 of 5 rows lie inside" in page and "1 of them are identical" in page
    assert "4 of 6 intervals hold" in page  # the last row has one inside beside the one outside


def test_an_interval_that_is_repeated_or_mirrored_is_counted_once(tmp_path):
    """Three intervals in five rows: soft again and labels, the other way round, are none more."""
    again = "| soft, again | 128.7 | −10.4 [−16.6, −4.2] | BEATS |\n"
    mirrored = "| labels | 139.1 | +10.4 [+4.2, +16.6] | WORSE |\n"
    table = RECORD.partition("\nAccuracy")[0] + again + mirrored
    changed = table.replace("−10.4 [−16.6, −4.2]", "−4.0 [−9.0, +1.0]")
    changed = changed.replace("+10.4 [+4.2, +16.6]", "+4.0 [−1.0, +9.0]")
    for name, text in (("record", table), ("run", changed)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "table.md").write_text(text, encoding="utf-8")
    page = reproduced.page(tmp_path / "record", tmp_path / "run")
    assert "2 of 5 rows lie inside" in page and "2 of 3 intervals hold" in page


def test_what_differs_by_more_than_both_intervals_allow_is_named(tmp_path):
    """permuted: 25.1 − 16.1 = 9.0, where √(8.9² + 5.1²) = 10.3; soft by labels: 3.6 − 2.0 = 1.6 of
    √(1.5² + 3.1²) = 3.4; with 30.1 in place of 25.1 the first differs by 14.0."""
    for name, text in (("record", RECORD), ("near", RUN), ("far", RUN.replace("+25.1", "+30.1"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "table.md").write_text(text, encoding="utf-8")
    near, far = (reproduced.page(tmp_path / "record", tmp_path / x) for x in ("near", "far"))
    assert "allow together: 0." in near and "Further apart:" not in near
    assert "allow together: 1." in far
    assert "Further apart: permuted." in far


def test_a_second_mean_lies_in_the_interval_of_the_first_less_often_than_in_95_of_100(tmp_path):
    """Half a million pairs of normal means; the page says their share."""
    first, second = np.random.default_rng(0).normal(size=(2, 500_000))
    share = np.mean(np.abs(second - first) < 1.96)
    (tmp_path / "table.md").write_text(RECORD, encoding="utf-8")
    page = reproduced.page(tmp_path, tmp_path)
    assert f"{round(100 * share)}% of those hold" in page


def test_changed_verdicts_are_named():
    (changed,) = reproduced.changed_verdicts(RECORD, RUN)
    assert changed == ("Digits", "soft", "vs. labels only", "BEATS", "INCONCLUSIVE")
    assert reproduced.changed_verdicts(RECORD, RECORD) == []


@pytest.mark.parametrize(
    "mean, outcome", [("−16.6", "inside"), ("−16.7", "OUTSIDE"), ("+4.2", "OUTSIDE")]
)
def test_the_ends_of_an_interval_belong_to_it(mean, outcome):
    run = RECORD.replace("−10.4 [−16.6", f"{mean} [−20.0")
    row = next(row for row in reproduced.rows(RECORD, run) if row.name == "soft")
    assert row.outcome == outcome
