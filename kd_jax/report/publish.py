"""Keep a finished run as evidence: `./run.sh publish runs/<experiment>/<id>`.

Copies its settings, manifest, records, tables and figures to experiments/<name>/records/, or to
experiments/<name>/records_<preset>/ where the preset is not the default one, and renews the READMEs
(see readmes.py). Without a folder it renews the READMEs alone, as after a change of an experiment's
docstring or findings.
"""

import json
import os
import pathlib
import shutil
import sys

from kd_jax.errors import one_line, require
from kd_jax.report import readmes

ROOT = pathlib.Path(__file__).parents[2]
PUBLISHED = ("*.json", "records.jsonl", "table.md", "*.png")


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
    source = pathlib.Path(run_folder)
    for name in ("manifest.json", "config.json"):
        require((source / name).is_file(), f"{source} is not a finished run: it has no {name}")
    target = records_folder(root, *experiment_and_preset(source))
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    for pattern in PUBLISHED:
        for path in source.glob(pattern):
            shutil.copy(path, target)
    readmes.write(root)
    return target


def experiment_and_preset(folder: pathlib.Path) -> tuple[str, str]:
    """The experiment and the preset of a run folder."""
    experiment = json.loads((folder / "manifest.json").read_text())["experiment"]
    return experiment, json.loads((folder / "config.json").read_text())["preset"]


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
