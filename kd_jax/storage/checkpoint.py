"""Orbax checkpoints: written whole or not at all, and checked before they are read."""

import functools
import hashlib
import json
import logging
import os
import pathlib
import shutil
import sys
import threading
import time
import warnings
from typing import Any

import jax

from kd_jax.errors import InputError, number_of, unreadable
from kd_jax.runtime import devices, hosts
from kd_jax.storage import whole_file

ADVICE = "delete that folder or pass --retrain"
_one_at_a_time = threading.Lock()  # orbax keeps what it writes and reads where threads would meet


def save(path: str | os.PathLike, tree: Any, facts: dict) -> None:
    """Write a pytree of arrays with JSON-like `facts`; an older checkpoint there is replaced.

    The seal, a file beside the folder with the SHA-256 of every file in it, is written last: a
    checkpoint without its seal does not exist. Of several hosts all write, the first one seals.

    Raises:
        InputError: the folder cannot be written.
    """
    path = pathlib.Path(path).absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _seal(path).unlink(missing_ok=True)
        tree = devices.everywhere(tree)  # orbax restores only what it knows the devices of
        with _one_at_a_time:
            _orbax().save(str(path), tree, overwrite=True, custom_metadata={"facts": facts})
        if hosts.first_host():
            with whole_file.written(_seal(path)) as file:
                json.dump(_digests(path), file, indent=0)
        hosts.wait("sealed")
    except (OSError, ValueError) as error:
        number = number_of(error)
        if number is None:
            raise
        for unfinished in path.parent.glob(f"{path.name}.orbax-checkpoint-tmp*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        raise InputError(
            f"checkpoint {path} cannot be written ({os.strerror(number)}): make room or choose "
            "another folder with --workdir; what was written before is whole"
        ) from None


@functools.cache
def _orbax():
    """orbax, imported with the first checkpoint, so that a run trains that much earlier.

    Its threads and those of tensorstore print nothing: what they fail at is raised.
    """
    from orbax.checkpoint import v1 as ocp

    usual = sys.unraisablehook

    def hook(raised):
        if str(raised.exc_value) != "Event loop is closed":  # after another thread failed
            usual(raised)

    sys.unraisablehook = hook
    logging.getLogger("absl").addFilter(lambda said: "orbax" not in said.pathname)
    return ocp


def exists(path: str | os.PathLike) -> bool:
    """Whether a whole checkpoint stands there, sound or not."""
    return _seal(pathlib.Path(path)).exists()


def load(path: str | os.PathLike, like: Any) -> tuple[Any, dict]:
    """(tree, facts) of a checkpoint; `like` gives the structure, shapes and dtypes.

    Raises:
        InputError: a byte of it changed since it was saved, or it holds other arrays than `like`.
    """
    path = pathlib.Path(path).absolute()
    _check(path)
    here = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    like = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=here),
        jax.eval_shape(lambda: like),
    )
    try:
        with _one_at_a_time:
            about = _orbax().metadata(str(path))
            _compare(path, about.metadata, like)
            return _orbax().load(str(path), like), about.custom_metadata["facts"]
    except InputError:
        raise
    except Exception as error:  # orbax, tensorstore and json each raise their own
        # what orbax leaves unfinished would add its own lines to the one that we print
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        raise unreadable(f"checkpoint {path}", error, ADVICE) from None


def facts(path: str | os.PathLike) -> dict:
    """The facts of a checkpoint, without its arrays.

    Raises:
        InputError: it is damaged.
    """
    path = pathlib.Path(path).absolute()
    _check(path)
    with _one_at_a_time:
        return _orbax().metadata(str(path)).custom_metadata["facts"]


def _compare(path, stored, like):
    """InputError naming the first array of a checkpoint that has another shape than in `like`."""
    found, expected = _shapes(stored), _shapes(like)
    for name in found.keys() & expected.keys():
        if found[name] != expected[name]:
            raise InputError(
                f"checkpoint {path} holds {'.'.join(name)} {found[name]}, expected "
                f"{expected[name]}: other settings or code made it, which the facts that it is "
                "found by do not name; name them, or pass --retrain"
            )


def _shapes(tree):
    """{names of the path: shape} of every array but random keys, which are stored as numbers.

    A field and a key of the same name are alike.
    """
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {
        tuple(str(getattr(part, "key", getattr(part, "name", part))) for part in where): leaf.shape
        for where, leaf in leaves
        if not jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    }


def _seal(path):
    return path.with_name(path.name + ".seal")


def _digests(path):
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return {
        file.relative_to(path).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def _check(path):
    try:
        expected = json.loads(_seal(path).read_text(encoding="utf-8"))
        found = _digests(path)
    except (OSError, ValueError) as error:
        raise unreadable(f"checkpoint {path}", error, ADVICE) from None
    changed = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
    if changed:
        raise InputError(f"checkpoint {path} is corrupted ({changed[0]} changed): {ADVICE}")


class Snapshots:
    """The newest state of one training, so that a killed run goes on where it was.

    Args:
        folder: of this training alone.
        facts: what the training depends on: a snapshot of other facts is ignored.
        every: least seconds between two writes.
    """

    def __init__(self, folder: str | os.PathLike, facts: dict, every: float = 20.0):
        self.folder = pathlib.Path(folder)
        self.facts = facts
        self.every = every
        self.last = time.monotonic()

    def part(self, name: str) -> "Snapshots":
        """The Snapshots of a part of this training."""
        return Snapshots(self.folder / name, {**self.facts, "part": name}, self.every)

    def due(self) -> bool:
        """Whether enough seconds have passed since the last one."""
        return time.monotonic() - self.last >= self.every

    def save(self, done: int, tree: Any) -> None:
        """Write the state after `done` epochs; older ones are removed."""
        save(self.folder / f"{done:09d}", tree, self.facts)
        for older in self._complete()[:-1] if hosts.first_host() else ():
            _seal(older).unlink()
            shutil.rmtree(older)
        self.last = time.monotonic()

    def restore(self, like: Any) -> tuple[int, Any] | None:
        """(epochs done, tree) of the newest sound snapshot, or None."""
        for path in reversed(self._complete()):
            try:
                tree, facts = load(path, like)
            except InputError:
                continue  # an older snapshot, or the beginning, gives the same end
            if facts == self.facts:
                return int(path.name), tree
        return None

    def clear(self) -> None:
        """Remove every snapshot: the training is finished and its results are kept elsewhere."""
        hosts.wait("finished")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _complete(self):
        seals = (path for path in self.folder.glob("*.seal") if path.stem.isdigit())
        return sorted(path.with_suffix("") for path in seals)
