"""Teachers: trained once, found by what they are, and asked once for their outputs."""

import json
import pathlib
import time
from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax import checkpoint, fingerprint, hosts, locks
from kd_jax.errors import InputError, brief


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

    return kept(teacher.folder, facts, compute, again=not teacher.restored)["logits"]


def kept(folder, facts, compute, *, again=False):
    """The arrays {name: array} that compute() gives, computed once and kept in `folder`.

    Args: facts: JSON-like, all that they depend on besides the versions of packages; again:
      compute even if they are there.
    Raises: InputError when the file is corrupted, or of other facts.
    """
    facts = {**facts, "versions": fingerprint.versions()}
    path = pathlib.Path(folder) / f"outputs-{fingerprint.of(facts)}.npz"
    with locks.alone(path):
        if path.exists() and not again:
            return _read(path, facts)
        arrays = compute()
        if hosts.first_host():
            _write(path, facts, arrays)
    return arrays


def _write(path, facts, arrays):
    text = json.dumps({**facts, "digest": fingerprint.arrays(arrays)})
    partial = path.with_suffix(".partial")
    with open(partial, "wb") as file:
        np.savez(file, **arrays, facts=np.frombuffer(text.encode(), np.uint8))
    partial.replace(path)


def _read(path, facts):
    advice = "delete that file"
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            found = json.loads(stored["facts"].tobytes())
            arrays = {name: stored[name] for name in stored.files if name != "facts"}
            digest = found.pop("digest")
    except Exception as error:  # zipfile, zlib, json and numpy each raise their own
        raise InputError(
            f"teacher outputs {path} are unreadable ({brief(error)}): {advice}"
        ) from None
    if found != facts:
        differ = fingerprint.mismatch(found, facts)
        raise InputError(f"teacher outputs {path} are {differ}: {advice}")
    if fingerprint.arrays(arrays) != digest:
        raise InputError(f"teacher outputs {path} are corrupted (digest differs): {advice}")
    return arrays
