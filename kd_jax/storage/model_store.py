"""Teachers: trained once, found by what they are, and asked once for their outputs."""

import pathlib
import time
from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax import fingerprint
from kd_jax.errors import InputError
from kd_jax.storage import array_cache, checkpoint, locks


class Teacher(NamedTuple):
    """Trained parameters, the fingerprint of all they depend on, and where they are kept.

    seconds: what their training took when it was last done without interruption, or the last
    part of it.
    """

    params: Any
    fingerprint: str
    folder: pathlib.Path
    restored: bool
    seconds: float


def fit_or_restore(workdir, facts, train, like, *, retrain=False):
    """The parameters that `facts` describe: restored if they were ever trained here, else trained.

    Args:
      facts: JSON-like, everything the result depends on: settings, data digest, code version.
      train: (snapshots) -> params; hands `snapshots` to train.fit.
      like: the structure of params, as jax.eval_shape gives it.
      retrain: train even if a checkpoint exists, and replace it.
    Raises: InputError when the checkpoint is corrupted or is of other facts.
    """
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
            return Teacher(params, name, folder, True, found["seconds"])
        if retrain:
            snapshots.clear()
        began = time.monotonic()
        params = train(snapshots)
        seconds = round(time.monotonic() - began, 2)
        checkpoint.save(saved, params, {"of": facts, "seconds": seconds})
        snapshots.clear()
        return Teacher(params, name, folder, False, seconds)


def outputs(teacher, apply, inputs, *, batch_size=1000):
    """The teacher's logits over `inputs`, computed once and kept beside its checkpoint.

    Args: apply: (params, inputs [B, …]) -> logits [..., B, C]; inputs [N, …].
    Returns: float32 array [..., N, C].
    Raises: InputError when the file is corrupted, or of another teacher or other inputs.
    """
    facts = {"teacher": teacher.fingerprint, "inputs": fingerprint.arrays(inputs)}

    def compute():
        predict = jax.jit(apply)
        pieces = [
            np.asarray(predict(teacher.params, inputs[i : i + batch_size]), np.float32)
            for i in range(0, len(inputs), batch_size)
        ]
        return {"logits": np.concatenate(pieces, axis=-2)}

    return array_cache.cached(teacher.folder, facts, compute, again=not teacher.restored)["logits"]
