"""The tables on reasoning, of records written by hand."""

import json

from experiments.reasoning import report, rows
from kd_jax.storage import jsonl


def written_run(folder):
    """A run folder of two arms, 10 and 90 % right with 3 and 30 tokens, and a perfect teacher."""
    more = {"problems": 50, "test_teacher_nll": 0.5, "train_tokens": 7, "teacher_scored": 0}
    teacher = {"row": rows.TEACHER, "seed": 0, "test_accuracy": 1.0, "test_tokens": 30.0}
    teacher |= {"test_by_steps": {"2": 0.0, "10": 0.0}, "tests": 250, "samples": 4}
    records = [teacher | {f"{name}_accuracy": 1.0 for name in ("vote", "sample", "solved")}]
    for row, right, tokens, writes in ((rows.ANSWER, 0.1, 3, 0), (rows.CHAINS, 0.9, 30, 61)):
        for seed in range(3):
            found = {"test_accuracy": right + 0.01 * seed, "test_tokens": tokens}
            found |= {"test_by_steps": {"10": 1 - right, "2": 0.5}, "teacher_generated": writes}
            records.append({"row": row, "seed": seed, **more, **found})
    (folder / "records.jsonl").write_text(jsonl.text(records))
    settings = {
        "task": "automaton",
        "validation_only": True,
        "seeds": 3,
        "steps": 40,
        "batch_size": 8,
    }
    (folder / "config.json").write_text(json.dumps(settings))


def test_the_table_says_what_the_records_say(tmp_path):
    written_run(tmp_path)
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in report.table(tmp_path).splitlines()
        if line.startswith("|")
    ]
    # 91 ± 1 over 3 seeds: 4.303 · 1 / √3 = 2.5; 91 points for 30 tokens
    assert [rows.CHAINS, "91.0 ± 1.0", "[88.5, 93.5]", "30.0", "3.03"] in [x[:5] for x in cells]
    pair = ["50 problems", rows.CHAINS, rows.ANSWER]
    verdicts = [x[3:] for x in cells if x[:3] == pair]
    assert verdicts[0][1] == "BEATS" and verdicts[0][0].startswith("+80.0 [")
    assert verdicts[1][1] == "INCONCLUSIVE"  # the teacher finds both equally likely
    assert ["method", "2 steps", "10 steps"] in cells  # in the order of numbers
    assert [rows.CHAINS, "50.0 ± 0.0", "10.0 ± 0.0"] in cells
    report.draw(tmp_path)
    assert (tmp_path / "reasoning.svg").stat().st_size > 5000


def test_a_row_of_equal_tokens_has_the_color_of_its_row():
    shown = rows.ANSWER, rows.TERSE, rows.CHAINS, rows.equal_tokens(rows.TERSE)
    looks = report.looks(shown)
    assert [*looks] == [*shown]
    assert looks[shown[3]] == looks[rows.TERSE] != looks[rows.CHAINS]


def test_intervals_of_several_teachers_are_of_their_means(tmp_path):
    written_run(tmp_path)
    one = jsonl.records(tmp_path)
    two = [r | {"teacher_seed": 1, "test_accuracy": r["test_accuracy"] + 0.04} for r in one]
    (tmp_path / "records.jsonl").write_text(jsonl.text([*one, *two]))
    table = report.table(tmp_path)
    assert "over 3 students of each of 2 teachers" in table and "The teacher of seed 1 " in table
    # means of 91 and 95 %: 93 ± 12.71 · 2.83 / √2, and no accuracy is above 100
    assert [line for line in table.splitlines() if rows.CHAINS in line and "[67.6, 100.0]" in line]
