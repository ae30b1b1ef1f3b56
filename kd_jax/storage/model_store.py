"""Store of trained models: trained once, found by what they depend on, their outputs cached."""

import contextlib
import os
import pathlib
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Shaped

from kd_jax import fingerprint
from kd_jax.errors import InputError
from kd_jax.runtime import hosts
from kd_jax.storage import array_cache, checkpoint, jsonl, locks

SPENT = "seconds"  # the file beside the snapshots of a training


class StoredModel(NamedTuple):
    """Trained parameters, the fingerprint of all they depend on, and where they are stored.

    seconds: what their training took, over all processes that had a part in it.
    """

    params: Any
    fingerprint: str
    folder: pathlib.Path
    restored: bool
    seconds: float


def fit_or_restore(
    workdir: str | os.PathLike,
    facts: dict,
    train: Callable,
    like: Any,
    *,
    retrain: bool = False,
) -> StoredModel:
    """The parameters that `facts` describe: restored if they were ever trained here, else trained.

    Args:
        workdir: the folder of all runs; models are in its folder "teachers".
        facts: JSON-like, everything the result depends on besides fingerprint.surroundings:
            settings, data digest, code.
        train: (snapshots) -> params; hands `snapshots` to loop.fit.
        like: the structure of params, as jax.eval_shape gives it.
        retrain: train even if a checkpoint exists, and replace it.

    Raises:
        InputError: the checkpoint is corrupted or of other facts.
    """
    facts = {**facts, **fingerprint.surroundings()}
    folder = _folder(workdir, facts)
    name = folder.name
    saved, snapshots = folder / "params", TimedSnapshots(folder / "training", facts)
    with locks.alone(saved):  # another run may train it just now
        if checkpoint.exists(saved) and not retrain:
            params, found = checkpoint.load(saved, like)
            if found["of"] != facts:
                raise InputError(
                    f"checkpoint {saved} is {fingerprint.mismatch(found['of'], facts)}: "
                    f"{checkpoint.ADVICE}"
                )
            snapshots.clear()  # of a process that was killed before it did so
            return StoredModel(params, name, folder, True, found["seconds"])
        if retrain:
            snapshots.clear()
        took = snapshots.begin()
        params = train(snapshots)
        seconds = took()
        checkpoint.save(saved, params, {"of": facts, "seconds": seconds})
        snapshots.clear()
        return StoredModel(params, name, folder, False, seconds)


def of_run(run: Any, facts: dict, train: Callable, like: Any, **about: Any) -> StoredModel:
    """What `fit_or_restore` gives, told in a run's manifest.

    There stands by its fingerprint what is known about it; whether it was "restored" when the run
    first asked for it; the "seconds" of its training, and how many of them were "ready" then.

    Args:
        run: a run_folder.Run.
        facts: as for `fit_or_restore`.
        train: as for `fit_or_restore`.
        like: as for `fit_or_restore`.
        about: JSON-like, like the row and the data.
    """
    facts = {**facts, "fast_compile": run.execution.fast_compile}
    folder = _folder(run.workdir, {**facts, **fingerprint.surroundings()})
    restored = checkpoint.exists(folder / "params") and not run.retrain
    known = {**about, "restored": restored}
    if not restored:  # an earlier command may have begun it
        known["ready"] = 0.0 if run.retrain else spent(folder / "training")
    run.notes(teachers={folder.name: known})
    found = fit_or_restore(run.workdir, facts, train, like, retrain=run.retrain)
    run.notes(teachers={folder.name: {"seconds": found.seconds, "ready": found.seconds}})
    return found


class TimedSnapshots(checkpoint.Snapshots):
    """Snapshots that keep beside them what the training took so far."""

    took: Callable[[], float]  # since `begin`
    total: pathlib.Path

    def begin(self) -> Callable[[], float]:
        """Begin or go on with the training; the seconds that it took by now, when called."""
        since = time.monotonic() - spent(self.folder)
        self.took, self.total = lambda: round(time.monotonic() - since, 2), self.folder / SPENT
        return self.took

    def part(self, name: str) -> "TimedSnapshots":
        """The Snapshots of a part of this training, with the time of the whole."""
        plain = super().part(name)
        part = TimedSnapshots(plain.folder, plain.facts, plain.every)
        part.took, part.total = self.took, self.total
        return part

    def save(self, done: int, tree: Any) -> None:
        """Write the state after `done` epochs, and the seconds."""
        super().save(done, tree)
        if hosts.first_host():
            jsonl.write_whole(self.total, f"{self.took()}\n")


def spent(folder: pathlib.Path) -> float:
    """The seconds that an unfinished training took up to its newest snapshot; 0 without any."""
    with contextlib.suppress(OSError, ValueError):
        return float((folder / SPENT).read_text(encoding="utf-8"))
    return 0.0


def _folder(workdir, facts):
    return pathlib.Path(workdir).absolute() / "teachers" / fingerprint.of(facts)


def outputs(
    model: StoredModel,
    apply: Callable,
    inputs: Shaped[np.ndarray, "N ..."],
    *,
    batch_size: int = 1000,
) -> Float[np.ndarray, "... N C"]:
    """The model's logits over `inputs`, computed once and cached beside its checkpoint.

    Args:
        model: a stored model.
        apply: (params, inputs [B, …]) -> logits [..., B, C].
        inputs: N of them.
        batch_size: B.

    Returns:
        float32 logits.

    Raises:
        InputError: the cached file is corrupted, or of another model or other inputs.
    """
    facts: dict = {"teacher": model.fingerprint, "inputs": fingerprint.arrays(inputs)}
    facts |= {"code": fingerprint.code(outputs), "apply": fingerprint.value(apply)}
    facts["batch_size"] = batch_size

    def compute():
        predict = jax.jit(apply)
        pieces = [
            np.asarray(predict(model.params, inputs[i : i + batch_size]), np.float32)
            for i in range(0, len(inputs), batch_size)
        ]
        return {"logits": np.concatenate(pieces, axis=-2)}

    return array_cache.cached(model.folder, facts, compute, again=not model.restored)["logits"]
