"""The main job at its smallest: twice, its teacher damaged and renewed, and as a user runs it."""

import os
import pathlib
import shutil
import subprocess
import sys

import event_files
import fuzzing
import numpy as np
import pytest
from in_process import finished

from experiments.hyperparameters import config as hyperparameters
from experiments.quickstart import report
from experiments.quickstart.config import Config
from experiments.quickstart.rows import MIXED, SOFT
from kd_jax import experiment
from kd_jax.data import mnist_5k
from kd_jax.distill import students
from kd_jax.errors import InputError
from kd_jax.runtime import ending
from kd_jax.storage import jsonl, manifest

ROOT = pathlib.Path(__file__).parents[2]
FLAGS = [
    "--preset=smoke", "--nofast_compile", "--temperatures=1,3", "--teacher_width=20",
    "--teacher_epochs=3", "--student_width=10", "--student_epochs=2",
]  # fmt: skip


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A folder with a space in its name that commands are given in."""
    return tmp_path_factory.mktemp("else where")


def config(elsewhere, *flags):
    return experiment.parse(Config, ["x", *FLAGS, f"--workdir={elsewhere / 'runs'}", *flags])


@pytest.fixture(scope="module")
def folder(elsewhere):
    """The folder of a finished run in the folder runs there."""
    return finished("quickstart", config(elsewhere, "--log=tensorboard"))


def test_a_run_has_every_record_table_and_figure(folder, elsewhere):
    records = jsonl.records(folder)
    # 2 seeds of labels, smoothing, and at two temperatures soft, mixed, permuted; and the teacher
    assert len(records) == 2 * (2 + 2 + 2 + 2) + 1
    assert len({(r["row"], r["seed"]) for r in records}) == len(records)
    assert all(r["experiment"] == "quickstart" and r["test_errors"] > 0 for r in records)
    assert (folder / "table.md").read_text() == report.table(folder)
    for name in ("errors_by_temperature.svg", "soft_targets.svg"):
        assert (folder / name).read_text().count("<svg") == 1
    said = manifest.read(folder)
    assert said["data"] == mnist_5k.DIGEST and said["versions"]["jax"]
    assert [x["restored"] for x in said["teachers"].values()] == [False]
    assert manifest.ready_seconds(said) == 0
    assert said["command"].startswith("./run.sh quickstart ")
    assert f" '--workdir={elsewhere / 'runs'}' " in said["command"]


def test_a_run_has_the_curves_of_every_training(folder):
    """All that the records say, and a loss for each epoch of teacher and students."""
    found = event_files.scalars(folder)
    assert found[event_files.tag("teacher, seed 0/loss")].keys() == {1, 2, 3}
    assert found["16_students/loss"].keys() == {1, 2}
    for r in jsonl.records(folder):
        value = found[event_files.tag(f"{r['row']}/test_errors")][r["seed"]]
        assert value == r["test_errors"]


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


@pytest.mark.parametrize(
    "given, families",
    [
        (Config.PRESETS["confirm"]["temperatures"], (SOFT, MIXED)),
        ((hyperparameters.Config().temperature,), (SOFT,)),
    ],
    ids=["quickstart", "hyperparameters"],
)
def test_what_was_chosen_beforehand_is_what_the_committed_exploration_chose(given, families):
    """Presets hold T = 16; another exploration that chose otherwise asks for other ones."""
    explored = jsonl.records(ROOT / "experiments" / "quickstart" / "exploration")
    chosen = {report.chosen(explored, family) for family in families}
    assert {r["temperature"] for r in explored if r["row"] in chosen} == set(given)


def test_the_table_shows_the_control_at_the_chosen_temperature_alone(folder, tmp_path):
    """Validation is made to choose T = 3, or T = 1; each table has a control of that T only."""
    shutil.copy(folder / "config.json", tmp_path)
    shutil.copy(folder / "costs.json", tmp_path)
    for best, other in ((3, 1), (1, 3)):
        errors = {f"soft targets, T={best}": 1, f"soft targets, T={other}": 2}
        found = [
            r | ({"validation_errors": errors[r["row"]]} if r["row"] in errors else {})
            for r in jsonl.records(folder)
        ]
        (tmp_path / "records.jsonl").write_text(jsonl.text(found))
        text = report.table(tmp_path)
        assert f"soft targets, T={best} (chosen)" in text and f"soft targets, T={other} " in text
        assert f"permuted teacher, T={best} " in text and f"permuted teacher, T={other}" not in text


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
    # a home that nobody can write to, and one device as in this process
    environment = {**os.environ, "HOME": "/proc", "JAX_NUM_CPU_DEVICES": "1"}
    return subprocess.run(
        [clone / "run.sh", *arguments], capture_output=True, text=True, cwd=cwd, env=environment
    )


def test_the_launcher_lists_names_and_refuses(clone):
    listed = shell(clone, "--help")
    assert listed.returncode == 0 and "quickstart" in listed.stdout and "people" in listed.stdout
    unknown = shell(clone, "peple")
    assert unknown.returncode == 2 and "did you mean people?" in unknown.stderr
    assert shell(clone, "../etc").returncode == 2


def test_the_launcher_runs_from_another_folder_in_a_read_only_home(clone, folder, elsewhere):
    """A run like the one before it: of its teacher, to the same records."""
    done = shell(clone, *FLAGS, cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert ": restored (" in done.stdout and ": trained in " not in done.stdout
    (other,) = set((elsewhere / "runs" / "quickstart").iterdir()) - {folder}
    assert manifest.finished(other)
    assert (other / "records.jsonl").read_bytes() == (folder / "records.jsonl").read_bytes()
    assert (other / "table.md").read_text() in done.stdout
    said = manifest.read(other)
    assert [x["restored"] for x in said["teachers"].values()] == [True]
    assert manifest.ready_seconds(said) > 0


class Taught(Exception):
    """Raised where the students would begin."""


def taught(elsewhere, monkeypatch, capsys, *flags):
    """What a run says that ends with its teacher."""

    def stop(*arguments, **options):
        raise Taught

    monkeypatch.setattr(students, "fit", stop)
    with pytest.raises(Taught):
        finished("quickstart", config(elsewhere, *flags))
    return capsys.readouterr().out


def test_a_corrupted_teacher_is_refused_and_retrain_heals_it(
    folder, elsewhere, monkeypatch, capsys
):
    (teacher,) = (elsewhere / "runs" / "teachers").iterdir()
    for path in (teacher / "params").rglob("d/*"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    with pytest.raises(InputError) as error:
        finished("quickstart", config(elsewhere))
    line, code = ending.of(error.value)
    assert code == 2 and str(teacher) in line and "--retrain" in line and "\n" not in line
    assert ": trained in " in taught(elsewhere, monkeypatch, capsys, "--retrain")
    assert ": restored (" in taught(elsewhere, monkeypatch, capsys)
