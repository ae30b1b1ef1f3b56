"""Disk cache for arrays that are computed once, found by the facts that they depend on."""

import json
import os
import pathlib
from collections.abc import Callable

import numpy as np

from kd_jax import fingerprint
from kd_jax.errors import InputError, unreadable
from kd_jax.runtime import hosts
from kd_jax.storage import locks, whole_file


def cached(
    folder: str | os.PathLike, facts: dict, compute: Callable, *, again: bool = False
) -> dict[str, np.ndarray]:
    """The arrays {name: array} that compute() gives, computed once and cached in `folder`.

    Args:
        folder: where the cache lies.
        facts: JSON-like, all that they depend on besides fingerprint.surroundings.
        compute: as for `kept`.
        again: as for `kept`.

    Raises:
        InputError: as for `kept`.
    """
    return kept(folder, {**facts, **fingerprint.surroundings()}, compute, again=again)


def holds(folder: str | os.PathLike, facts: dict) -> bool:
    """Whether `cached` would find its file, which may be damaged all the same.

    Args:
        folder: as for `cached`.
        facts: as for `cached`.
    """
    return _file(folder, {**facts, **fingerprint.surroundings()}).exists()


def kept(
    folder: str | os.PathLike, facts: dict, compute: Callable, *, again: bool = False
) -> dict[str, np.ndarray]:
    """`cached` for arrays that facts alone decide.

    Args:
        folder: where they lie.
        facts: JSON-like.
        compute: () -> {name: array}.
        again: compute even if they are there.

    Raises:
        InputError: the file is corrupted, or of other facts.
    """
    path = _file(folder, facts)
    with locks.alone(path):
        if path.exists() and not again:
            return _read(path, facts)
        arrays = compute()
        if hosts.first_host():
            _write(path, facts, arrays)
    return arrays


def _file(folder, facts):
    return pathlib.Path(folder) / f"outputs-{fingerprint.of(facts)}.npz"


def _write(path, facts, arrays):
    text = json.dumps({**facts, "digest": fingerprint.arrays(arrays)})
    with whole_file.written(path, binary=True) as file:
        np.savez(file, **arrays, facts=np.frombuffer(text.encode(), np.uint8))


def _read(path, facts):
    advice = "delete that file"
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            found = json.loads(stored["facts"].tobytes())
            arrays = {name: stored[name] for name in stored.files if name != "facts"}
            digest = found.pop("digest")
    except Exception as error:  # zipfile, zlib, json and numpy each raise their own
        raise unreadable(f"teacher outputs {path}", error, advice) from None
    if found != facts:
        differ = fingerprint.mismatch(found, facts)
        raise InputError(f"teacher outputs {path} are {differ}: {advice}")
    if fingerprint.arrays(arrays) != digest:
        raise InputError(f"teacher outputs {path} are corrupted (digest differs): {advice}")
    return arrays
