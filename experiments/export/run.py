"""Export a trained network from its run folder for other programs, checked and measured."""

import functools
import json
import re

import jax

from experiments.export import model_card
from kd_jax import paths
from kd_jax.export import export, formats, hub, saved_models
from kd_jax.storage import manifest


def describe(run_folder, chosen, folder, report):
    """Write report.json and README.md, the model card, of an export into its folder."""
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    settings = json.loads((run_folder / "config.json").read_text(encoding="utf-8"))
    leaves, _ = jax.tree_util.tree_flatten_with_path(chosen.inputs)
    inputs = "; ".join(
        f"{formats.dotted(path)} {x.dtype} [B, {', '.join(map(str, x.shape[1:]))}]".strip()
        for path, x in leaves
    )
    digests = export.digests(folder)
    text = model_card.card(
        chosen.record, settings, manifest.read(run_folder), report, digests, inputs
    )
    (folder / hub.CARD).write_text(text, encoding="utf-8")


def slug(text):
    """A row's name as the name of a folder."""
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")


def run(config, run):
    """Export one network, or list what there is; `run`, of no use to a tool, is not opened."""
    api = hub.client(config.push) if config.push else None
    if not config.run:
        return print(hub.push(paths.given(config.out), config.push, api))
    folder = paths.given(config.run)
    if not config.row:
        return print(model_card.listing(saved_models.groups(folder)))
    where = dict(text.split("=", 1) for text in config.where)
    chosen = saved_models.take(folder, config.row, config.seed, where)
    name = f"{slug(' '.join([config.row, *config.where]))}-seed-{config.seed}"
    out = paths.given(config.out or folder / "export" / name)
    report = export.write(out, chosen, functools.partial(describe, folder, chosen))
    print(model_card.table(report))
    print(f"exported to {out}")
    if api:
        print(hub.push(out, config.push, api))
