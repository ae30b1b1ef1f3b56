"""How fast: the same trainings in kd_jax and in what one would use instead, side by side.

Command:  ./run.sh bench [--manual_dir=FOLDER]
Takes:    about 15 minutes on 2 CPU cores, which should do nothing else
Expected: many small students at once are an order of magnitude faster than one by one; one large
          network is as fast as elsewhere, being a matrix product everywhere
Needs:    requirements-bench.txt

Each contender is a process of its own; they take turns, an epoch each, so that whatever slows the
machine slows all. The first epoch, in which programs are compiled, is not counted; in the people
demo, timed as a whole process, it is. Every row has the test accuracy, so that nothing is fast by
being wrong.
"""

import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from kd_jax import config, record
from kd_jax.bench import work
from kd_jax.data import mnist
from kd_jax.report import bench as report


@dataclasses.dataclass(frozen=True)
class Config(config.Common):
    """Settings of the bench."""

    repeats: int = config.setting(5, "turns of each contender")

    PRESETS = {"default": {}, "smoke": {"repeats": 1}}

    def validate(self):
        config.check_counts(self, "repeats")


class Contender(NamedTuple):
    """A row: its name, its module in kd_jax.bench and the environment of its process."""

    row: str
    module: str
    environment: dict


def threads(count):
    """PyTorch and the like on so many threads."""
    return {"OMP_NUM_THREADS": str(count)}


CORES = os.cpu_count()
OURS = Contender(report.OURS, "ours", {})
RESIDENT = Contender(f"PyTorch, resident, {CORES} threads", "torch_loop", threads(CORES))
ALONE = Contender("PyTorch, resident, 1 thread", "torch_loop", threads(1))
LOADER = Contender("PyTorch, DataLoader", "torch_loader", {})
VMAP = Contender("PyTorch, torch.func.vmap", "torch_vmap", threads(CORES))
KERAS_JAX = Contender("Keras on JAX", "keras_fit", {"KERAS_BACKEND": "jax"})
KERAS_TORCH = Contender("Keras on PyTorch", "keras_fit", {"KERAS_BACKEND": "torch"})
SCIKIT = Contender("scikit-learn (labels)", "scikit", {})
FIELDS = {
    work.SMALL: (OURS, RESIDENT, ALONE, LOADER, KERAS_JAX, KERAS_TORCH, SCIKIT),
    work.MANY: (OURS, VMAP),
    work.TEACHER: (OURS, RESIDENT, LOADER, KERAS_JAX, KERAS_TORCH, SCIKIT),
    work.CONVNET: (OURS, RESIDENT, KERAS_JAX),
}


def started(contender, task, arrays, repeats):
    """The process of a contender, once it has trained its first epoch."""
    arguments = contender.module, task.name, str(repeats + 1), str(arrays)
    process = subprocess.Popen(
        [sys.executable, "-m", "kd_jax.bench.worker", *arguments],
        env=os.environ | contender.environment,
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
    process.stdin.write("\n")
    process.stdin.flush()
    return answer(process)


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
        networks = task.networks if contender in (OURS, VMAP) else 1
        each = [seconds / networks for seconds in took[contender]]
        more = {"part": task.name, "seed": 0, "accuracy": accuracy, "networks": networks}
        found.append({"row": contender.row, "seconds": each, **more})
        print(f"{task.name}: {contender.row}: {statistics.median(each):.3f} s", flush=True)
    return found


def whole_process(repeats, folder):
    """The records of the people demo, each run a process from its start to its end."""
    demo = [sys.executable, "-m", "experiments.people"]
    commands = {
        report.PEOPLE_TORCH: [sys.executable, "-m", "kd_jax.bench.people_torch"],
        report.PEOPLE_ONE: [*demo, "--seeds=1"],
        report.PEOPLE_MANY: [*demo, "--seeds=20"],
    }
    took = {row: [] for row in commands}
    for number in range(repeats):
        for row, command in commands.items():
            ours = row != report.PEOPLE_TORCH
            place = [f"--workdir={folder}/{row.replace(' ', '_')}-{number}"] if ours else []
            began = time.perf_counter()
            subprocess.run([*command, *place], check=True, capture_output=True)
            seeds = 20 if row == report.PEOPLE_MANY else 1
            took[row].append((time.perf_counter() - began) / seeds)
    return [
        {"row": row, "part": report.PEOPLE, "seed": 0, "seconds": seconds}
        for row, seconds in took.items()
    ]


def rates():
    """The record of what this machine can do at best."""
    command = [sys.executable, "-m", "kd_jax.bench.machine"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return {"row": report.MACHINE, "part": report.MACHINE, "seed": 0, **found}


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """All works one after the other; records and tables."""
    data = mnist.load("mnist", settings.data_dir, settings.manual_dir)
    facts = {"data": data.digest}
    here = record.Run(settings.workdir, "bench", settings.results_key(), facts)
    with tempfile.TemporaryDirectory() as folder:
        arrays = pathlib.Path(folder) / "arrays.npz"
        work.save(arrays, data)
        for task in FIELDS:
            if not here.has(part=task.name):
                here.append(race(task, arrays, settings.repeats))
        if not here.has(part=report.PEOPLE):
            here.append(whole_process(settings.repeats, folder))
    if not here.has(part=report.MACHINE):
        here.append([rates()])
    here.conclude(table)


if __name__ == "__main__":
    config.launch(Config, run)
