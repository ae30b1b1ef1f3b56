"""A model folder as Hugging Face lays it out: config.json, *.safetensors, tokenizer.json."""

import json
import pathlib

import numpy as np
from safetensors import SafetensorError, safe_open

from kd_jax.errors import InputError, require


def config(folder):
    """The settings in config.json. Raises: InputError when it is missing or no JSON object."""
    path = pathlib.Path(folder) / "config.json"
    require(path.is_file(), f"{folder} has no config.json: expected a Hugging Face model folder")
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path} is no JSON ({error}): restore it") from None
    require(isinstance(found, dict), f"{path} holds no settings: expected a JSON object")
    return found


def setting(found, name, folder):
    """One positive whole number of a config. Raises: InputError when it is missing or no such."""
    value = found.get(name)
    whole = isinstance(value, int) and not isinstance(value, bool)
    require(whole and value > 0, f"{folder}/config.json: {name} is {value}, expected 1 or more")
    return value


def tensors(folder):
    """{name: float32 array} of all safetensors files of the folder.

    Raises: InputError when there is none or one is damaged.
    """
    paths = sorted(pathlib.Path(folder).glob("*.safetensors"))
    require(paths, f"{folder} has no .safetensors file: expected the model's weights in one")
    found = {}
    for path in paths:
        try:
            with safe_open(path, framework="numpy") as file:
                found |= {name: file.get_tensor(name) for name in file.keys()}
        except (SafetensorError, OSError, TypeError) as error:
            raise InputError(f"{path} is damaged ({error}): get it again") from None
    return found


class Weights:
    """The tensors of a folder, taken one by one with the shape that is expected of each."""

    def __init__(self, folder):
        self.folder, self.found = folder, tensors(folder)
        self.prefix = ""

    def take(self, name, *shape):
        """The float32 tensor of that name. Raises: InputError when it is missing or misshapen."""
        array = self.found.get(self.prefix + name)
        require(
            array is not None,
            f"{self.folder} has no tensor '{self.prefix}{name}': the weights are not of this "
            "architecture, or one of their files is missing",
        )
        require(
            array.shape == shape,
            f"{self.folder}: tensor '{name}' has shape {array.shape}, config.json says {shape}",
        )
        return np.asarray(array, np.float32)

    def dense(self, name, inputs, outputs):
        """{"kernel" [inputs, outputs], "bias" [outputs]} of a linear layer, stored transposed."""
        kernel = self.take(f"{name}.weight", outputs, inputs).T
        return {"kernel": kernel, "bias": self.take(f"{name}.bias", outputs)}

    def norm(self, name, width):
        """{"scale", "bias"} [width] of a layer normalisation."""
        scale, bias = self.take(f"{name}.weight", width), self.take(f"{name}.bias", width)
        return {"scale": scale, "bias": bias}
