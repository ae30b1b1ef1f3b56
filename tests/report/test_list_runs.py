"""The list of runs: what state each is in, and the command that goes on with it."""

import os
import subprocess
import sys

import pytest

from kd_jax import experiment
from kd_jax.errors import InputError
from kd_jax.report import list_runs
from kd_jax.storage import manifest
from kd_jax.storage.run_folder import Run


def begun(run):
    """The run, its folder opened."""
    assert run.folder.is_dir()
    return run


def ended(run):
    """The folder of a run whose process is gone."""
    run._lock.release()
    return run.folder


def test_every_state_and_what_to_do_then(tmp_path):
    done = Run(tmp_path, "demo", {"seeds": 1})
    done.append([{"row": "a", "seed": 0}])
    done.conclude(lambda folder: "")
    busy = Run(tmp_path, "demo", {"seeds": 2})
    busy.append([{"row": "a", "seed": 0}, {"row": "a", "seed": 1}])
    flags = ["--seeds=2", "--workdir=my runs"]
    left = ended(begun(Run(tmp_path, "demo", {"seeds": 3}, flags=flags)))
    bad = Run(tmp_path, "demo", {"seeds": 4})
    bad.append([{"row": "a", "seed": 0}])
    bad.path("records.jsonl").write_text("nonsense\n")
    assert list_runs.state(ended(done))[0] == list_runs.FINISHED
    assert list_runs.state(busy.folder) == (list_runs.RUNNING, "2 records so far")
    again = "./run.sh demo --seeds=2 '--workdir=my runs'"
    assert list_runs.state(left) == (list_runs.RESUMABLE, f"0 records so far; resume: {again}")
    assert (
        list_runs.state(ended(bad))[0] == list_runs.FAILED
        and "line 1" in list_runs.state(bad.folder)[1]
    )
    assert list_runs.listed(tmp_path).count("\ndemo/") == 3


def test_settings_are_folded_to_the_terminal_and_commands_are_not(tmp_path, monkeypatch):
    settings = {f"setting_of_some_length_{n}": n for n in range(6)}
    flags = [f"--{name}={n}" for name, n in settings.items()]
    ended(begun(Run(tmp_path, "demo", settings, flags=flags)))
    monkeypatch.setattr(list_runs.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    lines = list_runs.listed(tmp_path).splitlines()
    (resume,) = (x for x in lines if "./run.sh demo" in x)
    assert all(flag in resume for flag in flags)
    beside = [x for x in lines if x != resume and "rm -r" not in x]
    assert max(map(len, beside)) <= 60 and all(flag in "\n".join(beside) for flag in flags)


ERRORS = [KeyboardInterrupt(), InputError("--x=1: expected 2")]


def struck(config, run):
    """An experiment that opens its folder and is ended then: refused first, interrupted later."""
    begun(run)
    raise ERRORS.pop()


def test_an_error_is_what_a_failed_run_says_until_it_goes_on(tmp_path):
    argv = ["demo", f"--workdir={tmp_path}"]
    with pytest.raises(SystemExit):
        experiment.launch("demo", experiment.Config, lambda: (struck, None, None), argv)
    (folder,) = tmp_path.glob("demo/*")
    assert list_runs.state(folder) == (list_runs.FAILED, "error: --x=1: expected 2")
    config = experiment.parse(experiment.Config, argv)
    with pytest.raises(KeyboardInterrupt):  # in the same process: its lock was given up
        experiment.perform("demo", config, lambda: (struck, None, None))
    command = f"./run.sh demo --workdir={tmp_path}"
    assert list_runs.state(folder) == (
        list_runs.RESUMABLE, f"0 records so far; resume: {command}"
    )  # fmt: skip
    assert len(manifest.read(folder)["processes"]) == 2 and not manifest.finished(folder)


def test_without_runs_or_folder_one_line_says_so(tmp_path):
    assert (
        list_runs.listed(tmp_path) == f"{tmp_path} holds no runs yet: ./run.sh begins the first\n"
    )
    command = [sys.executable, "-m", "kd_jax.report.list_runs", str(tmp_path / "none")]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 2 and found.stderr.count("\n") == 1
    assert "none is no folder: expected the --workdir of a run" in found.stderr


@pytest.mark.parametrize("name", ["records.jsonl", "manifest.json", "failed.txt", "command.txt"])
@pytest.mark.parametrize("damage", ["folder", "pipe", "bytes"])
def test_a_damaged_run_folder_is_a_line_among_the_others(tmp_path, name, damage):
    folder = ended(begun(Run(tmp_path, "demo", {})))
    ended(begun(Run(tmp_path, "demo", {"sound": 1})))
    (folder / name).unlink(missing_ok=True)
    if damage == "folder":
        (folder / name).mkdir()
    elif damage == "pipe":
        os.mkfifo(folder / name)
    else:
        (folder / name).write_bytes(b"\xff\xfe\n")
    found = list_runs.listed(tmp_path)
    assert found.count("  failed, ") == 1 and found.count("  resumable, ") == 1


def test_names_and_reasons_are_shown_without_their_control_characters(tmp_path):
    folder = ended(begun(Run(tmp_path, "demo", {"seeds": 1})))
    (folder / "failed.txt").write_text("\x1b[31mred\x9b\n")
    folder.rename(folder.with_name("odd\x07"))
    shown = list_runs.listed(tmp_path)
    assert "demo/odd\\x07" in shown and "\\x1b[31mred\\x9b" in shown
    assert all(line.isprintable() for line in shown.splitlines())


def test_a_run_is_listed_with_the_files_that_it_is_of(tmp_path):
    flags = ["--data", "my chats.jsonl", "--student=small", "--layers=2", "--out=o", "--workdir=w"]
    begun(Run(tmp_path, "distill_lm", {"layers": 2, "seeds": 1}, flags=flags))
    said = list_runs.listed(tmp_path).splitlines()[0]
    assert said.endswith(", '--data=my chats.jsonl' --student=small --layers=2")
