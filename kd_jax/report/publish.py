"""Keep a finished run as evidence: `./run.sh publish runs/<experiment>/<id>`.

Copies its settings, manifest, records, tables and figures to experiments/<name>/records/, or to
experiments/<name>/records_<preset>/ where the preset is not the default one, and renews the READMEs
(see readmes.py). Without a folder it renews the READMEs alone, as after a change of an experiment's
docstring or findings.
"""

import json
import os
import pathlib
import re
import shutil
import sys

from kd_jax.errors import DAMAGED, InputError, brief, one_line, require
from kd_jax.report import readmes
from kd_jax.storage import jsonl

ROOT = pathlib.Path(__file__).parents[2]
PUBLISHED = ("*.json", "records.jsonl", "table.md", "*.png", "*.npz")


def publish(run_folder: str | os.PathLike, root: pathlib.Path = ROOT) -> pathlib.Path:
    """Copy a finished run into its experiment and renew the READMEs.

    Args:
        run_folder: runs/<experiment>/<id>.
        root: the folder of the repository.

    Returns:
        The folder of the published records.

    Raises:
        InputError: the folder is not a finished run.
    """
    source = pathlib.Path(run_folder).resolve()
    target = records_folder(root, *checked(source, root))
    partial, old = target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")
    for left in (partial, old):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    partial.mkdir()
    for path in (path for pattern in PUBLISHED for path in source.glob(pattern)):
        if path.is_file():
            shutil.copy(path, partial)
    if target.exists():
        target.rename(old)
    partial.rename(target)
    try:
        readmes.write(root)
    except DAMAGED as error:
        shutil.rmtree(target)
        if old.exists():
            old.rename(target)
        raise InputError(f"{source} cannot be shown on a page ({brief(error)})") from None
    shutil.rmtree(old, ignore_errors=True)
    return target


def checked(source: pathlib.Path, root: pathlib.Path) -> tuple[str, str]:
    """The experiment and the preset of a finished run that is whole, none of the records here.

    Raises:
        InputError: it is not, or there is no such experiment or preset.
    """
    for name in ("manifest.json", "config.json", "records.jsonl", "table.md"):
        require((source / name).is_file(), f"{source} is not a finished run: it has no {name}")
    require(not source.is_relative_to(root / "experiments"), f"{source} is published already")
    require(jsonl.every_record(source), f"{source} has no records")
    try:
        experiment, preset = map(str, experiment_and_preset(source))
        json.loads((source / "manifest.json").read_text(encoding="utf-8"))["seconds"]["total"]
        require(
            (source / "table.md").read_text(encoding="utf-8").strip(), f"{source}/table.md is empty"
        )
    except DAMAGED as error:
        raise InputError(f"{source} is damaged ({brief(error)}): run it again") from None
    known = [folder.name for folder in readmes.folders(root)]
    require(experiment in known, f"{source} is of '{experiment}', which is no experiment here")
    require(re.fullmatch(r"\w+", preset), f"{source} is of the preset '{preset}': expected a name")
    return experiment, preset


def experiment_and_preset(folder: pathlib.Path) -> tuple[str, str]:
    """The experiment and the preset of a run folder."""
    experiment = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["experiment"]
    return experiment, json.loads((folder / "config.json").read_text(encoding="utf-8"))["preset"]


def records_folder(root: pathlib.Path, experiment: str, preset: str) -> pathlib.Path:
    """Where the records of an experiment's preset are published."""
    name = "records" if preset == "default" else f"records_{preset}"
    return root / "experiments" / experiment / name


def all_records(root: pathlib.Path = ROOT) -> dict[str, pathlib.Path]:
    """{experiment, or experiment_preset: its published folder}, by name."""
    found = {}
    for manifest in sorted(root.glob("experiments/*/records*/manifest.json")):
        experiment, preset = experiment_and_preset(manifest.parent)
        found[experiment if preset == "default" else f"{experiment}_{preset}"] = manifest.parent
    return found


if __name__ == "__main__":
    with one_line():
        require(len(sys.argv) < 3, "expected one argument at most, the folder of a finished run")
        print(*([publish(sys.argv[1])] if len(sys.argv) > 1 else readmes.write(ROOT)), sep="\n")
