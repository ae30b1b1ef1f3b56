"""The teachers of a data set, one network per seed: trained or restored, and their outputs."""

from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax import evaluate, supervised, teacher


class Taught(NamedTuple):
    """Teachers [S, …]: Model, params, {split: logits [S, N, C]}, fingerprint, its seconds."""

    model: Any
    params: Any
    logits: dict
    fingerprint: str
    seconds: float


def together(course, keys, data, workdir, *, retrain=False):
    """A Taught with one teacher per key, all trained in one program: best for small networks.

    Args: course: a supervised.Course; keys [S]; data: a Dataset; workdir, retrain: as for
      teacher.fit_or_restore.
    """
    return _taught(course, keys, range(len(keys)), data, workdir, retrain)


def one_by_one(course, keys, data, workdir, *, retrain=False):
    """What `together` gives, trained one after the other: best where one alone fills the machine.

    Each is kept by itself, so more seeds later cost only themselves.
    """
    each = [
        _taught(course, keys[seed : seed + 1], [seed], data, workdir, retrain)
        for seed in range(len(keys))
    ]
    params = jax.tree.map(lambda *x: np.concatenate(x), *(one.params for one in each))
    logits = {name: np.concatenate([one.logits[name] for one in each]) for name in each[0].logits}
    fingerprints = " ".join(one.fingerprint for one in each)
    return Taught(course.model, params, logits, fingerprints, sum(one.seconds for one in each))


def metrics(logits, labels, split="test"):
    """{split_metric: [S]} of teachers' logits [S, N, C]."""
    found = evaluate.measure(logits, labels)
    return {f"{split}_{name}": np.asarray(values) for name, values in found.items()}


def _taught(course, keys, seeds, data, workdir, retrain):
    facts = {**course.facts, "teacher": course.row, "epochs": course.epochs}
    facts |= {"seeds": list(seeds), "data": data.digest}
    like = jax.eval_shape(jax.vmap(course.model.init), keys)

    def fit(snapshots):
        return supervised.fit(course, keys, seeds, data.train, snapshots)

    found = teacher.fit_or_restore(workdir, facts, fit, like, retrain=retrain)
    word = "restored" if found.restored else f"trained in {found.seconds:.0f} s"
    print(f"{supervised.label(course.row, seeds)}: {word} ({found.folder})")
    apply = jax.vmap(lambda p, x: course.model.apply(p, x)[0], in_axes=(0, None))
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    logits = {
        name: teacher.outputs(found, apply, split.inputs)
        for name, split in splits.items()
        if len(split.labels)
    }
    return Taught(course.model, found.params, logits, found.fingerprint, found.seconds)
