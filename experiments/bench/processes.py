"""What runs as processes of its own: the people demo and start-up, several devices, logits."""

import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from experiments.bench import implementations, rows, workloads

CACHE = "JAX_COMPILATION_CACHE_DIR"


def people(repeats, seed):
    """The records of the people demo; every process begins without compiled programs."""
    demo = [sys.executable, "-m", "experiments", "people", f"--base_seed={seed}"]
    in_torch = [sys.executable, "-m", "experiments.bench.people_torch", str(seed)]
    one_device = dict(implementations.ONE_DEVICE.environment)
    commands = {
        rows.PEOPLE_TORCH: (in_torch, 1, {}),
        rows.PEOPLE_ONE: ([*demo, "--teachers=1"], 1, {}),
        rows.PEOPLE_MANY: ([*demo, "--teachers=20"], 20, {}),
        rows.PEOPLE_ONE_DEVICE: ([*demo, "--teachers=20"], 20, one_device),
    }
    took = {row: [] for row in commands}
    for _ in range(repeats):
        for row, (command, seeds, more) in commands.items():
            with tempfile.TemporaryDirectory() as folder:
                place = [] if row == rows.PEOPLE_TORCH else [f"--workdir={folder}/runs"]
                began = time.perf_counter()
                environment = os.environ | more | {CACHE: f"{folder}/programs"}
                subprocess.run([*command, *place], check=True, capture_output=True, env=environment)
                took[row].append((time.perf_counter() - began) / seeds)
    return [_record(rows.PEOPLE, row, seconds) for row, seconds in took.items()]


def starts(repeats, data, seed):
    """The records of how long it takes from a command to the end of its first step."""
    ours = [implementations.OURS._replace(row=row) for row in (rows.COLD_START, rows.WARM_START)]
    others = implementations.RESIDENT, implementations.KERAS_JAX, implementations.KERAS_TORCH
    took = {implementation.row: [] for implementation in (*ours, *others)}
    with tempfile.TemporaryDirectory() as folder:
        arrays = pathlib.Path(folder) / "arrays.npz"
        implementations.save(arrays, data, seed, rows=workloads.SMALL.batch)
        for number in range(repeats):
            programs = {CACHE: f"{folder}/programs-{number}"}  # the second of ours finds them there
            for implementation in (*ours, *others):
                began = time.perf_counter()
                process = implementations.started(
                    implementation, workloads.SMALL, arrays, 0, seed, **programs
                )
                took[implementation.row].append(time.perf_counter() - began)
                process.communicate("\n")
    return [_record(rows.START, row, seconds) for row, seconds in took.items()]


def scaling(seed):
    """The records of what 1, 2, 4 and 8 devices hold and send."""
    found = []
    for workload in (workloads.MANY, workloads.TEACHER):
        axis = "members" if workload.networks > 1 else "data"
        layouts = [f"{axis}:{devices}" for devices in (1, 2, 4, 8)]
        for layout in layouts + ["members:4,data:2"] * (workload.networks > 1):
            count = math.prod(int(x) for x in re.findall(r"\d+", layout))
            module = [sys.executable, "-m", "experiments.bench.scaling"]
            command = [*module, workload.name, layout, str(count), str(seed)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            one = _record(rows.SCALING, f"{workload.name}, {layout}", [])
            more = {"workload": workload.name, "mesh": layout}
            found.append({**one, **more, **json.loads(done.stdout)})
    return found


def logits(repeats, seed):
    """The records of a divergence with all logits in memory and with those of a chunk."""
    module = [sys.executable, "-m", "experiments.bench.logits"]
    done = subprocess.run(
        [*module, str(repeats), str(seed)], check=True, capture_output=True, text=True
    )
    return [
        {**_record(rows.LOGITS, row, []), **found} for row, found in json.loads(done.stdout).items()
    ]


def _record(part, row, seconds):
    return {"row": row, "part": part, "seed": 0, "seconds": seconds}
