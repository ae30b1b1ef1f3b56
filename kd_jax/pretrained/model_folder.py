"""Hugging Face model folders: config.json, *.safetensors, tokenizer.json, hub names."""

import json
import os
import pathlib
import re
import shutil
from collections.abc import Iterable
from typing import Any

import ml_dtypes  # noqa: F401, tells NumPy what bfloat16 is
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from kd_jax.errors import InputError, extra, require

LARGE = 1e30  # above every number of a config


def config(folder: str | os.PathLike) -> dict:
    """The settings in config.json.

    Raises:
        InputError: it is missing or no JSON object.
    """
    path = pathlib.Path(folder) / "config.json"
    require(path.is_file(), f"{folder} has no config.json: expected a Hugging Face model folder")
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON ({error}): restore it") from None
    require(isinstance(found, dict), f"{path} holds no settings: expected a JSON object")
    return found


def kind(found: dict, known: Iterable[str], folder: str | os.PathLike) -> str:
    """The model_type of a config.

    Args:
        found: the config.
        known: the types that can be read.
        folder: its folder, for the error message.

    Raises:
        InputError: it is another.
    """
    given: Any = found.get("model_type")
    require(
        isinstance(given, str) and given in known,
        f"{folder}: model_type is '{given}', expected {' or '.join(known)}",
    )
    return given


def setting(found: dict, name: str, folder: str | os.PathLike) -> int:
    """One positive whole number of a config.

    Raises:
        InputError: it is missing or no such.
    """
    value: Any = found.get(name)
    whole = isinstance(value, int) and not isinstance(value, bool)
    require(whole and value > 0, f"{folder}/config.json: {name} is {value}, expected 1 or more")
    return value


def positive(found: dict, name: str, default: float, folder: str | os.PathLike) -> float:
    """One positive number of a config.

    Raises:
        InputError: it is no such.
    """
    value = found.get(name, default)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    positive = number and 0 < value < LARGE
    require(positive, f"{folder}/config.json: {name} is {value}, expected more than 0")
    return float(value)


def tensors(folder: str | os.PathLike) -> dict[str, np.ndarray]:
    """{name: array, float32 or shorter} of all safetensors files of the folder.

    With a model.safetensors.index.json they are the files that it names.

    Raises:
        InputError: there is none, or one is missing or damaged.
    """
    found = {}
    for path in _shards(pathlib.Path(folder)):
        require(path.is_file(), f"{path} is missing: model.safetensors.index.json names it")
        try:
            with safe_open(path, framework="numpy") as file:
                found |= {name: file.get_tensor(name) for name in file.keys()}
        except (SafetensorError, OSError, TypeError) as error:
            raise InputError(f"{path} is damaged ({error}): get it again") from None
    return found


def _shards(folder):
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        paths = sorted(folder.glob("*.safetensors"))
        require(paths, f"{folder} has no .safetensors file: expected the model's weights in one")
        return paths
    try:
        names = set(json.loads(index.read_bytes())["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{index} has no weight_map ({error!r}): get it again") from None
    for name in names:
        own = isinstance(name, str) and pathlib.PurePath(name).name == name
        require(own, f"{index} names the file {name!r}: expected one in the same folder")
    return [folder / name for name in sorted(names)]


class Weights:
    """Tensors taken one by one with the shape that is expected of each."""

    def __init__(self, source: Any, found: Any, authority: str = "config.json says"):
        """All tensors of a model; `prefix`, an attribute, stands before every name.

        Args:
            source: their file or folder, for error messages.
            found: {name: array}.
            authority: what gives the expected shapes, for error messages.
        """
        self.source, self.found, self.authority = source, found, authority
        self.prefix = ""

    def take(self, name: str, *shape: int) -> np.ndarray:
        """The float32 tensor of that name.

        Raises:
            InputError: it is missing, or of another shape.
        """
        array = self.found.get(self.prefix + name)
        require(
            array is not None,
            f"{self.source} has no tensor '{self.prefix}{name}': the weights are not of this "
            "architecture, or one of their files is missing",
        )
        require(
            array.shape == shape,
            f"{self.source}: tensor '{name}' has shape {array.shape}, {self.authority} {shape}",
        )
        return np.asarray(array, np.float32)


def save(
    folder: str | os.PathLike,
    settings: dict,
    arrays: dict[str, np.ndarray],
    tokenizer: str | os.PathLike | None = None,
) -> None:
    """Write config.json, model.safetensors and tokenizer files.

    Args:
        folder: is made when missing.
        settings: of config.json.
        arrays: {name: array}.
        tokenizer: the folder whose tokenizer files are copied, if any.

    Raises:
        InputError: there is no tokenizer.json to copy.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if tokenizer is not None:
        require(
            (pathlib.Path(tokenizer) / "tokenizer.json").is_file(),
            f"{tokenizer} has no tokenizer.json: expected the model's tokenizer",
        )
        for path in sorted(pathlib.Path(tokenizer).glob("tokenizer*.json")):
            if path.resolve() != (folder / path.name).resolve():
                shutil.copyfile(path, folder / path.name)
    save_file(arrays, folder / "model.safetensors", metadata={"format": "pt"})
    settings = settings | {"torch_dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
HUB_FILES = "config.json", "*.safetensors", "*.safetensors.index.json", "tokenizer*.json"


def find(name: str | os.PathLike) -> pathlib.Path:
    """The folder of a model: a local one, or that of a name on the Hugging Face hub, fetched.

    Raises:
        InputError: the name is neither, or the hub's package or the hub is out of reach.
    """
    path = pathlib.Path(name).expanduser()
    if path.is_dir():
        return path
    require(
        HUB_NAME.fullmatch(str(name)),
        f"{name} is no folder: expected a Hugging Face model folder, or a hub name, owner/name",
    )
    instead = f"{name} is no local folder either; give the path of one with config.json"
    try:
        with extra("text"):
            from huggingface_hub import snapshot_download
    except InputError as error:
        raise InputError(f"{error}; {instead}") from None
    try:
        return pathlib.Path(snapshot_download(str(name), allow_patterns=list(HUB_FILES)))
    except Exception as error:  # of several libraries below it: network, hub, disk
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        failed = f"{name} could not be fetched from the hub ({reason})"
        raise InputError(f"{failed}; {instead}") from None
