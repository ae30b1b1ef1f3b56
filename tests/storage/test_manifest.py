"""The manifest tells the truth of a run: of its beginning, of every process, of its teachers."""

import json
import signal
import subprocess
import sys
import threading
import time
import types

import jax
import numpy as np
import pytest

from kd_jax.errors import InputError
from kd_jax.storage import commits, manifest, model_store, provenance
from kd_jax.storage.run_folder import Run

A, B = {"commit": "a" * 40, "clean": True}, {"commit": "b" * 40, "clean": True}


def begun(workdir, code=A, flags=(), **settings):
    """An open run, as if the code were of this commit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commits, "of_code", lambda: code)
        run = Run(workdir, "demo", settings, {"data": "abc"}, flags=flags)
    run.open()
    return run


def said(run):
    return json.loads(run.path("manifest.json").read_text())


def left(run):
    """The run after its process died."""
    run._lock.release()
    return run


def done(run):
    run.conclude(lambda folder: "")
    return said(run)


def test_the_beginning_is_told_when_the_folder_opens(tmp_path):
    before = manifest.now()
    run = begun(tmp_path, flags=["--seeds=2", "--workdir=my runs"])
    found = said(run)
    command = "./run.sh demo --seeds=2 '--workdir=my runs'"
    expected = {**A, "experiment": "demo", "command": command, "data": "abc"}
    expected |= provenance.of_results()
    assert {name: found[name] for name in expected} == expected
    assert before <= found["began"] <= manifest.now()
    (process,) = found["processes"]
    known = {name: found[name] for name in ("began", "commit", "clean", "command", "device")}
    assert process == {**known, "seconds": process["seconds"]}
    assert not manifest.finished(run.folder)
    ended = done(run)
    assert manifest.finished(run.folder) and before <= ended["finished"] <= manifest.now()
    assert {name: ended[name] for name in expected} == expected


def test_a_run_names_the_commit_that_it_began_at_and_those_of_all_its_processes(
    tmp_path, monkeypatch
):
    first = said(left(begun(tmp_path, A, flags=["--data_dir=x"])))
    monkeypatch.setattr(manifest, "now", lambda: "9999-12-31T23:59:59+00:00")
    found = done(begun(tmp_path, B, flags=["--data_dir=y"]))
    for name in ("began", "commit", "command", "device", "clean"):
        assert found[name] == first[name]
    assert [process["commit"] for process in found["processes"]] == [A["commit"], B["commit"]]
    assert [process["command"][-1] for process in found["processes"]] == ["x", "y"]
    assert found["processes"][1]["began"] > found["began"]


def test_a_run_is_clean_if_all_its_processes_were(tmp_path):
    changed = {**A, "clean": False, "changed": ["kd_jax/b.py"]}
    nowhere = {"commit": None, "clean": None}
    for number, (codes, clean, files) in enumerate([
        ((A, B), True, None),
        ((A, changed, B), False, ["kd_jax/b.py"]),
        (
            ({**changed, "changed": ["kd_jax/c.py"]}, A, changed),
            False,
            ["kd_jax/b.py", "kd_jax/c.py"],
        ),
        ((A, nowhere), None, None),
        ((nowhere, changed), False, ["kd_jax/b.py"]),
    ]):  # fmt: skip
        for code in codes[:-1]:
            left(begun(tmp_path, code, number=number))
        found = done(begun(tmp_path, codes[-1], number=number))
        assert (found["clean"], found.get("changed")) == (clean, files)


KILLED = """
import os, signal, sys, time
from kd_jax.storage import manifest
from kd_jax.storage.run_folder import Run

manifest.EVERY = 0.1
run = Run(sys.argv[1], "demo", {}, {"data": "abc"})
run.open()
run.notes(teachers={"t": {"restored": False}})
time.sleep(0.5)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_seconds_of_a_process_that_was_killed_count(tmp_path):
    ended = subprocess.run([sys.executable, "-c", KILLED, tmp_path])
    assert ended.returncode == -signal.SIGKILL
    run = begun(tmp_path)
    run.notes(teachers={"t": {"restored": True}})
    time.sleep(0.3)
    found = done(run)
    first, second = (process["seconds"] for process in found["processes"])
    assert 0.4 < first < 3 and 0.3 <= second < 3
    assert found["seconds"] == {"total": pytest.approx(first + second, abs=0.011)}
    assert found["teachers"] == {"t": {"restored": False}}  # noted before the kill


def test_appending_keeps_the_seconds_current(tmp_path):
    run = begun(tmp_path)
    time.sleep(0.2)
    run.append([{"row": "a", "seed": 0}])
    assert said(run)["seconds"]["total"] >= 0.2


