"""Memory and communication of N devices: python -m experiments.bench.scaling WORKLOAD MESH N SEED.

N virtual devices of one CPU. Printed: the bytes that a step sends between devices, by collective,
and the bytes that each device holds, both read off the compiled program; seconds per step, which on
virtual devices share the same cores.
"""

import json
import math
import re
import sys
import time

import jax
import numpy as np

from experiments.bench import ours, workloads
from kd_jax.runtime import devices as mesh
from kd_jax.runtime.execution import Execution
from kd_jax.training import keys

BYTES = {"f32": 4, "s32": 4, "u32": 4, "pred": 1}
SENT = re.compile(
    r"= \(?((?:\w+\[[\d,]*\][^ ]* ?)+)"
    r"(all-reduce|all-gather|reduce-scatter|collective-permute|all-to-all)(?:-start)?\("
)
ROWS, STEPS = 10, 10  # batches in memory, and of an epoch


def state_bytes(workload, members, data):
    """Bytes of parameters and Adam's two means on each device, predicted.

    Each of members·data devices holds 1/members of the networks, and 1/data of their large arrays.
    """
    parts = sum(size / (data if size >= mesh.LARGE else 1) for size in workload.sizes())
    return 3 * 4 * parts * workload.networks / members


def sent_bytes(workload, members, data):
    """Bytes that a step sends between devices, predicted: nothing where batches are whole.

    Else all gradients are summed over the devices, and the large parameters gathered.
    """
    if data == 1:
        return 0
    gathered = sum(size for size in workload.sizes() if size >= mesh.LARGE)
    return 4 * (sum(workload.sizes()) + gathered) * workload.networks / members


def arrays(workload, seed):
    """Random rows for a Workload, as many as the batches of an epoch."""
    random = np.random.default_rng(keys.number(seed, "draw", "rows"))
    rows = ROWS * workload.batch
    return {
        "inputs": random.random((rows, *workload.shape), np.float32),
        "labels": random.integers(0, 10, rows).astype(np.int32),
        "logits": random.normal(size=(rows, 10)).astype(np.float32),
    }


def collectives(text):
    """{name: bytes of its results} over all collectives of a compiled program's text."""
    found = {}
    for shapes, name in SENT.findall(re.sub(r"/\*.*?\*/", "", text)):
        for kind, sides in re.findall(r"(\w+)\[([\d,]*)\]", shapes):
            size = BYTES.get(kind, 4) * math.prod(int(x) for x in sides.split(",") if x)
            found[name] = found.get(name, 0) + size
    return found


def measure(name, layout, devices, seed):
    """The record of one Workload on one mesh."""
    jax.config.update("jax_num_cpu_devices", devices)
    workload, sizes = workloads.BY_NAME[name], mesh.parse(layout, devices)
    data, execution = arrays(workload, seed), Execution(layout)
    training = ours.training(workload, data, epochs=4, seed=seed, execution=execution)
    needs = training.program.memory_analysis()
    training.advance(1)
    took = []
    for epoch in range(2, 5):
        began = time.perf_counter()
        training.advance(epoch)
        took.append((time.perf_counter() - began) / STEPS)
    state = jax.tree.leaves((training.state.params, training.state.opt_state))
    return {
        "predicted": {
            "state_bytes": state_bytes(workload, **sizes),
            "sent": sent_bytes(workload, **sizes),
        },
        "sent": collectives(training.program.as_text()),
        "state_bytes": sum(x.addressable_shards[0].data.nbytes for x in state),
        "temporary_bytes": needs.temp_size_in_bytes,
        "seconds": took,
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
