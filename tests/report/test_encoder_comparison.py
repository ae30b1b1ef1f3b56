"""Tables of encoders: rows against their cuts and the teacher, text by text; what is said."""

import numpy as np
import pytest
from verdict_words import WHY, judging

from kd_jax.metrics import statistics
from kd_jax.report.encoder_comparison import EncoderComparison

COSTS = {
    "teacher": {"bytes": 90_300_000, "sentences_per_second": 500.0},
    "3 layers, cut": {"bytes": 69_000_000, "sentences_per_second": 1000.0},
}
ROW, CUT = "3 layers, cosine", "3 layers, cut"
RIGHT = {  # of ten test texts
    "teacher": {0: [1, 1, 1, 1, 1, 1, 1, 1, 1, 0]},
    CUT: {0: [1, 0, 0, 1, 0, 1, 0, 0, 1, 0]},
    ROW: {
        0: [1, 1, 1, 1, 0, 1, 1, 1, 1, 0],
        2: [1, 1, 1, 1, 1, 1, 0, 1, 1, 0],
        3: [1, 1, 1, 1, 1, 1, 1, 1, 0, 0],
    },
}


def compared(primary="probe_accuracy", **changes):
    examples = {
        row: {seed: np.array(x, float) for seed, x in found.items()} for row, found in RIGHT.items()
    }
    records = []
    for row, found in examples.items():
        for seed, right in found.items():
            known = {"row": row, "seed": seed} | ({"cut": CUT, "cost": CUT} if row == ROW else {})
            records.append(known | {f"test_{primary}": right.mean(), "test_nearest_agreement": 0.5})
    records.insert(3, {"row": ROW, "seed": 1, "cut": CUT, "cost": CUT, "diverged": 7})
    found = EncoderComparison(records, examples, primary, (ROW, 2), COSTS, ["a note"], 5)
    return found._replace(**changes)


def test_a_row_is_held_against_its_cut_over_seeds_and_texts():
    ours = np.array([*RIGHT[ROW].values()], float)
    differences = 100 * (ours - np.array(RIGHT[CUT][0]))
    wanted = statistics.crossed(differences, lower_is_better=False)
    assert compared().against_cut() == {ROW: wanted} and wanted.mean == 40.0


def test_the_sentence_says_verdict_gain_share_speed_and_size():
    """All students are right on 8 of 10, the teacher on 9: 88.9 %."""
    sentence = compared().sentence()
    paired = compared().against_cut()[ROW]
    assert sentence.startswith(f"{paired.verdict}: {ROW} against {CUT}: +40.00 [")
    end = "88.9 % of the teacher's accuracy, at 2.0 times its speed, 69 MB instead of 90."
    assert sentence.endswith(end)
    one = compared(examples={**compared().examples, ROW: {2: compared().examples[ROW][2]}})
    assert one.sentence().startswith(f"{ROW} against {CUT}: +40.00 points")
    assert compared(best=None).sentence().startswith("All students diverged")


def test_cells():
    header, cells = compared().columns()
    assert header[:5] == ["encoder", "verdict", "all labels, %", "vs. its cut [95 %]",
                          "vs. teacher [95 %]"]  # fmt: skip
    teacher, cut, row = cells
    assert teacher[:5] == ["teacher", "–", "90.00", "–", "–"]
    assert cut[2] == "40.00" and cut[4].startswith("−50.00 [")
    assert row[0] == f"{ROW} (chosen)" and row[2] == "80.00 ± 0.00" and row[5] == "50.0"
    assert compared().cost_columns()[1] == [
        ["teacher", "1.00×", "500", "90.3"], ["3 layers", "2.00×", "1,000", "69.0"],
    ]  # fmt: skip


def test_without_labels_the_teacher_is_no_row_to_compare_with():
    examples = {row: x for row, x in compared().examples.items() if row != "teacher"}
    found = compared("similarity", examples=examples)
    records = [{"row": "teacher", "seed": 0}, *found.records[1:]]
    header, cells = found._replace(records=records).columns()
    assert header[2:5] == ["100 ρ", "vs. its cut [95 %]", "same nearest, %"]
    assert cells[0] == ["teacher", "–", "–", "–", "–"]
    assert "ρ = 0.800" in found.sentence()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_page_is_as_wide_as_it_may_be(width):
    text = compared().text(width)
    assert max(map(len, text.splitlines())) <= width
    assert "1 of 4 students" in text and "a note" in text
    assert ("not shown in" in text) == (width < 200)
    lines = compared().markdown().splitlines()
    assert sum(line.startswith("|---") for line in lines) == 2


def test_all_diverged():
    records = [r for r in compared().records if r["row"] != ROW or "diverged" in r]
    examples = {row: x for row, x in compared().examples.items() if row != ROW}
    found = compared(records=records, examples=examples, best=None)
    assert found.columns()[1][-1][:3] == [ROW, "–", "diverged"]


def test_too_few_test_texts_are_the_reason_and_no_interval_is_a_number():
    for count in (1, 2):
        few = {
            row: {seed: x[:count] for seed, x in found.items()}
            for row, found in compared().examples.items()
        }
        given = compared(examples=few)
        text = given.markdown()
        assert "fewer than 3 test texts: no verdict" in given.sentence() and "nan" not in text


@pytest.mark.parametrize("texts", [2, 10])
def test_of_a_run_that_is_not_judged_the_one_thing_said_is_why(texts):
    examples = {
        row: {seed: x[:texts] for seed, x in found.items()}
        for row, found in compared().examples.items()
    }
    found = compared(examples=examples, unjudged=WHY)
    assert f"; {WHY}. It has" in found.sentence()
    for page in (found.text(80), found.text(120), found.markdown()):
        assert not judging(page) and " ".join(page.split()).count("no verdict") == 1
    assert {x.verdict for x in found.against_cut().values()} == {statistics.NO_VERDICT}
