"""A run's records are appended whole and once, go on where they ended, and damage is named."""

import json
import os
import re

import numpy as np
import pytest
from verdict_words import WHY

from kd_jax.errors import InputError
from kd_jax.metrics import records
from kd_jax.storage import commits, jsonl
from kd_jax.storage.run_folder import Run

PARAMS = {"w": np.arange(6, dtype=np.float32).reshape(2, 3)}


def test_an_unfinished_run_is_continued_and_a_finished_one_is_kept(tmp_path):
    first = Run(tmp_path, "demo", {"seeds": 2})
    first.append([{"row": "a", "seed": 0}])
    with pytest.raises(InputError, match="demo/.*-1 is being written by another process: wait"):
        Run(tmp_path, "demo", {"seeds": 2}).records()
    assert Run(tmp_path, "demo", {"seeds": 3}).folder != first.folder
    first._lock.release()
    again = Run(tmp_path, "demo", {"seeds": 2})
    assert again.folder == first.folder and again.records()[0]["row"] == "a"
    again.conclude(lambda folder: "")
    assert Run(tmp_path, "demo", {"seeds": 2}).folder != first.folder  # though it is still locked


def test_a_process_that_dies_while_appending_leaves_the_records_as_they_were(tmp_path, monkeypatch):
    run = Run(tmp_path, "demo", {})
    run.append([{"row": "a", "seed": 0}])

    def dies(file):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", dies)
    with pytest.raises(KeyboardInterrupt):
        run.append([{"row": "b", "seed": 0}, {"row": "b", "seed": 1}])
    assert jsonl.among(run.records(), dict(row="a", seed=0)) and not jsonl.among(
        run.records(), dict(row="b")
    )


def test_a_record_that_stands_there_already_is_refused_by_name(tmp_path):
    """As when a script of one's own appends again what its first process recorded."""
    run = Run(tmp_path, "demo", {})
    run.append([{"row": "labels only", "seed": 0, "errors": 3}])
    before = run.path("records.jsonl").read_bytes()
    with pytest.raises(InputError, match="holds a record of row labels only, seed 0 already"):
        run.append([{"row": "soft", "seed": 0}, {"row": "labels only", "seed": 0, "errors": 4}])
    with pytest.raises(InputError, match="row soft, seed 1, part a already"):
        run.append([{"row": "soft", "seed": 1, "part": "a"}] * 2)
    assert run.path("records.jsonl").read_bytes() == before
    run.append([{"row": "labels only", "seed": 0, "part": "b"}, {"row": "labels only", "seed": 1}])
    run.append([{"row": "soft", "seed": 0, "width": n} for n in (1, 2)], by=["width"])


def test_numbers_of_float32_are_recorded_with_the_digits_that_they_need(tmp_path):
    """0.1 in float32 is 0.100000001490116…, which the double nearest to it has with 17 digits."""
    record = {
        "row": "a", "test_nll": 0.10000000149011612, "seconds": 0.1, "seed": 3, "lost": None,
        "curve": (0.9506000280380249, 1e-30, float("inf")), "layers": [{"cka": 0.3333333432674408}],
    }  # fmt: skip
    run = Run(tmp_path, "demo", {})
    run.append([record])
    (short,) = run.records()
    assert json.dumps(short) == json.dumps({
        "experiment": "demo", "row": "a", "test_nll": 0.1, "seconds": 0.1, "seed": 3, "lost": None,
        "curve": [0.9506, 1e-30, float("inf")], "layers": [{"cka": 0.33333334}],
    })  # fmt: skip
    assert np.float32(short["curve"][0]) == np.float32(record["curve"][0])
    assert type(short["seed"]) is int


def test_a_run_prints_what_is_published_of_it(tmp_path, capsys):
    """Means of 0.05 and 0.15 in float32, which are 0.1000000033… with 17 digits and 0.1 with 2."""
    run = Run(tmp_path, "demo", {})
    run.append(records.seed_records("a", {"x": np.array([0.05, 0.15], np.float32)}))
    run.conclude(lambda folder: f"{np.mean([r['x'] for r in jsonl.records(folder)])}")
    assert run.path("table.md").read_text() == "0.1"
    assert capsys.readouterr().out.startswith("\n0.1\n")


