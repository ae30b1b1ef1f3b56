"""The benchmark: operations and bytes by hand, ratios, implementations that learn the same."""

import importlib.util
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
    machine,
    ours,
    processes,
    report,
    rows,
    scaling,
    workloads,
)
from kd_jax.data import Dataset, Split


def test_multiply_adds_by_hand():
    assert workloads.SMALL.multiply_adds() == 784 * 20 + 20 * 20 + 20 * 10
    assert workloads.TEACHER.multiply_adds() == 784 * 1200 + 1200 * 1200 + 1200 * 10
    # 28² places of 9 products for 4 channels, 14² of 36 for 8, then 7² · 8 inputs of 10 classes
    assert workloads.CONVNET.multiply_adds() == 784 * 9 * 4 + 196 * 9 * 4 * 8 + 392 * 10
    assert workloads.GRID_STUDENTS.multiply_adds() == 100 * 50 + 50 * 50 + 50 * 10
    assert (workloads.SMALL.networks, workloads.MANY.networks, workloads.TEACHER.networks) == (
        1,
        32,
        1,
    )


def test_operations_and_traffic_by_hand():
    # forwards, and backwards twice, but once in the first layer; 468 batches of 128 make 59,904
    each = 2 * (3 * (784 * 20 + 20 * 20 + 20 * 10) - 784 * 20)
    assert workloads.SMALL.operations() == each * 59_904
    # a parameter is moved 7 times, of 4 bytes; the batch is read and written, here for 32 alike
    parameters, batch = 784 * 20 + 20 * 20 + 20 * 10, 128 * 784
    assert workloads.SMALL.traffic() == 468 * (28 * parameters + 8 * batch)
    assert workloads.MANY.traffic() == 468 * (28 * parameters + 8 * batch / 32)
    # a convolution has few parameters and is applied at many places: 784 of 9 · 4, 196 of 36 · 8
    parameters = 9 * 4 + 36 * 8 + 392 * 10
    assert workloads.CONVNET.traffic() == 468 * (28 * parameters + 8 * batch)
    each = 2 * (3 * (784 * 36 + 196 * 288 + 3920) - 784 * 36)
    assert workloads.CONVNET.operations() == each * 59_904


def test_what_devices_hold_and_send_by_hand():
    small, large = 784 * 1200 + 1200 * 10 + 1200 + 1200 + 10, 1200 * 1200  # 2^20 is 1,048,576
    assert scaling.state_bytes(workloads.TEACHER, 1, 4) == 12 * (small + large / 4)
    assert scaling.sent_bytes(workloads.TEACHER, 1, 4) == 4 * (small + large + large)
    assert scaling.sent_bytes(workloads.MANY, 8, 1) == 0
    assert scaling.state_bytes(workloads.MANY, 8, 1) == 12 * (784 * 20 + 400 + 200 + 50) * 32 / 8


def test_bytes_of_collectives_are_read_off_a_program():
    text = """
      %all-reduce.2 = (f32[1,8,20]{2,1,0}, /*index=1*/f32[3]{0}) all-reduce(%a, %b), channel_id=1
      %all-gather = s32[4,4]{1,0} all-gather(%c), channel_id=8, dimensions={1}
      %all-gather-start.1 = (f32[2]{0}) all-gather-start(%c), dimensions={1}
      %fusion = f32[100]{0} fusion(%all-reduce.2), kind=kLoop
    """
    assert scaling.collectives(text) == {"all-reduce": 4 * 163, "all-gather": 64 + 8}


def test_the_grid_is_the_sum_of_its_networks_and_epochs():
    parts = {
        workloads.GRID_TEACHERS.name: [record(workloads.GRID_TEACHERS.name, rows.OURS, [0.2])],
        workloads.GRID_STUDENTS.name: [record(workloads.GRID_STUDENTS.name, rows.OURS, [0.01])],
    }
    # 9 data sets, 50 epochs, 5 seeds: one teacher and 12 students each
    assert report.best(parts, rows.GRID, rows.OURS) == pytest.approx(2250 * (0.2 + 0.12))


def record(part, row, seconds, **more):
    return {"part": part, "row": row, "seed": 0, "seconds": seconds, **more}


