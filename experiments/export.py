"""Export a trained network from its run folder for other programs, checked and measured.

Command:  ./run.sh export --run=runs/quickstart/<id> [--row="soft targets, T=2"] [--seed=0]
          without --row it lists the networks of that run
Takes:    half a minute on 2 CPU cores
Expected: every format gives the same logits to 1e-5 in a process of its own; int8 is a quarter of
          the bytes and loses at most 0.2 points of accuracy
Needs:    export onnx

StableHLO is for jax.export on CPU, CUDA and TPU and needs no kd_jax; safetensors is read by kd_jax
and by whoever knows the network; ONNX is for onnxruntime. Beside them lie a model card, a report
as JSON and predict.py, which runs them.
"""

import dataclasses
import functools
import json
import pathlib
import re

import jax

from kd_jax import config
from kd_jax.errors import require
from kd_jax.report import card, tables
from kd_jax.shipping import artifacts, kept, shipment


@dataclasses.dataclass(frozen=True)
class Config(config.Common):
    """Settings of an export."""

    run: str = config.place("", "folder of the finished run, like runs/quickstart/<id>")
    row: str = config.place("", "row of the network in the tables (default: list them)")
    seed: int = config.place(0, "seed of the network")
    where: tuple[str, ...] = config.place((), "what tells rows of one name apart, like part=1")
    out: str = config.place("", "folder to export to (default: export/ in the run's folder)")

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
        for _, rows, (first, count), where, _ in kept.groups(folder)
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
        f"{artifacts.dotted(path)} {x.dtype} [B, {', '.join(map(str, x.shape[1:]))}]".strip()
        for path, x in leaves
    )
    digests = shipment.digests(folder)
    text = card.card(chosen.record, settings, manifest, report, digests, inputs)
    (folder / shipment.CARD).write_text(text)


def slug(text):
    """A row's name as the name of a folder."""
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")


def run(settings):
    """Export one network, or list what there is."""
    folder = pathlib.Path(settings.run)
    if not settings.row:
        return print(offered(folder))
    where = dict(text.split("=", 1) for text in settings.where)
    chosen = kept.take(folder, settings.row, settings.seed, where)
    name = f"{slug(' '.join([settings.row, *settings.where]))}-seed-{settings.seed}"
    out = pathlib.Path(settings.out or folder / "export" / name)
    report = shipment.ship(out, chosen, functools.partial(tell, folder, chosen))
    print(card.table(report))
    print(f"exported to {out}")


if __name__ == "__main__":
    config.launch(Config, run)
