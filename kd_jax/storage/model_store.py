"""Store of trained models: trained once, found by what they depend on, their outputs cached."""

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
from kd_jax.storage import array_cache, checkpoint, locks


class StoredModel(NamedTuple):
    """Trained parameters, the fingerprint of all they depend on, and where they are stored.

    seconds: what their training took when it was last done without interruption, or the last
    part of it.
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
    name = fingerprint.of(facts)
    folder = pathlib.Path(workdir).absolute() / "teachers" / name
    saved, snapshots = folder / "params", checkpoint.Snapshots(folder / "training", facts)
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
        began = time.monotonic()
        params = train(snapshots)
        seconds = round(time.monotonic() - began, 2)
        checkpoint.save(saved, params, {"of": facts, "seconds": seconds})
        snapshots.clear()
        return StoredModel(params, name, folder, False, seconds)


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