def test_nothing_is_written_after_the_lock_is_given_up_or_the_run_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "EVERY", 0.01)
    before = set(threading.enumerate())
    run, other = left(begun(tmp_path)), begun(tmp_path)
    assert run.folder == other.folder
    time.sleep(0.1)
    assert len(said(other)["processes"]) == 2
    threads = set(threading.enumerate()) - before
    assert len(threads) == 2
    del run, other
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "\udcff", '{"processes": 3}', '{"processes": [{}]}', None]
)
def test_a_run_goes_on_without_a_sound_manifest_and_says_that_it_lost_its_beginning(tmp_path, text):
    run = begun(tmp_path)
    run.append([{"row": "a", "seed": 0}])
    path = left(run).path("manifest.json")
    path.unlink()
    if text is not None:
        path.write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(InputError, match="manifest.json is damaged .*the same command goes on"):
            manifest.read(run.folder)
    again = begun(tmp_path, B)
    assert again.folder == run.folder and again.records()[0]["row"] == "a"
    found = done(again)
    assert found["experiment"] == "demo" and found["data"] == "abc"
    assert found["commit"] is found["clean"] is found["began"] is None
    assert [process["commit"] for process in found["processes"]] == [None, B["commit"]]


def test_a_run_is_not_finished_until_that_is_written(tmp_path, monkeypatch):
    """The disk is full just then; afterwards there is room."""
    run = begun(tmp_path)

    def full(path, text):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError) as error:
        patch.setattr(manifest.jsonl, "write_whole", full)
        run._manifest.finish()
    run.leave(error.value)
    assert not manifest.finished(run.folder) and run.path("failed.txt").exists()
    again = begun(tmp_path)
    assert again.folder == run.folder and not run.path("failed.txt").exists()
    done(again)
    again.leave(error.value)
    assert manifest.finished(run.folder) and not run.path("failed.txt").exists()


def test_what_cannot_be_replaced_is_one_line(tmp_path):
    run = left(begun(tmp_path))
    run.path("manifest.json").unlink()
    run.path("manifest.json").mkdir()
    with pytest.raises(InputError, match="cannot write there .Is a directory"):
        begun(tmp_path)


def test_what_is_first_said_stays():
    first, later = {"a": 1, "b": {"c": 2}}, {"a": 3, "b": {"c": 4, "d": 5}, "e": 6}
    assert manifest.joined(first, later) == {"a": 1, "b": {"c": 2, "d": 5}, "e": 6}


PARAMS = {"w": np.arange(3, dtype=np.float32)}


def asked(run, clock, took, dies=()):
    """The run's teacher, whose training takes so many seconds by the clock up to each snapshot."""

    def train(snapshots):
        for number, seconds in enumerate(took, 1):
            clock[0] += seconds
            snapshots.part("half").save(number, PARAMS)
            if number in dies:
                clock[0] += 1000  # for nothing: the next process begins at the snapshot
                raise KeyboardInterrupt
        clock[0] += 1
        return PARAMS

    return model_store.of_run(
        run, {"t": 1}, train, jax.eval_shape(lambda: PARAMS), row="teacher", data="digits"
    )


@pytest.fixture
def clock(monkeypatch):
    found = [50.0]
    monkeypatch.setattr(model_store, "time", types.SimpleNamespace(monotonic=lambda: found[0]))
    return found


def about(run):
    (found,) = said(run)["teachers"].values()
    assert found.pop("row") == "teacher" and found.pop("data") == "digits"
    return found


def test_a_manifest_tells_who_trained_a_teacher_and_how_long(tmp_path, clock):
    """It trained it, found it ready; trained it and was killed after that; was given half of it."""
    first = begun(tmp_path, x=1)
    found = asked(first, clock, [20, 30])
    assert about(first) == {"restored": False, "ready": 0.0, "seconds": 51.0}
    assert list(said(first)["teachers"]) == [found.fingerprint]
    again = begun(tmp_path, x=2)
    asked(again, clock, [])
    assert about(again) == {"restored": True, "ready": 51.0, "seconds": 51.0}
    resumed = begun(tmp_path, x=1) if left(first) else None
    asked(resumed, clock, [])
    assert about(resumed) == {"restored": False, "ready": 0.0, "seconds": 51.0}


def test_seconds_of_a_teacher_are_those_of_all_who_trained_it(tmp_path, clock):
    killed = begun(tmp_path, x=1)
    with pytest.raises(KeyboardInterrupt):
        asked(killed, clock, [20, 30], dies=[2])
    assert about(killed) == {"restored": False, "ready": 0.0}
    other = begun(tmp_path, x=2)
    found = asked(other, clock, [7])
    assert found.seconds == 20 + 30 + 7 + 1 and not found.restored
    assert about(other) == {"restored": False, "ready": 50.0, "seconds": 58.0}
    resumed = begun(tmp_path, x=1) if left(killed) else None
    assert asked(resumed, clock, []).seconds == 58
    assert about(resumed) == {"restored": False, "ready": 0.0, "seconds": 58.0}
    resumed.retrain = True
    assert asked(resumed, clock, [5]).seconds == 6


def test_what_teachers_took_before_a_run_asked_for_them():
    teachers = {
        "a": {"restored": True, "ready": 8.5, "seconds": 8.5},
        "b": {"ready": 2, "seconds": 9},
    }
    assert manifest.ready_seconds({"teachers": teachers}) == 10.5
    older = {"a": {"row": "teacher", "seconds": 8.5}}
    for unknown in ({}, {"teachers": older}, {"teachers": "f1 f2"}, {"teachers": {"a": "f1"}}):
        assert manifest.ready_seconds(unknown) == 0