def test_ratios_are_of_medians_and_of_the_fastest_of_a_kind():
    parts = {
        workloads.SMALL.name: [
            record(workloads.SMALL.name, rows.OURS, [0.3, 0.1, 0.2]),
            record(workloads.SMALL.name, "PyTorch, resident, 1 thread", [0.8, 0.9, 1.6]),
            record(workloads.SMALL.name, "PyTorch, resident, 2 threads", [1.0, 1.0, 2.0]),
            record(workloads.SMALL.name, "Keras on JAX", [0.3, 0.3, 9.0]),
        ],
    }
    lines = report.targets_table(parts).splitlines()
    assert [[cell.strip() for cell in line.split("|")[4:7]] for line in lines[2:]] == [
        ["4.5×", "5×", "FALLS SHORT"],  # 0.9/0.2
        ["1.5×", "2×", "FALLS SHORT"],
    ]


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
def test_an_implementation_takes_turns_and_learns(module, tmp_path):
    package = NEEDED.get(module, "torch")
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is of the extra bench")
    workloads.save(tmp_path / "arrays.npz", lit_rows(), seed=0)
    name = workloads.MANY.name if module == "torch_vmap" else workloads.SMALL.name
    command = [sys.executable, "-m", "experiments.bench.worker", module, name, "12"]
    done = subprocess.run(
        [*command, str(tmp_path / "arrays.npz"), "0"],
        input="\n" * 12,
        capture_output=True,
        text=True,
        env=os.environ | {"KERAS_BACKEND": "jax"},
    )
    *turns, last = [json.loads(x) for x in done.stdout.splitlines() if x.startswith("{")]
    assert turns[0] == {"seconds": "ready"} and len(turns) == 12
    assert all(turn["seconds"] > 0 for turn in turns[1:])
    assert last["accuracy"] > 0.8


def test_a_base_seed_changes_networks_and_logits(tmp_path):
    def drawn(seed):
        implementations.save(tmp_path / "arrays.npz", lit_rows(), seed)
        with np.load(tmp_path / "arrays.npz") as stored:
            arrays = dict(stored)
        training = ours.training(workloads.SMALL, arrays, 1, seed)
        return [np.asarray(x) for x in jax.tree.leaves(training.state.params) if x.ndim > 3] + [
            arrays["logits"], scaling.arrays(workloads.SMALL, seed)["logits"]
        ]  # fmt: skip

    for one, same, other in zip(drawn(0), drawn(0), drawn(1), strict=True):
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)


def test_the_highest_rates_count():
    found = report.best_rates([{"flops": 2.0, "bytes": 5.0}, {"flops": 3.0, "bytes": 4.0}])
    assert found == {"flops": 3.0, "bytes": 5.0}


def test_rates_are_work_over_the_least_time(monkeypatch):
    monkeypatch.setattr(machine, "least", lambda job: 0.5)
    assert machine.matmul_rate() == 4 * 2048**3
    assert machine.copy_rate() == 4 * 2**28  # half a GiB moved in half a second


def test_there_is_a_record_of_every_implementation(monkeypatch):
    monkeypatch.setattr(implementations, "REST", 0.0)
    monkeypatch.setitem(
        implementations.OF_WORKLOAD,
        workloads.SMALL,
        (implementations.OURS, implementations.SCIKIT),
    )
    ours, theirs = implementations.compare(workloads.SMALL, lit_rows(), 12, seed=0)
    assert [ours["row"], theirs["row"]] == [rows.OURS, "scikit-learn (labels)"]
    for found in (ours, theirs):
        assert found["part"] == workloads.SMALL.name and found["networks"] == 1
        assert len(found["seconds"]) == 12 and min(found["seconds"]) > 0
        assert found["accuracy"] > 0.8


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


def test_devices_hold_and_send_what_was_predicted():
    """Two virtual devices, each with half of the members: next to nothing is sent."""
    command = [
        sys.executable,
        "-m",
        "experiments.bench.scaling",
        workloads.MANY.name,
        "members:2",
        "2",
        "0",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert found["predicted"]["sent"] == 0
    assert sum(found["sent"].values()) < 1e-3 * found["state_bytes"]
    assert found["state_bytes"] == pytest.approx(found["predicted"]["state_bytes"], rel=1e-3)
    assert len(found["seconds"]) == 3 and min(found["seconds"]) > 0


def test_the_least_time_counts(monkeypatch):
    moments = iter([0, 5, 10, 12, 20, 29, 30, 39, 40, 49, 50, 59, 60, 69])
    monkeypatch.setattr(machine.time, "perf_counter", lambda: next(moments))
    assert machine.least(lambda: None) == 2
