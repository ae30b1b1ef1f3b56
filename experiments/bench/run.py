"""Training speed: the same trainings in kd_jax and in what one would use instead."""

import functools
import json
import pathlib
import subprocess
import sys

from experiments.bench import decoders, implementations, processes
from experiments.bench.rows import LOGITS, MACHINE, PEOPLE, SCALING, START
from kd_jax import fingerprint
from kd_jax.data import mnist, synthetic
from kd_jax.training import keys

HERE = pathlib.Path(__file__).parent


def machine_rates(task):
    """The record of what this machine can do at best, before the timings or after them."""
    command = [sys.executable, "-m", "experiments.bench.machine"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return [{"seed": 0, **found}]


def run(config, run):
    """Time all workloads one after the other; record them."""
    digits = mnist.load("mnist", config.data_dir, config.manual_dir)
    programs = {path.name: path.read_text() for path in sorted(HERE.glob("*.py"))}
    del programs["__init__.py"], programs["report.py"]
    run.uses(data=digits.digest, programs=fingerprint.of(programs))  # run by name, in processes
    seed, drawn = config.base_seed, keys.number(config.base_seed, "draw", "data")

    @functools.cache
    def data(shape):
        return digits if shape == (28, 28) else synthetic.load(0.6, 0.8, 50_000, drawn)

    def compare(workload, task):
        return implementations.compare(workload, data(workload.shape), config.repeats, seed)

    run.each([
        ({"part": MACHINE, "row": "before"}, machine_rates),
        ({"part": START}, lambda task: processes.starts(config.repeats, digits, seed)),
        ({"part": PEOPLE}, lambda task: processes.people(config.repeats, seed)),
        ({"part": SCALING}, lambda task: processes.scaling(seed)),
        ({"part": LOGITS}, lambda task: processes.logits(config.repeats, seed)),
        *decoders.units(config.repeats, seed),
        *(
            ({"part": workload.name}, functools.partial(compare, workload))
            for workload in implementations.OF_WORKLOAD
        ),
        ({"part": MACHINE, "row": "after"}, machine_rates),
    ])  # fmt: skip
