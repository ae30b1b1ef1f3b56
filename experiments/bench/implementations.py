"""Implementations that take turns, an epoch each, so that whatever slows the machine slows all."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from experiments.bench import rows, workloads
from kd_jax.training import keys

CORES = os.cpu_count()
REST = 0.5  # seconds before a turn, in which the threads of the one before stop spinning


class Implementation(NamedTuple):
    """A row: its name, its module in experiments.bench and the environment of its process."""

    row: str
    module: str
    environment: tuple[tuple[str, str], ...] = ()


def threads(count):
    """PyTorch and the like on so many threads."""
    return (("OMP_NUM_THREADS", str(count)),)


OURS = Implementation(rows.OURS, "ours")
ONE_DEVICE = Implementation(rows.ONE_DEVICE, "ours", (("JAX_NUM_CPU_DEVICES", "1"),))
RESIDENT = Implementation(f"PyTorch, resident, {CORES} threads", "torch_loop", threads(CORES))
ONE_THREAD = Implementation("PyTorch, resident, 1 thread", "torch_loop", threads(1))
LOADER = Implementation("PyTorch, DataLoader", "torch_loader")
VMAP = Implementation("PyTorch, torch.func.vmap", "torch_vmap", threads(CORES))
KERAS_JAX = Implementation("Keras on JAX", "keras_fit", (("KERAS_BACKEND", "jax"),))
KERAS_TORCH = Implementation("Keras on PyTorch", "keras_fit", (("KERAS_BACKEND", "torch"),))
SCIKIT = Implementation("scikit-learn (labels)", "scikit")
GRID = OURS, ONE_DEVICE, RESIDENT, ONE_THREAD, KERAS_JAX, KERAS_TORCH
OF_WORKLOAD = {
    workloads.SMALL: (OURS, RESIDENT, ONE_THREAD, LOADER, KERAS_JAX, KERAS_TORCH, SCIKIT),
    workloads.MANY: (OURS, ONE_DEVICE, VMAP),
    workloads.TEACHER: (OURS, RESIDENT, LOADER, KERAS_JAX, KERAS_TORCH, SCIKIT),
    workloads.CONVNET: (OURS, RESIDENT, KERAS_JAX),
    workloads.GRID_TEACHERS: GRID,
    workloads.GRID_STUDENTS: GRID,
}
TOGETHER = OURS, ONE_DEVICE, VMAP  # these train all networks of a Workload at once


def compare(workload, data, repeats, seed):
    """The records of one Workload on a Dataset: its implementations take turns."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = pathlib.Path(folder) / "arrays.npz"
        save(arrays, data, seed)
        processes = {x: started(x, workload, arrays, repeats, seed) for x in OF_WORKLOAD[workload]}
        took = {implementation: [] for implementation in processes}
        for _ in range(repeats):
            for implementation, process in processes.items():
                took[implementation].append(next_epoch(process)["seconds"])
        return [
            _record(workload, implementation, process, took[implementation])
            for implementation, process in processes.items()
        ]


def _record(workload, implementation, process, took):
    """The record of an implementation, whose process ends."""
    accuracy = next_epoch(process)["accuracy"]
    process.communicate()
    networks = workload.networks if implementation in TOGETHER else 1
    seconds = [x / networks for x in took]
    row = implementation.row
    print(f"{workload.name}: {row}: {statistics.median(seconds):.3f} s", flush=True)
    more = {"accuracy": accuracy, "networks": networks}
    return {"row": row, "seconds": seconds, "part": workload.name, "seed": 0, **more}


def save(arrays, data, seed, rows=None):
    """workloads.save with the draw of the base seed."""
    workloads.save(arrays, data, keys.number(seed, "draw", "logits"), rows)


def started(implementation, workload, arrays, repeats, seed, **environment):
    """The process of an implementation, once it has trained its first epoch."""
    epochs = str(repeats + 1)
    arguments = implementation.module, workload.name, epochs, str(arrays), str(seed)
    return spawned("worker", arguments, dict(implementation.environment) | environment)


def spawned(module, arguments, environment):
    """The process of a module of experiments.bench, once it has answered for the first time."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"experiments.bench.{module}", *arguments],
        env=os.environ | dict(environment),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    answer(process)
    return process


def answer(process):
    """The next JSON line of a process, which may print other lines before it."""
    while not (line := process.stdout.readline()).startswith("{"):
        if not line:
            raise RuntimeError(f"an implementation ended: {' '.join(process.args)}")
    return json.loads(line)


def next_epoch(process):
    """Let a process train one more epoch; its answer."""
    time.sleep(REST)
    process.stdin.write("\n")
    process.stdin.flush()
    return answer(process)
