"""Folders of 13 tiny decoders whose weights follow a recipe, and transformers' numbers of them."""

import json
import pathlib

import numpy as np
from safetensors.numpy import save_file

GOLDEN = json.loads(
    (pathlib.Path(__file__).parent / "pretrained" / "decoder_families.json").read_text()
)


def tensors(name):
    """{name: array}: number k of the p-th name, sorted, is a sin(f k + b + 0.7 p); scales + 1."""
    shapes, recipe = GOLDEN["families"][name]["shapes"], GOLDEN["recipe"]
    layers = range(config_of(name)["num_hidden_layers"])
    whole = {part.format(n): shape for part, shape in shapes.items() for n in layers}
    found = {}
    for p, (part, shape) in enumerate(sorted(whole.items())):
        angles = recipe["frequency"] * np.arange(1, np.prod(shape) + 1) + recipe["phase"] + 0.7 * p
        wave = recipe["amplitude"] * np.sin(angles).reshape(shape)
        plain = "norm" in part and len(shape) == 1 and "gemma" not in name
        found[part] = (wave + plain).astype(np.float32)
    return found


def config_of(name):
    return GOLDEN["families"][name]["config"]


def write(folder, name, **changes):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_of(name) | changes))
    save_file(tensors(name), folder / "model.safetensors")
    return folder
