"""An implementation in its own process.

    python -m experiments.bench.worker MODULE WORKLOAD EPOCHS ARRAYS.npz SEED

It trains an epoch for every line on its standard input and answers with the seconds that took,
those of the processor too; the first epoch, in which programs are compiled, is answered with
"ready". The last answer is the accuracy on the test set. MODULE has run(workload, arrays, epochs,
seed, pause) -> accuracy: a Workload, its arrays by name, the number of epochs, the base seed, and
what is to be called after each epoch.
"""

import importlib
import json
import sys
import time

import numpy as np

from experiments.bench import workloads


class Turns:
    """Called after every epoch: prints how long it took and waits for the next turn."""

    def __init__(self):
        self.began = None

    def __call__(self):
        took = {"seconds": "ready"}
        if self.began:
            ended = time.perf_counter(), time.process_time()
            took = dict(zip(("seconds", "processor"), (b - a for a, b in zip(self.began, ended))))
        print(json.dumps(took), flush=True)
        sys.stdin.readline()
        self.began = time.perf_counter(), time.process_time()


def main(module, name, epochs, path, seed):
    """Train and answer. Args: as on the command line."""
    with np.load(path) as stored:
        arrays = dict(stored)
    implementation = importlib.import_module(f"experiments.bench.{module}")
    workload = workloads.BY_NAME[name]
    accuracy = implementation.run(workload, arrays, int(epochs), int(seed), Turns())
    print(json.dumps({"accuracy": accuracy}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