def test_a_unit_of_work_that_a_number_of_float32_names_is_done_once(tmp_path):
    units = [({"rate": float(np.float32(0.1))}, lambda task: [{"row": "a", "seed": 0}])]
    run = Run(tmp_path, "demo", {})
    run.each(units)
    run.each(units)
    assert [r["rate"] for r in run.records()] == [0.1]


def test_a_unit_of_work_is_done_once_and_recorded_whole(tmp_path):
    calls = []

    def work(task):
        calls.append(task.known)
        task.execution.snapshots.save(1, PARAMS)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return [{"row": "x", "seed": seed} for seed in range(2)]

    units = [({"part": part}, work) for part in "ab"]
    run = Run(tmp_path, "demo", {})
    with pytest.raises(KeyboardInterrupt):
        run.each(units)
    assert [(r["part"], r["seed"]) for r in run.records()] == [("a", 0), ("a", 1)]
    run._lock.release()
    again = Run(tmp_path, "demo", {})
    assert again.snapshots(part="b").restore(PARAMS)[0] == 1  # what it had saved is still there
    again.each(units)
    assert calls == [{"part": "a"}, {"part": "b"}, {"part": "b"}]
    assert [(r["part"], r["seed"]) for r in again.records()] == [
        (p, s) for p in "ab" for s in (0, 1)
    ]
    assert not list(again.folder.glob("training*/*"))


def test_a_manifest_holds_all_notes(tmp_path):
    """Two ensembles of one row and data set, as in the speech experiment."""
    run = Run(tmp_path, "demo", {}, {"data": "abc"})
    run.notes(teachers={"f1": {"row": "member"}}, commit="no")
    run.notes(teachers={"f2": {"row": "member"}})
    run.conclude(lambda folder: "")
    manifest = json.loads(run.path("manifest.json").read_text())
    assert manifest["teachers"] == {"f1": {"row": "member"}, "f2": {"row": "member"}}
    assert manifest["commit"] == commits.of_code()["commit"] and manifest["data"] == "abc"


@pytest.mark.parametrize(
    "settings, said",
    [({"seeds": 2}, True), ({"seeds": 3}, False), ({}, False), ({"seeds": 9, "teachers": 2}, True),
     ({"seeds": 1, "teachers": 3}, False)],
)  # fmt: skip
def test_fewer_than_three_seeds_are_told(tmp_path, capsys, settings, said):
    Run(tmp_path, "demo", settings).conclude(lambda folder: "table", lambda folder: None)
    assert ("fewer than three seeds: no verdicts" in capsys.readouterr().out) == said


def test_a_smoke_has_no_verdicts_and_says_why(tmp_path, capsys):
    table = (
        "| a | verdict | [1, 2] WORSE |\n|---|---|---|\n| WORSE cell | BEATS   | [1, 2] WORSE |\n"
    )
    for preset, ends in (("default", ("BEATS  ", "WORSE")), ("smoke", ("–      ", "–    "))):
        run = Run(tmp_path, "demo", {"seeds": 3, "preset": preset})
        run.conclude(lambda folder: table)
        printed, line = capsys.readouterr().out, f"| WORSE cell | {ends[0]} | [1, 2] {ends[1]} |"
        assert line in printed and line in run.path("table.md").read_text()
        assert printed.count(WHY) == (preset == "smoke") == bool(run.unjudged)


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("shown", ["", "a page\n"])
@pytest.mark.parametrize("table", ["all diverged", f"a; {WHY}."])
def test_why_a_smoke_has_no_verdicts_is_said_once(tmp_path, capsys, table, shown, seeds):
    run = Run(tmp_path, "demo", {"seeds": seeds, "preset": "smoke"})
    run.shown = shown and shown + table  # what a command prints says what its table.md does
    run.conclude(lambda folder: table)
    printed = capsys.readouterr().out
    assert printed.count(WHY) == printed.count("no verdict") == 1


def test_fields_that_are_tuples_name_a_unit_as_lists_do(tmp_path):
    run, calls = Run(tmp_path, "demo", {}), []

    def work(task):
        calls.append(task.known)
        return [{"row": "a", "seed": 0}]

    for _ in range(2):
        run.each([({"widths": (20, 20)}, work)])
    assert calls == [{"widths": [20, 20]}]


def test_a_field_that_would_be_taken_for_the_checksum_is_refused(tmp_path):
    run = Run(tmp_path, "demo", {})
    with pytest.raises(InputError, match="a record has a field 'check'"):
        run.append([{"row": "a", "seed": 0, "check": "mine"}])
    assert run.records() == []


