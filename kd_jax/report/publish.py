"""Keep a finished run as evidence: `./run.sh publish runs/<experiment>/<id>`.

Without a folder it renews the README alone, as after a change of an experiment's docstring.

Copies its settings, manifest, records, tables and figures to experiments/<name>/records/, or to
experiments/<name>/records_<preset>/ where the preset is not the default one, and renews the part of
README.md between `<!-- table: <name> -->` or `<!-- table: <name>_<preset> -->` and `<!-- end -->`.
"""

import json
import pathlib
import re
import shutil
import sys

from kd_jax.errors import one_line, require
from kd_jax.report import docstrings

ROOT = pathlib.Path(__file__).parents[2]
KEPT = ("*.json", "records.jsonl", "table.md", "*.png")


def publish(run_folder, root=ROOT):
    """Copy a finished run into its experiment and renew the README; returns the new folder.

    Raises: InputError when the folder is not a finished run.
    """
    source = pathlib.Path(run_folder)
    for name in ("manifest.json", "config.json"):
        require((source / name).is_file(), f"{source} is not a finished run: it has no {name}")
    target = records_folder(root, *experiment_and_preset(source))
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    for pattern in KEPT:
        for path in source.glob(pattern):
            shutil.copy(path, target)
    renew(root)
    return target


def renew(root=ROOT):
    """Renew the README from the committed records and the experiments' docstrings; its path."""
    readme = root / "README.md"
    readme.write_text(renewed(readme.read_text(), root))
    return readme


def experiment_and_preset(folder):
    """The experiment and the preset of a run folder."""
    experiment = json.loads((folder / "manifest.json").read_text())["experiment"]
    return experiment, json.loads((folder / "config.json").read_text())["preset"]


def records_folder(root, experiment, preset):
    """Where the records of an experiment's preset are published."""
    name = "records" if preset == "default" else f"records_{preset}"
    return root / "experiments" / experiment / name


def all_records(root=ROOT):
    """{experiment, or experiment_preset: its published folder}, by name."""
    found = {}
    for manifest in sorted(root.glob("experiments/*/records*/manifest.json")):
        experiment, preset = experiment_and_preset(manifest.parent)
        found[experiment if preset == "default" else f"{experiment}_{preset}"] = manifest.parent
    return found


def renewed(text, root=ROOT):
    """The README's text with every marked part replaced by the table of its committed record.

    The list of the experiments is renewed too, see `scripts.table`.
    """

    published = all_records(root)

    def part(match):
        if match[2] not in published:
            return match[0]  # its experiment has no committed record yet
        table = published[match[2]] / "table.md"
        return f"{match[1]}\n{table.read_text().strip()}\n{match[4]}"

    def listed(match):
        return f"{match[1]}\n{docstrings.table(root).strip()}\n{match[2]}"

    text = re.sub(r"(<!-- experiments -->)\n.*?(<!-- end -->)", listed, text, flags=re.S)
    return re.sub(r"(<!-- table: (\w+) -->)\n(.*?)(<!-- end -->)", part, text, flags=re.S)


if __name__ == "__main__":
    with one_line():
        require(len(sys.argv) < 3, "expected one argument at most, the folder of a finished run")
        print(publish(sys.argv[1]) if len(sys.argv) > 1 else renew())
