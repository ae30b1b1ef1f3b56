"""The benchmark: implementations take turns and learn the same, processes and devices count."""

import importlib.util
import io
import itertools
import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from experiments.bench import (
    implementations,
    logits,
    ours,
    processes,
    rows,
    scaling,
    worker,
    workloads,
)
from kd_jax.data import Dataset, Split


def lit_rows():
    """A Dataset of 1,280 images with one lit row, whose number is the class."""
    labels = np.arange(1280, dtype=np.int32) % 10
    inputs = np.zeros((1280, 28, 28), np.float32)
    lit = np.random.default_rng(0).uniform(0.5, 1, (1280, 28))
    inputs[np.arange(1280), labels] = lit
    split = Split(inputs, labels)
    return Dataset("rows", 10, split, split, split, digest="")


NEEDED = {"ours": "jax", "scikit": "sklearn", "keras_fit": "keras"}  # the others need torch


@pytest.mark.parametrize("module", [*NEEDED, "torch_loop", "torch_loader", "torch_vmap"])
def test_an_implementation_takes_turns_and_learns(module, tmp_path, monkeypatch, capsys):
    package = NEEDED.get(module, "torch")
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is of the extra bench")
    workloads.save(tmp_path / "arrays.npz", lit_rows(), seed=0)
    name = workloads.MANY.name if module == "torch_vmap" else workloads.SMALL.name
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n" * 12))
    worker.main(module, name, "12", tmp_path / "arrays.npz", "0")
    said = capsys.readouterr().out.splitlines()
    *turns, last = [json.loads(x) for x in said if x.startswith("{")]
    assert turns[0] == {"seconds": "ready"} and len(turns) == 12
    assert all(turn["seconds"] > 0 for turn in turns[1:])
    assert last["accuracy"] > 0.8


def test_a_base_seed_changes_networks_order_and_logits(tmp_path, monkeypatch):
    monkeypatch.setattr(ours.loop, "Training", lambda loss, _, *parts, **options: parts)

    def drawn(seed):
        implementations.save(tmp_path / "arrays.npz", lit_rows(), seed)
        with np.load(tmp_path / "arrays.npz") as stored:
            arrays = dict(stored)
        state, _, order = ours.training(workloads.SMALL, arrays, 1, seed)
        return [np.asarray(x) for x in jax.tree.leaves(state.params) if x.ndim > 3] + [
            np.asarray(order(0, 0)), arrays["logits"],
            scaling.arrays(workloads.SMALL, seed)["logits"],
        ]  # fmt: skip

    for one, same, other in zip(drawn(0), drawn(0), drawn(1), strict=True):
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)


PYTHON = f"""#!{sys.executable}
import os, sys, types
sys.path.insert(0, os.getcwd())
from experiments.bench import worker

def run(workload, arrays, epochs, seed, pause):
    for _ in range(epochs):
        print("what a library says")
        pause()
    return float(os.environ["ACCURACY"]) + int(seed)

sys.modules["experiments.bench.stand_in"] = types.SimpleNamespace(run=run)
worker.main(*sys.argv[3:])
"""


def test_there_is_a_record_of_every_implementation(tmp_path, monkeypatch):
    """Of two that learn nothing, each in a process of its own."""
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(implementations, "REST", 0.0)
    workload = workloads.SMALL._replace(seeds=4)
    two = [
        implementations.Implementation(row, "stand_in", (("ACCURACY", accuracy),))
        for row, accuracy in ((rows.OURS, "0.25"), ("theirs", "0.5"))
    ]
    monkeypatch.setattr(implementations, "TOGETHER", two[:1])
    monkeypatch.setitem(implementations.OF_WORKLOAD, workload, two)
    ours, theirs = implementations.compare(workload, lit_rows(), 12, seed=3)
    assert [ours["row"], theirs["row"]] == [rows.OURS, "theirs"]
    assert [ours["accuracy"], theirs["accuracy"]] == [3.25, 3.5]
    assert [ours["networks"], theirs["networks"]] == [4, 1]
    for found in (ours, theirs):
        assert found["part"] == workload.name
        assert len(found["seconds"]) == 12 and min(found["seconds"]) > 0


def test_an_implementation_that_ends_is_named(tmp_path):
    workloads.save(tmp_path / "arrays.npz", lit_rows(), seed=0, rows=128)
    with pytest.raises(RuntimeError, match="an implementation ended: .* absent student 784"):
        implementations.started(
            implementations.Implementation("nobody", "absent"),
            workloads.SMALL,
            tmp_path / "arrays.npz",
            1,
            seed=0,
        )


