"""What the files of a run say against each other: config.json, records, commands.

They are of one run, so that each decides the others; where they differ, one is of another run or
was changed, and nobody could tell which. `whole` knows that command.txt is as the manifest has it.
"""

import dataclasses
import itertools
import pathlib
import shlex

from kd_jax import experiment
from kd_jax.errors import DAMAGED, brief
from kd_jax.report import commands
from kd_jax.report.publishing import modules
from kd_jax.storage import commits, jsonl, manifest

ALWAYS = "base_seed", "preset"  # whose values by default never change


def found(run: pathlib.Path, folder: pathlib.Path) -> str:
    """What contradicts the settings of a finished run, in a line; "" where nothing does.

    Args:
        run: Its folder, which is whole.
        folder: Of its experiment, experiments/NAME in a clone.
    """
    settings, module = commands.settings(run), modules.of(folder, "config")
    parts = [_of_records(run, settings)]
    if module:
        parts += [_of_types(module.Config, settings), _of_commands(module.Config, run, folder)]
    return next(itertools.chain(*parts), "")


def _of_records(run, settings):
    """What records say of their experiment and base seed, which older ones do not."""
    known = {
        "experiment": (manifest.read(run)["experiment"], manifest.NAME),
        "base_seed": (settings.get("base_seed", 0), commands.SETTINGS),
    }
    for record in jsonl.every_record(run):
        for name, (value, file) in known.items():
            if record.get(name, value) != value:
                yield f"a record is of {name} {record[name]}, {file} of {value}"


def _of_types(config_class, settings):
    """What the experiment refuses; a setting that it has no more is not judged."""
    try:
        config_class(**{x: settings[x] for x in settings if x in _names(config_class)})
    except DAMAGED as error:
        yield f"{commands.SETTINGS} has {brief(error)}"


def _of_commands(config_class, run, folder):
    """Where the command of a run, or of one of its processes, asks for something else."""
    said, settings = manifest.read(run), commands.settings(run)
    for process in (said, *said["processes"]):
        name = [*shlex.split(process["command"]), "", ""][1]
        if name != folder.name:
            yield f"{manifest.NAME} is of {folder.name} and has a command of {name!r}"
        try:
            asked, given = _asked(config_class, process["command"], settings)
        except DAMAGED as error:
            yield f"{manifest.NAME} has a command with {brief(error)}"
            return
        code = "kd_jax", f":(glob)experiments/{folder.name}/*.py"
        same = commits.unchanged(folder.parents[1], process["commit"], *code)
        for key, value in asked.items():  # values by default are as they were in the same code
            if settings.get(key, value) != value and (same or key in given):
                yield f"{commands.SETTINGS} has {key} {settings[key]}, its command asks for {value}"


def _asked(config_class, command, settings):
    """(the settings that a command asks for, names of those whose values it decides)."""
    flags = commands.settings_of(command, settings)
    known = [(name, flag) for name, flag in flags if name in _names(config_class)]
    config = experiment.parse(config_class, ["", *(flag for _, flag in known)])
    return config.results_key(), {*ALWAYS, *(name for name, _ in known)}


def _names(config_class):
    return {field.name for field in dataclasses.fields(config_class)}
