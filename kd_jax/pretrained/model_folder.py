"""Hugging Face model folders: config.json, tokenizer and weights as files, hub names."""

import contextlib
import difflib
import gc
import json
import os
import pathlib
import re
import shutil
from collections.abc import Iterable, Iterator
from typing import Any, cast

import numpy as np

from kd_jax import paths
from kd_jax.errors import InputError, brief, extra, once, require
from kd_jax.pretrained import safetensors_files
from kd_jax.pretrained.settings import Settings, shown


def json_object(path: str | os.PathLike) -> dict:
    """The JSON object in a file, each of its names once.

    Raises:
        InputError: it is unreadable, no JSON object, or has a name twice.
    """
    found = _json(path)
    require(isinstance(found, dict), f"{path} holds no settings: expected a JSON object")
    return found


def json_objects(path: str | os.PathLike) -> list[dict]:
    """The list of JSON objects in a file.

    Raises:
        InputError: it is unreadable or no such.
    """
    found = _json(path)
    right = isinstance(found, list) and all(isinstance(each, dict) for each in found)
    require(right, f"{path} holds no settings: expected a list of JSON objects")
    return found


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """No garbage is looked for while large JSON becomes objects, none of which is any.

    It would be looked for among all objects of the process, at every so many new ones.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _json(path):
    paths.has_file(pathlib.Path(path))  # a pipe would be waited for
    try:
        return json.loads(pathlib.Path(path).read_bytes(), object_pairs_hook=once)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({brief(error)})") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON ({brief(error)}): restore it") from None


def config(folder: str | os.PathLike) -> dict:
    """The settings in config.json.

    Raises:
        InputError: it is missing or no JSON object.
    """
    path = pathlib.Path(folder) / "config.json"
    require(path.is_file(), f"{folder} has no config.json: expected a Hugging Face model folder")
    return json_object(path)


def settings(folder: str | os.PathLike, known: Iterable[str]) -> tuple[str, Settings]:
    """(model_type, Settings) of a folder's config.json.

    Args:
        folder: with the model.
        known: the types that can be read.

    Raises:
        InputError: it is missing, no JSON object, or of another type.
    """
    found = config(folder)
    more = pathlib.Path(folder) / "adapter_config.json"
    require(
        not more.exists(),
        f"{more}: an adapter is to be added to these weights, which is not implemented: expected "
        "a folder with the weights merged",
    )
    kind, names = cast(Any, found.get("model_type")), list(known)
    longer = [name for name in names if name.startswith(f"{kind}_")]
    near = longer or difflib.get_close_matches(str(kind), names, 1)
    require(
        isinstance(kind, str) and kind in names,
        f"{folder}: model_type is '{shown(kind)}', expected "
        + " or ".join([", ".join(names[:-1]), names[-1]])
        + "".join(f"; the nearest is {name}" for name in near),
    )
    return kind, Settings(found, pathlib.Path(folder) / "config.json")


def save(
    folder: str | os.PathLike,
    settings: dict,
    arrays: dict[str, np.ndarray],
    tokenizer: str | os.PathLike | None = None,
) -> None:
    """Write config.json, model.safetensors and tokenizer files.

    What is read from there afterwards are these arrays, whatever weights lay there before.

    Args:
        folder: is made when missing.
        settings: of config.json.
        arrays: {name: array}.
        tokenizer: the folder whose tokenizer files are copied, if any.

    Raises:
        InputError: the folder of the tokenizer is gone, or has no tokenizer.json.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if tokenizer is not None:
        require_there(tokenizer)
        require(
            (pathlib.Path(tokenizer) / "tokenizer.json").is_file(),
            f"{tokenizer} has no tokenizer.json: expected the model's tokenizer",
        )
        for path in _texts_files(pathlib.Path(tokenizer)):
            if path.resolve() != (folder / path.name).resolve():
                shutil.copyfile(path, folder / path.name)
    safetensors_files.write(folder, arrays)
    settings = settings | {"torch_dtype": next(iter(arrays.values())).dtype.name}
    safetensors_files.replace(folder / "config.json", json.dumps(settings, indent=2) + "\n")


def require_there(folder: str | os.PathLike) -> None:
    """InputError if the folder that a model was read from is there no more.

    Args:
        folder: Whose tokenizer is to be copied.
    """
    require(
        pathlib.Path(folder).is_dir(),
        f"there is no folder {folder}, whose tokenizer's files are to be copied: put it back",
    )


def _texts_files(folder):
    """A folder's files of tokens: the tokenizer's, and which of them end a text."""
    ends = folder / "generation_config.json"
    return [*sorted(folder.glob("tokenizer*.json")), *([ends] if paths.has_file(ends) else [])]


HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
HUB_FILES = (
    "config.json", "generation_config.json", "*.safetensors", "*.safetensors.index.json",
    "tokenizer*.json", "added_tokens.json", "chat_template*", "adapter_config.json",
    "modules.json", "config_sentence_transformers.json", "sentence_*_config.json",
    "*_Pooling/config.json", "*_Dense/config.json", "0_Transformer/*.json",
)  # fmt: skip


def find(name: str | os.PathLike) -> pathlib.Path:
    """The folder of a model: a local one, or that of a name on the Hugging Face hub, fetched.

    It is absolute: a program may go elsewhere before it reads more of it.

    Raises:
        InputError: the name is neither, or the hub's package or the hub is out of reach.
    """
    path = paths.given(name)
    if path.is_dir():
        return path.absolute()
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
        found = snapshot_download(str(name), allow_patterns=list(HUB_FILES))
        return pathlib.Path(found).absolute()
    except Exception as error:  # of several libraries below it: network, hub, disk
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        failed = f"{name} could not be fetched from the hub ({reason})"
        raise InputError(f"{failed}; {instead}") from None
