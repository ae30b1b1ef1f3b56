"""Contenders that take turns, an epoch each, so that whatever slows the machine slows all."""

import json
import os
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

from experiments.bench import report, work

CORES = os.cpu_count()
REST = 0.5  # seconds before a turn, in which the threads of the one before stop spinning


class Contender(NamedTuple):
    """A row: its name, its module in experiments.bench and the environment of its process."""

    row: str
    module: str
    environment: tuple[tuple[str, str], ...] = ()


def threads(count):
    """PyTorch and the like on so many threads."""
    return (("OMP_NUM_THREADS", str(count)),)


OURS = Contender(report.OURS, "ours")
ALL_ONE = Contender(report.ALL_ONE, "ours", (("JAX_NUM_CPU_DEVICES", "1"),))
RESIDENT = Contender(f"PyTorch, resident, {CORES} threads", "torch_loop", threads(CORES))
ALONE = Contender("PyTorch, resident, 1 thread", "torch_loop", threads(1))
LOADER = Contender("PyTorch, DataLoader", "torch_loader")
VMAP = Contender("PyTorch, torch.func.vmap", "torch_vmap", threads(CORES))
KERAS_JAX = Contender("Keras on JAX", "keras_fit", (("KERAS_BACKEND", "jax"),))
KERAS_TORCH = Contender("Keras on PyTorch", "keras_fit", (("KERAS_BACKEND", "torch"),))
SCIKIT = Contender("scikit-learn (labels)", "scikit")
FIELDS = {
    work.SMALL: (OURS, RESIDENT, ALONE, LOADER, KERAS_JAX, KERAS_TORCH, SCIKIT),
    work.MANY: (OURS, ALL_ONE, VMAP),
    work.TEACHER: (OURS, RESIDENT, LOADER, KERAS_JAX, KERAS_TORCH, SCIKIT),
    work.CONVNET: (OURS, RESIDENT, KERAS_JAX),
    work.GRID_TEACHERS: (OURS, ALL_ONE, RESIDENT, ALONE, KERAS_JAX, KERAS_TORCH),
    work.GRID_STUDENTS: (OURS, ALL_ONE, RESIDENT, ALONE, KERAS_JAX, KERAS_TORCH),
}
TOGETHER = OURS, ALL_ONE, VMAP  # these train all networks of a Work at once


def race(task, arrays, repeats):
    """The records of one Work: its contenders take turns."""
    field = {c: started(c, task, arrays, repeats) for c in FIELDS[task]}
    took = {contender: [] for contender in field}
    for _ in range(repeats):
        for contender, process in field.items():
            took[contender].append(turn(process)["seconds"])
    found = []
    for contender, process in field.items():
        accuracy = turn(process)["accuracy"]
        process.communicate()
        networks = task.networks if contender in TOGETHER else 1
        each = [seconds / networks for seconds in took[contender]]
        more = {"part": task.name, "seed": 0, "accuracy": accuracy, "networks": networks}
        found.append({"row": contender.row, "seconds": each, **more})
        print(f"{task.name}: {contender.row}: {statistics.median(each):.3f} s", flush=True)
    return found


def started(contender, task, arrays, repeats, **environment):
    """The process of a contender, once it has trained its first epoch."""
    arguments = contender.module, task.name, str(repeats + 1), str(arrays)
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.bench.worker", *arguments],
        env=os.environ | dict(contender.environment) | environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    answer(process)
    return process


def answer(process):
    """The next JSON line of a contender, which may print other lines before it."""
    while not (line := process.stdout.readline()).startswith("{"):
        if not line:
            raise RuntimeError(f"a contender ended: {' '.join(process.args)}")
    return json.loads(line)


def turn(process):
    """Let a contender go on; its answer."""
    time.sleep(REST)
    process.stdin.write("\n")
    process.stdin.flush()
    return answer(process)
