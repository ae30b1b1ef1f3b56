"""Whole processes, from their start to their end or to their first step, compilation included."""

import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from experiments.bench import race, report, work

CACHE = "JAX_COMPILATION_CACHE_DIR"


def people(repeats):
    """The records of the people demo; every process begins without compiled programs."""
    demo = [sys.executable, "-m", "experiments", "people"]
    commands = {
        report.PEOPLE_TORCH: ([sys.executable, "-m", "experiments.bench.people_torch"], 1, {}),
        report.PEOPLE_ONE: ([*demo, "--seeds=1"], 1, {}),
        report.PEOPLE_MANY: ([*demo, "--seeds=20"], 20, {}),
        report.PEOPLE_ALL_ONE: ([*demo, "--seeds=20"], 20, dict(race.ALL_ONE.environment)),
    }
    took = {row: [] for row in commands}
    for _ in range(repeats):
        for row, (command, seeds, more) in commands.items():
            with tempfile.TemporaryDirectory() as folder:
                place = [] if row == report.PEOPLE_TORCH else [f"--workdir={folder}/runs"]
                began = time.perf_counter()
                environment = os.environ | more | {CACHE: f"{folder}/programs"}
                subprocess.run([*command, *place], check=True, capture_output=True, env=environment)
                took[row].append((time.perf_counter() - began) / seeds)
    return [_record(report.PEOPLE, row, seconds) for row, seconds in took.items()]


def starts(repeats, data):
    """The records of how long it takes from a command to the end of its first step."""
    first = race.OURS._replace(row=report.FIRST_START), race.OURS._replace(row=report.NEXT_START)
    field = *first, race.RESIDENT, race.KERAS_JAX, race.KERAS_TORCH
    took = {contender.row: [] for contender in field}
    with tempfile.TemporaryDirectory() as folder:
        arrays = pathlib.Path(folder) / "arrays.npz"
        work.save(arrays, data, rows=work.SMALL.batch)
        for number in range(repeats):
            programs = {CACHE: f"{folder}/programs-{number}"}  # the second of ours finds them there
            for contender in field:
                began = time.perf_counter()
                process = race.started(contender, work.SMALL, arrays, 0, **programs)
                took[contender.row].append(time.perf_counter() - began)
                process.communicate("\n")
    return [_record(report.START, row, seconds) for row, seconds in took.items()]


def scaling():
    """The records of what 1, 2, 4 and 8 devices hold and send."""
    found = []
    for task in (work.MANY, work.TEACHER):
        axis = "members" if task.networks > 1 else "data"
        layouts = [f"{axis}:{devices}" for devices in (1, 2, 4, 8)]
        for layout in layouts + ["members:4,data:2"] * (task.networks > 1):
            count = math.prod(int(x) for x in re.findall(r"\d+", layout))
            command = [
                sys.executable,
                "-m",
                "experiments.bench.scaling",
                task.name,
                layout,
                str(count),
            ]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            one = _record(report.SCALING, f"{task.name}, {layout}", [])
            found.append({**one, "work": task.name, "mesh": layout, **json.loads(done.stdout)})
    return found


def _record(part, row, seconds):
    return {"row": row, "part": part, "seed": 0, "seconds": seconds}
