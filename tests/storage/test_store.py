"""What is written can be trusted when it is read, and what cannot be trusted is refused."""

import concurrent.futures
import json
import os
import re

import jax
import numpy as np
import pytest

from kd_jax import fingerprint
from kd_jax.errors import InputError
from kd_jax.metrics import records
from kd_jax.storage import array_cache, checkpoint, commits, jsonl, model_store
from kd_jax.storage.run_folder import Run

PARAMS = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "key": jax.random.key(3)}
FACTS = {"epochs": 3, "data": "abc"}


def stored(workdir, facts=FACTS, retrain=False, params=PARAMS):
    calls = []

    def train(snapshots):
        calls.append(snapshots)
        return params

    like = jax.eval_shape(lambda: PARAMS)
    found = model_store.fit_or_restore(workdir, facts, train, like, retrain=retrain)
    return found, len(calls)


def test_a_teacher_is_trained_once_and_found_by_its_facts(tmp_path):
    first, trained = stored(tmp_path)
    again, trained_again = stored(tmp_path)
    assert (trained, trained_again) == (1, 0) and again.restored
    np.testing.assert_array_equal(again.params["w"], PARAMS["w"])
    assert (jax.random.key_data(again.params["key"]) == jax.random.key_data(PARAMS["key"])).all()
    other, trained_other = stored(tmp_path, {**FACTS, "epochs": 4})
    assert trained_other == 1 and other.fingerprint != first.fingerprint
    assert stored(tmp_path, retrain=True)[1] == 1


def test_a_flipped_byte_in_a_checkpoint_is_never_trusted(tmp_path):
    """Bytes all over every file, the seal's among them."""
    found, _ = stored(tmp_path)
    files = [p for p in found.folder.rglob("*") if p.is_file() and p.stat().st_size]
    refused = 0
    for path in files:
        data = path.read_bytes()
        for place in range(0, len(data), max(1, len(data) // 8)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
            try:
                stored(tmp_path)
                raise AssertionError(f"{path} byte {place} was trusted")
            except InputError as error:
                refused += 1
                assert str(found.folder) in str(error) and "--retrain" in str(error)
                assert "\n" not in str(error)
        path.write_bytes(data)
    assert refused >= 10


def test_a_checkpoint_without_its_seal_does_not_exist(tmp_path):
    """So ends a process killed while it saves: the teacher is trained again."""
    found, _ = stored(tmp_path)
    (found.folder / "params.seal").unlink()
    assert stored(tmp_path)[1] == 1
    assert stored(tmp_path)[1] == 0


def test_a_missing_part_of_a_checkpoint_is_refused(tmp_path):
    found, _ = stored(tmp_path)
    next((found.folder / "params" / "state").glob("d/*")).unlink()
    with pytest.raises(InputError, match="--retrain"):
        stored(tmp_path)


ONES = np.ones((3, 2), np.float32)


def outputs(found, inputs=ONES):
    return model_store.outputs(found, lambda p, x: x @ p["w"], inputs)


def test_outputs_are_computed_once(tmp_path):
    found, _ = stored(tmp_path)
    # ones [3, 2] times rows (0 1 2) and (3 4 5): 3 5 7
    np.testing.assert_array_equal(outputs(found), np.tile([3.0, 5, 7], (3, 1)))
    restored, _ = stored(tmp_path)
    np.testing.assert_array_equal(outputs(restored), outputs(found))
    assert len(list(found.folder.glob("outputs-*"))) == 1
    outputs(restored, np.zeros((4, 2), np.float32))
    assert len(list(found.folder.glob("outputs-*"))) == 2


def test_fingerprints_see_names_shapes_and_values():
    base = {"a": np.zeros(4, np.float32)}
    others = [
        {"b": np.zeros(4, np.float32)},
        {"a": np.zeros((2, 2), np.float32)},
        {"a": np.zeros(4, np.int32)},
        {"a": np.array([0, 0, 0, -0.0], np.float32)},
    ]
    digests = {fingerprint.arrays(tree) for tree in [base, *others]}
    assert len(digests) == 5


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


def test_outputs_are_computed_again_by_other_code(tmp_path):
    found, _ = stored(tmp_path)
    found = found._replace(restored=True)
    once = model_store.outputs(found, times_one, ONES)
    np.testing.assert_array_equal(2 * once, model_store.outputs(found, times_two, ONES))


def times_one(params, x):
    return x @ params["w"]


def times_two(params, x):
    return 2 * x @ params["w"]


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
    with pytest.raises(InputError, match="line 1 is damaged .it has no check"):
        run.records()


def test_a_checkpoint_of_other_shapes_is_refused(tmp_path):
    checkpoint.save(tmp_path / "c", PARAMS, FACTS)
    like = jax.eval_shape(lambda: {**PARAMS, "w": np.zeros((5, 5), np.float32)})
    with pytest.raises(InputError, match=r"c holds w \(2, 3\), expected \(5, 5\)"):
        checkpoint.load(tmp_path / "c", like)


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


def test_what_a_killed_process_left_for_going_on_is_removed_in_the_end(tmp_path):
    """It was killed after its results were kept and before it removed its snapshots."""
    run = Run(tmp_path, "demo", {})
    run.snapshots(row="a").save(1, PARAMS)
    run.append([{"row": "a", "seed": 0}])
    run.conclude(lambda folder: "")
    found, _ = stored(tmp_path)
    checkpoint.Snapshots(found.folder / "training", FACTS).save(1, PARAMS)
    stored(tmp_path)
    assert not list(tmp_path.rglob("training*"))


@pytest.mark.parametrize("name", ["teacher", "data", "code", "numerics"])
def test_outputs_of_other_facts_are_refused_with_both_fingerprints(tmp_path, monkeypatch, name):
    """They lie where those that are wanted would: of another teacher, data, code or option."""
    facts = {"teacher": "one", "data": "abc", "code": "new"}
    wanted = {**facts, **fingerprint.surroundings()}
    other = facts if name == "numerics" else facts | {name: "other"}
    with monkeypatch.context() as patch:
        if name == "numerics":
            patch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
        array_cache.cached(tmp_path, other, lambda: {"logits": ONES})
    (path,) = tmp_path.glob("outputs-*.npz")
    made, other = path.stem.removeprefix("outputs-"), fingerprint.of(wanted)
    path.rename(tmp_path / f"outputs-{other}.npz")
    with pytest.raises(InputError, match=f"of {made}, expected {other} .other {name}.: delete"):
        array_cache.cached(tmp_path, facts, lambda: {"logits": ONES})


def test_threads_may_save_at_the_same_time(tmp_path):
    """orbax's own temporary names and metadata collide when two threads save at once."""
    arrays = {"w": np.arange(6.0)}

    def save(number):
        for repeat in range(4):
            checkpoint.save(tmp_path / f"{number}-{repeat}" / "params", arrays, {})

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(4)))
    for number in range(4):
        found, _ = checkpoint.load(tmp_path / f"{number}-3" / "params", arrays)
        np.testing.assert_array_equal(found["w"], arrays["w"])