def test_files_of_ones_own_in_a_run_folder_stay(tmp_path):
    run = Run(tmp_path, "demo", {})
    run.conclude(lambda folder: "", lambda folder: (folder / "training_curves.png").touch())
    assert run.path("training_curves.png").exists()


def test_what_names_a_run_is_settled_when_it_opens(tmp_path):
    run = Run(tmp_path, "demo", {})
    run.uses(data="abc")
    assert not run.is_open and not list(tmp_path.iterdir())
    assert run.folder != Run(tmp_path, "demo", {}).folder
    with pytest.raises(InputError, match="is open: its facts are settled"):
        run.uses(data="other")


APPENDED = [{"row": "a", "seed": 0, "x": 0.1}], [{"row": "b", "seed": s, "x": 2} for s in range(3)]


def appended(tmp_path):
    """(Run, file) with two appends, of one and of three records."""
    run = Run(tmp_path, "demo", {})
    for found in APPENDED:
        run.append(found)
    return run, run.path("records.jsonl")


def test_a_file_of_records_that_was_cut_off_is_repaired_by_the_next_append(tmp_path, capsys):
    """Wherever it ends: what was appended together is there as a whole or not at all."""
    run, path = appended(tmp_path)
    whole, text = run.records(), path.read_bytes()
    first = text.index(b"\n") + 1
    for end in range(len(text)):
        path.write_bytes(text[:end])
        assert run.records() == (whole[:1] if end >= first else [])
        assert ("cut off" in capsys.readouterr().err) == (end not in (0, first))
    run.append(APPENDED[1])
    assert path.read_bytes() == text


def test_a_flipped_bit_anywhere_in_a_record_is_named(tmp_path, capsys):
    """Only spaces between values may change: they say nothing; a lost end of line cuts it off.

    Of every byte four of the eight bits, in turn.
    """
    run, path = appended(tmp_path)
    whole, text = run.records(), path.read_bytes()
    silent = 0
    for place in range(len(text)):
        for bit in range(place % 2, 8, 2):
            changed = bytearray(text)
            changed[place] ^= 1 << bit
            path.write_bytes(changed)
            try:
                found = run.records()
            except InputError as error:
                assert re.search(r"records.jsonl line \d is damaged", str(error))
                continue
            if "cut off" in capsys.readouterr().err:
                assert place == len(text) - 1 and found == whole[:1]
                continue
            assert found == whole
            silent += 1
    assert silent <= text.count(b" ")  # a space has one neighbour that is white as well


def test_a_line_that_is_missing_in_the_middle_is_named(tmp_path):
    run, path = appended(tmp_path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], lines[3]]))
    with pytest.raises(InputError, match="line 3 is damaged .a line before it is missing"):
        run.records()
    path.write_text('{"row": 1}\n')
    with pytest.raises(InputError, match="line 1 has no check, as records of an earlier"):
        run.records()


def test_networks_that_diverged_are_left_out_and_named(tmp_path, capsys):
    metrics = {"test_nll": np.array([0.5, 0.7, np.nan]), "test_errors": np.array([3, 5, 9])}
    metrics |= {"classes": np.array(["ab", "cd", "ef"])}
    run = Run(tmp_path, "demo", {})
    run.append(records.seed_records("a", metrics, np.array([-1, 1200, -1]), part="x"))
    assert [r["seed"] for r in jsonl.records(run.folder)] == [0]
    assert jsonl.diverged(run.folder) == [
        {"experiment": "demo", "row": "a", "part": "x", "seed": 1, "diverged": 1200},
        {"experiment": "demo", "row": "a", "part": "x", "seed": 2, "diverged": None},
    ]
    assert jsonl.among(run.records(), dict(row="a", seed=2))  # and is not trained again
    run.conclude(lambda folder: f"{len(jsonl.records(folder))} network")
    table = run.path("table.md").read_text()
    assert table.startswith("1 network\n") and "- a, seed 1, at step 1,200\n- a, seed 2\n" in table


def test_a_table_that_nobody_is_left_for_is_one_line(tmp_path):
    run = Run(tmp_path, "demo", {})
    run.append(records.seed_records("a", {"test_nll": np.array([np.inf])}))
    with pytest.raises(InputError, match="1 networks diverged, too many for a table .a, seed 0"):
        run.conclude(lambda folder: {}["a"])
