"""How fast: the same trainings in kd_jax and in what one would use instead, side by side."""

import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile

from experiments.bench import race, report, whole, work
from kd_jax import experiment
from kd_jax.data import mnist, synthetic
from kd_jax.storage import run_folder


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of the bench."""

    repeats: int = experiment.setting(5, "turns of each contender")

    PRESETS = {"default": {}, "smoke": {"repeats": 1}}

    def validate(self):
        experiment.check_counts(self, "repeats")


def rates(when):
    """The record of what this machine can do at best, before the races or after them."""
    command = [sys.executable, "-m", "experiments.bench.machine"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return {"row": when, "part": report.MACHINE, "seed": 0, **found}


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def races(here, repeats, digits):
    """Every Work that is not recorded yet."""
    data = {(28, 28): digits, (100,): synthetic.load(0.6, 0.8)}
    with tempfile.TemporaryDirectory() as folder:
        for task in race.FIELDS:
            arrays = pathlib.Path(folder) / f"arrays-{len(task.shape)}.npz"
            if not arrays.exists():
                work.save(arrays, data[task.shape])
            if not here.has(part=task.name):
                here.append(race.race(task, arrays, repeats))


def run(settings):
    """All works one after the other; records and tables."""
    digits = mnist.load("mnist", settings.data_dir, settings.manual_dir)
    facts = {"data": digits.digest}
    here = run_folder.Run(settings.workdir, "bench", settings.results_key(), facts)
    if not here.has(part=report.MACHINE):
        here.append([rates("before")])
    if not here.has(part=report.START):
        here.append(whole.starts(settings.repeats, digits))
    if not here.has(part=report.PEOPLE):
        here.append(whole.people(settings.repeats))
    if not here.has(part=report.SCALING):
        here.append(whole.scaling())
    races(here, settings.repeats, digits)
    if not here.has(part=report.MACHINE, row="after"):
        here.append([rates("after")])
    here.conclude(table)


if __name__ == "__main__":
    experiment.launch(Config, run)
