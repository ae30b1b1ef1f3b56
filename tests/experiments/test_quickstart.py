"""The main job at its smallest, as a user runs it: twice, from the command line."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import fuzzing
import numpy as np
import pytest

from experiments.quickstart import report
from kd_jax.data import mnist_5k
from kd_jax.errors import InputError
from kd_jax.storage import manifest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    return tmp_path_factory.mktemp("work dir")


def command(workdir, *arguments):
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "experiments",
            "quickstart",
            "--preset=smoke",
            f"--workdir={workdir}",
        ]
        + list(arguments),
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


def finished(workdir):
    return sorted(folder for folder in workdir.glob("quickstart/*") if manifest.finished(folder))


def test_two_runs_give_the_same_records_and_one_teacher(workdir):
    first, second = command(workdir), command(workdir)
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert ": trained in " in first.stdout and ": restored (" in second.stdout
    one, two = finished(workdir)
    assert (one / "records.jsonl").read_bytes() == (two / "records.jsonl").read_bytes()
    assert (one / "table.md").read_text() in first.stdout
    records = [json.loads(line) for line in (one / "records.jsonl").read_text().splitlines()]
    # 2 seeds of labels, smoothing, soft and mixed at two temperatures, permuted; and the teacher
    assert len(records) == 2 * (2 + 2 + 2 + 1) + 1
    assert all(r["experiment"] == "quickstart" and r["test_errors"] > 0 for r in records)
    for name in ("errors_by_temperature.png", "soft_targets.png"):
        assert (one / name).read_bytes().startswith(b"\x89PNG")
    said, again = manifest.read(one), manifest.read(two)
    assert said["data"] == mnist_5k.DIGEST and said["versions"]["jax"]
    assert [x["restored"] for x in said["teachers"].values()] == [False]
    assert [x["restored"] for x in again["teachers"].values()] == [True]
    assert manifest.ready_seconds(said) == 0 < manifest.ready_seconds(again)
    assert said["command"] == f"./run.sh quickstart --preset=smoke '--workdir={workdir}'"


def test_a_corrupted_teacher_is_refused_and_retrain_heals_it(workdir):
    (folder,) = (workdir / "teachers").iterdir()
    for path in (folder / "params").rglob("d/*"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    refused = command(workdir)
    assert refused.returncode == 2 and "Traceback" not in refused.stderr
    assert str(folder) in refused.stderr and "--retrain" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert command(workdir, "--retrain").returncode == 0


def test_the_digits_are_stratified_and_disjoint():
    data = mnist_5k.load()
    for split, count in zip((data.train, data.validation, data.test), (300, 50, 150)):
        assert np.bincount(split.labels).tolist() == [count] * 10
        assert split.inputs.min() == 0 and split.inputs.max() == 1
    seen = [image.tobytes() for split in data[2:5] for image in split.inputs]
    assert len(seen) == 5000 and len(set(seen)) >= 4990


def test_changed_digits_are_refused(tmp_path, monkeypatch):
    changed = tmp_path / "mnist_5k.npz"
    monkeypatch.setattr(mnist_5k, "FILE", changed)
    np.savez(changed, images=np.zeros((1, 28, 28), np.uint8), labels=np.ones(1, np.uint8))
    with pytest.raises(InputError, match="mnist_5k.npz has SHA-256"):
        mnist_5k.load()
    for damaged in (b"no archive", b""):
        changed.write_bytes(damaged)
        with pytest.raises(InputError, match="mnist_5k.npz is unreadable"):
            mnist_5k.load()


def test_temperature_is_chosen_on_validation_alone():
    records = [
        {"row": "a", "family": "f", "seed": 0, "validation_errors": 5, "validation_nll": 0.2},
        {"row": "b", "family": "f", "seed": 0, "validation_errors": 4, "validation_nll": 0.3},
        {"row": "c", "family": "f", "seed": 0, "validation_errors": 4, "validation_nll": 0.1},
    ]
    assert report.chosen(records, "f") == "c"


def test_a_changed_byte_in_what_a_table_is_made_of_is_refused(tmp_path):
    kept = ROOT / "experiments" / "quickstart" / "records"
    for name in ("records.jsonl", "costs.json"):
        shutil.copy(kept / name, tmp_path)
    files, table = sorted(tmp_path.iterdir()), (kept / "table.md").read_text()
    fuzzing.count_flips("table", files, lambda: report.table(tmp_path), table.__eq__)


@pytest.fixture
def clone(tmp_path):
    """run.sh in a folder with a space in its name, with this environment as its .venv."""
    folder = tmp_path / "a clone"
    folder.mkdir()
    for name in ("run.sh", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    for name in ("kd_jax", "experiments", ".ci"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv" / "bin").mkdir(parents=True)
    python = folder / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\n[ "$2" = pip ] || exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return folder


def shell(clone, *arguments, cwd="/"):
    environment = {**os.environ, "HOME": "/proc"}  # a home that nobody can write to
    return subprocess.run(
        [clone / "run.sh", *arguments], capture_output=True, text=True, cwd=cwd, env=environment
    )


def test_the_launcher_lists_names_and_refuses(clone):
    listed = shell(clone, "--help")
    assert listed.returncode == 0 and "quickstart" in listed.stdout and "people" in listed.stdout
    unknown = shell(clone, "peple")
    assert unknown.returncode == 2 and "did you mean people?" in unknown.stderr
    assert shell(clone, "../etc").returncode == 2


def test_the_launcher_runs_from_another_folder_in_a_read_only_home(clone, tmp_path):
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    done = shell(clone, "--preset=smoke", "--temperatures=2", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert len(finished(elsewhere / "runs")) == 1