@pytest.fixture
def commands(monkeypatch):
    """Commands that are not run but listed, with their environment; each takes 10 seconds."""
    listed, clock = [], itertools.count(0, 10)

    def run(command, check, env=None, **options):
        listed.append((command, env))
        return subprocess.CompletedProcess(command, 0, stdout='{"seconds": [0.5]}')

    monkeypatch.setattr(processes.subprocess, "run", run)
    monkeypatch.setattr(processes.time, "perf_counter", lambda: next(clock))
    return listed


def test_whole_processes_are_timed_per_seed_without_kept_programs(commands):
    found = {r["row"]: r["seconds"] for r in processes.people(2, seed=5)}
    assert found == {
        rows.PEOPLE_TORCH: [10, 10], rows.PEOPLE_ONE: [10, 10],
        rows.PEOPLE_MANY: [0.5, 0.5], rows.PEOPLE_ONE_DEVICE: [0.5, 0.5],
    }  # fmt: skip
    assert all({"5", "--base_seed=5"} & set(command) for command, _ in commands)
    folders = [env["JAX_COMPILATION_CACHE_DIR"] for _, env in commands]
    assert len(set(folders)) == 8 and not any(os.path.exists(folder) for folder in folders)


def test_layouts_are_of_members_or_of_batches(commands):
    found = processes.scaling(seed=5)
    assert [r["mesh"] for r in found if r["workload"] == workloads.TEACHER.name] == [
        "data:1", "data:2", "data:4", "data:8",
    ]  # fmt: skip
    assert [r["mesh"] for r in found if r["workload"] == workloads.MANY.name] == [
        "members:1", "members:2", "members:4", "members:8", "members:4,data:2",
    ]  # fmt: skip
    assert [command[-2] for command, _ in commands] == list("12488") + list("1248")
    assert {command[-1] for command, _ in commands} == {"5"}
    assert all(r["seconds"] == [0.5] for r in found)


def test_the_first_start_compiles_and_the_next_finds_its_programs(monkeypatch):
    begun = []

    class Process:
        communicate = staticmethod(lambda text: None)

    def started(implementation, workload, arrays, repeats, seed, JAX_COMPILATION_CACHE_DIR):
        assert np.load(arrays)["inputs"].shape == (workload.batch, 28, 28) and (repeats, seed) == (
            0,
            5,
        )
        begun.append((implementation.row, JAX_COMPILATION_CACHE_DIR))
        return Process

    monkeypatch.setattr(implementations, "started", started)
    found = {r["row"]: r["seconds"] for r in processes.starts(2, lit_rows(), seed=5)}
    assert len(found) == 5 and all(len(seconds) == 2 for seconds in found.values())
    caches = dict.fromkeys(place for _, place in begun)
    assert len(caches) == 2  # as many as repeats
    for place in caches:
        names = [row for row, where in begun if where == place]
        assert names[:2] == [rows.COLD_START, rows.WARM_START]


FEW = """
import runpy, sys
from experiments.bench import workloads
workloads.BY_NAME["few"] = workloads.Workload("few", (20,), 16, 2, (1.0, 2.0))
sys.argv[1:] = ["few", "members:2", "2", "0"]
runpy.run_module("experiments.bench.scaling", run_name="__main__")
"""


def test_devices_hold_and_send_what_was_predicted():
    """Two virtual devices, each with half of the members: next to nothing is sent."""
    done = subprocess.run([sys.executable, "-c", FEW], capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert found["predicted"]["sent"] == 0
    assert sum(found["sent"].values()) < 1e-3 * found["state_bytes"]
    assert found["state_bytes"] == pytest.approx(found["predicted"]["state_bytes"], rel=1e-3)
    assert len(found["seconds"]) == 3 and min(found["seconds"]) > 0


def test_logits_are_measured_at_once_and_in_chunks(monkeypatch):
    """As the process prints it, but of few tokens and words."""

    def run(command, **options):
        assert command[1:] == ["-m", "experiments.bench.logits", "2", "5"]
        found = logits.measure(2, 5, tokens=256, vocabulary=512)
        return subprocess.CompletedProcess(command, 0, stdout=json.dumps(found))

    monkeypatch.setattr(processes.subprocess, "run", run)
    whole, chunks = processes.logits(2, seed=5)
    assert (whole["row"], chunks["row"]) == (rows.WHOLE, rows.CHUNKED)
    for found in (whole, chunks):
        assert found["part"] == rows.LOGITS and found["temporary_bytes"] > 0
        assert len(found["seconds"]) == 2 and min(found["seconds"]) > 0
    given = logits.arrays(256, 512, 5)
    np.testing.assert_allclose(logits.chunked(*given), logits.whole(*given), rtol=1e-5)
