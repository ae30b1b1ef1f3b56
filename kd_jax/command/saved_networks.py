"""A saved network as a teacher of a problem's raw rows, which its own preprocessing reads."""

import functools
import hashlib
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from kd_jax.data import preprocessing
from kd_jax.errors import InputError, require
from kd_jax.export import network


class SavedNetwork(NamedTuple):
    """What a folder holds: raw rows -> logits [B, C], the names of the C classes, its digest."""

    call: Callable
    classes: list[str]
    digest: str


def read(name: str, folder: pathlib.Path) -> SavedNetwork:
    """The network of a folder that `Network.save` or `./run.sh distill` wrote.

    Args:
        name: Of the teacher, for messages.
        folder: Of the network, or the one that holds it as student/.

    Raises:
        InputError: See export.network.load.
    """
    within = folder / "student"
    folder = within if within.is_dir() else folder
    found, digest = network.load(folder), hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        digest.update(f"{path.name} ".encode() + hashlib.sha256(path.read_bytes()).digest())
    call = functools.partial(_logits, name, found)
    return SavedNetwork(call, list(found.classes), digest.hexdigest())


def _logits(name, found, raw):
    return found.logits(inputs(name, found.preprocessing, raw))


def inputs(name: str, settings: Mapping[str, Any], raw: Any) -> np.ndarray:
    """Inputs of raw rows.

    Args:
        name: Of the teacher, for messages.
        settings: The preprocessing that the network was saved with, see `Problem`.
        raw: As in `Part`.

    Raises:
        InputError: The rows are of another kind than the network's, or lack a column.
    """
    table = settings["kind"] == "table"
    kind = "arrays or images" if isinstance(raw, np.ndarray) else "a table"
    differ = f"--teacher={name} was trained on {settings['kind']} and --data holds {kind}"
    require(table != isinstance(raw, np.ndarray), f"{differ}: name another teacher")
    if not table:
        return raw
    try:
        return preprocessing.apply(settings, raw.to_pydict())
    except ValueError as error:
        raise InputError(f"--teacher={name}: {error}") from None
