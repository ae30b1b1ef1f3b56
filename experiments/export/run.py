"""Export a trained network from its run folder for other programs, checked and measured."""

import dataclasses
import functools
import json
import pathlib
import re

import jax

from experiments.export import model_card
from kd_jax import experiment
from kd_jax.errors import require
from kd_jax.export import export, formats, saved_models
from kd_jax.report import tables


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of an export."""

    run: str = experiment.place("", "folder of the finished run, like runs/quickstart/<id>")
    row: str = experiment.place("", "row of the network in the tables (default: list them)")
    seed: int = experiment.place(0, "seed of the network")
    where: tuple[str, ...] = experiment.place((), "what tells rows of one name apart, like part=1")
    out: str = experiment.place("", "folder to export to (default: export/ in the run's folder)")

    def validate(self):
        require(self.run, "--run is missing: expected the folder of a run (./run.sh list)")
        for name in ("manifest.json", "config.json", "records.jsonl"):
            found = pathlib.Path(self.run) / name
            require(found.is_file(), f"--run={self.run} is no finished run: it has no {name}")
        for text in self.where:
            require("=" in text, f"--where={text}: expected name=value, like part=1")
        require(self.seed >= 0, f"--seed={self.seed}: expected 0 or more")


def offered(folder):
    """The Markdown table of the networks that a run folder keeps."""
    lines = [
        [row, ", ".join(map(str, range(first, first + count))), " ".join(_flags(where))]
        for _, rows, (first, count), where, _ in saved_models.groups(folder)
        for row in rows
    ]
    return tables.markdown(["--row", "--seed", ""], lines)


def _flags(where):
    return [f"--where={name}={value}" for name, value in where.items()]


def tell(run_folder, chosen, folder, report):
    """Write report.json and model_card.md of an export into its folder."""
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    settings, manifest = (
        json.loads((run_folder / name).read_text()) for name in ("config.json", "manifest.json")
    )
    leaves, _ = jax.tree_util.tree_flatten_with_path(chosen.inputs)
    inputs = "; ".join(
        f"{formats.dotted(path)} {x.dtype} [B, {', '.join(map(str, x.shape[1:]))}]".strip()
        for path, x in leaves
    )
    digests = export.digests(folder)
    text = model_card.card(chosen.record, settings, manifest, report, digests, inputs)
    (folder / export.CARD).write_text(text)


def slug(text):
    """A row's name as the name of a folder."""
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")


def run(settings):
    """Export one network, or list what there is."""
    folder = pathlib.Path(settings.run)
    if not settings.row:
        return print(offered(folder))
    where = dict(text.split("=", 1) for text in settings.where)
    chosen = saved_models.take(folder, settings.row, settings.seed, where)
    name = f"{slug(' '.join([settings.row, *settings.where]))}-seed-{settings.seed}"
    out = pathlib.Path(settings.out or folder / "export" / name)
    report = export.ship(out, chosen, functools.partial(tell, folder, chosen))
    print(model_card.table(report))
    print(f"exported to {out}")


if __name__ == "__main__":
    experiment.launch(Config, run)
