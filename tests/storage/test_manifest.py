"""The manifest tells the truth of a run: of its beginning and of every process."""

import json
import signal
import subprocess
import sys
import threading
import time

import pytest
from begun_runs import A, B, begun, done, left, said

from kd_jax.errors import InputError
from kd_jax.storage import manifest, provenance


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


@pytest.mark.parametrize("name, value", [
    ("finished", "yesterday"), ("finished", True), ("finished", 5), ("finished", None),
    ("finished", "2026-01-01T00:00:00"), ("clean", "yes"), ("clean", 1), ("clean", []),
    ("device", 3), ("device", {}), ("commit", 7), ("experiment", ["demo"]),
    ("seconds", {"total": float("nan")}), ("seconds", {"total": -1}), ("seconds", 5),
])  # fmt: skip
def test_a_field_that_is_no_such_is_damage(tmp_path, name, value):
    run = begun(tmp_path)
    done(run)
    path = run.path("manifest.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(InputError, match="manifest.json is damaged"):
        manifest.read(run.folder)
    assert manifest.sound(run.folder) == {} and not manifest.finished(run.folder)


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
