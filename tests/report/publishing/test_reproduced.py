"""A run is held against the intervals that a record printed, row by row."""

import re

import numpy as np
import pytest

from kd_jax.report import terminal_page
from kd_jax.report.publishing import reproduced, reproduced_page

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


def page(folder, run, record=RECORD):
    """What a run with one table.md says of a record with another."""
    for name, text in (("record", record), ("run", run)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "table.md").write_text(text, encoding="utf-8")
    return reproduced_page.page(folder / "record", folder / "run")


def test_the_page_counts_what_holds_and_begins_with_what_does_not(tmp_path):
    said = page(tmp_path, RUN)
    first, _, header, _, line, *_ = said.splitlines()
    assert first == "Digits" and header.startswith("| row      | outcome | record [95 %]")
    assert line.startswith("| permuted | OUTSIDE | +16.1 [+7.2, +25.0] | +25.1 [+20.0, +30.2] |")
    assert "3 of 5 rows lie inside" in said and "1 of them are identical" in said
    assert "4 of 6 intervals hold" in said  # the last row has one inside beside the one outside


def test_an_interval_that_is_repeated_or_mirrored_is_counted_once(tmp_path):
    """Three intervals in five rows: soft again and labels, the other way round, are none more."""
    again = "| soft, again | 128.7 | −10.4 [−16.6, −4.2] | BEATS |\n"
    mirrored = "| labels | 139.1 | +10.4 [+4.2, +16.6] | WORSE |\n"
    table = RECORD.partition("\nAccuracy")[0] + again + mirrored
    changed = table.replace("−10.4 [−16.6, −4.2]", "−4.0 [−9.0, +1.0]")
    changed = changed.replace("+10.4 [+4.2, +16.6]", "+4.0 [−1.0, +9.0]")
    said = page(tmp_path, changed, table)
    assert "2 of 5 rows lie inside" in said and "2 of 3 intervals hold" in said


def test_what_differs_by_more_than_both_intervals_allow_is_named(tmp_path):
    """permuted: 25.1 − 16.1 = 9.0, where √(8.9² + 5.1²) = 10.3; soft by labels: 3.6 − 2.0 = 1.6 of
    √(1.5² + 3.1²) = 3.4; with 30.1 in place of 25.1 the first differs by 14.0."""
    near, far = (page(tmp_path, x) for x in (RUN, RUN.replace("+25.1", "+30.1")))
    assert "allow together: 0." in near and "Further apart:" not in near
    assert "allow together: 1." in far
    assert "Further apart: permuted." in far


def test_a_second_mean_lies_in_the_interval_of_the_first_less_often_than_in_95_of_100(tmp_path):
    """Half a million pairs of normal means; the page says their share."""
    first, second = np.random.default_rng(0).normal(size=(2, 500_000))
    share = np.mean(np.abs(second - first) < 1.96)
    assert f"{round(100 * share)}% of those hold" in page(tmp_path, RECORD)


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


@pytest.mark.parametrize("mean, outcome", [("−16.6", "inside"), ("+0.0", "OUTSIDE")])
def test_a_mean_without_an_interval_is_judged_by_itself_and_never_further_apart(
    tmp_path, mean, outcome
):
    """±0 is 10.4 from the record's −10.4, whose interval is 6.2 to both sides."""
    run = RECORD.replace("−10.4 [−16.6, −4.2] | BEATS", f"{mean} [–] | –")
    row = next(row for row in reproduced.rows(RECORD, run) if row.name == "soft")
    assert row.outcome == outcome and row.run == (f"{mean} [–]",)
    said = page(tmp_path, run)
    assert "allow together: 0." in said and "No interval" not in said
    assert f"{5 if outcome == 'inside' else 4} of 5 rows" in said


def test_rows_without_a_number_in_the_run_are_counted_apart(tmp_path):
    """One has a dash in place of its interval, one is not in the run, three are as they were."""
    run = RECORD.replace("−10.4 [−16.6, −4.2] | BEATS", "– | –").replace("| smooth", "| rough")
    said = page(tmp_path, run)
    assert "3 of 5" not in said and "3 of 3 rows lie inside" in said and "4 of 4 intervals" in said
    assert said.endswith("\n\nNo interval in this run, and not counted: 2 rows.\n")
    assert "allow together: 0." in said and "OUTSIDE" not in said
    lines = [line for line in said.splitlines() if "no interval" in line]
    assert [line.split("|")[1].strip() for line in lines] == ["soft", "smooth"]


def test_a_run_without_any_number_is_a_line(tmp_path):
    run = re.sub(r"[+−]\S+ \[[^]]+\]( [A-Z]+)?|\S+% \[[^]]+\]", "–", RECORD)
    assert page(tmp_path, run) == "No interval in this run, and not counted: 5 rows.\n"
    one = RECORD.replace("−10.4 [−16.6, −4.2]", "–")
    assert "not counted: 1 row.\n" in page(tmp_path, one)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("run", [RUN, RECORD.replace("−10.4 [−16.6, −4.2] | BEATS", "– | –")])
def test_a_terminal_has_every_column_of_rows_with_long_names(tmp_path, width, run):
    """Names of several cells, one of which begins with a digit, below a title of 90 letters."""
    long = "2a, of a network of 1,200 units, learning without any label of the digit 3"
    title = "Accuracy " * 10
    texts = [
        x.replace("| 2a ", f"| {long} ").replace("Accuracy\n", f"{title}\n") for x in (RECORD, run)
    ]
    shown = terminal_page.page(page(tmp_path, texts[1], texts[0]), width)
    assert "not shown" not in shown and max(map(len, shown.splitlines())) <= width
    for column in ("row", "outcome", "record [95 %]", "this run"):
        assert shown.count(f" {column}".replace("95 %", "95\N{NO-BREAK SPACE}%")) >= 3, column
    by_labels = shown[shown.index("By labels") :].splitlines()[4:6]
    ends = [line.rstrip().split("  ")[-1] for line in by_labels]
    assert by_labels[1].startswith("   ") and ends[0].startswith("+4.0 [+1.0, +7.0]")
