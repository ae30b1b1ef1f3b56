"""The teachers of a data set, one network per seed: trained or restored, and their outputs."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import losses
from kd_jax.metrics import classification
from kd_jax.runtime import progress
from kd_jax.storage import model_store
from kd_jax.training import loop
from kd_jax.training import state as train_state


class Recipe(NamedTuple):
    """How a network is trained on labels.

    row: their name in tables. model: a kd_jax.models.Model. order: (seed, epoch) -> indices
    [steps, B]. facts: JSON-like, all that they depend on besides the data and the seeds: the
    settings and the code. augment: (key, input) -> input, or None.
    """

    row: str
    model: Any
    optimizer: Any
    order: Any
    epochs: int
    facts: dict
    augment: Any = None


def loss(apply, augment=None):
    """Mean cross-entropy of a batch's "inputs" and "labels", the inputs changed by `augment`.

    Args: augment: (key, input) -> input, drawn anew for each example and step.
    """

    def loss_fn(params, batch, key):
        augment_key, dropout_key = jax.random.split(key)
        inputs = batch["inputs"]
        if augment:
            inputs = jax.vmap(augment)(jax.random.split(augment_key, len(inputs)), inputs)
        logits, _ = apply(params, inputs, train=True, key=dropout_key)
        return jnp.mean(losses.cross_entropy(logits, batch["labels"])), {}

    return loss_fn


def label(row, seeds):
    """What a bar calls networks of a row: '5 × teacher', or 'teacher, seed 2' for one alone."""
    return f"{row}, seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} × {row}"


def fit(course, keys, seeds, split, snapshots=None):
    """Parameters [S, …] of one network per key, trained on the labels of a Split.

    Args: course: a Course; seeds [S]: the numbers that its order is asked with.
    """
    with progress.bar(label(course.row, seeds), course.epochs) as report:
        state, _ = loop.fit(
            loss(course.model.apply, course.augment),
            course.optimizer,
            train_state.members(course.model.init, course.optimizer, keys),
            {"inputs": split.inputs, "labels": split.labels},
            course.order,
            epochs=course.epochs,
            seeds=seeds,
            report=report,
            snapshots=snapshots,
        )
    return train_state.arm_params(state)


class Taught(NamedTuple):
    """Teachers [S, …]: Model, params, {split: logits [S, N, C]}, fingerprint, its seconds."""

    model: Any
    params: Any
    logits: dict
    fingerprint: str
    seconds: float


def together(course, keys, data, workdir, *, retrain=False):
    """A Taught with one teacher per key, all trained in one program: best for small networks.

    Args: course: a Recipe; keys [S]; data: a Dataset; workdir, retrain: as for
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
    found = classification.measure(logits, labels)
    return {f"{split}_{name}": np.asarray(values) for name, values in found.items()}


def _taught(course, keys, seeds, data, workdir, retrain):
    facts = {**course.facts, "teacher": course.row, "epochs": course.epochs}
    facts |= {"seeds": list(seeds), "data": data.digest}
    like = jax.eval_shape(jax.vmap(course.model.init), keys)

    def train(snapshots):
        return fit(course, keys, seeds, data.train, snapshots)

    found = model_store.fit_or_restore(workdir, facts, train, like, retrain=retrain)
    word = "restored" if found.restored else f"trained in {found.seconds:.0f} s"
    print(f"{label(course.row, seeds)}: {word} ({found.folder})")
    apply = jax.vmap(lambda p, x: course.model.apply(p, x)[0], in_axes=(0, None))
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    logits = {
        name: model_store.outputs(found, apply, split.inputs)
        for name, split in splits.items()
        if len(split.labels)
    }
    return Taught(course.model, found.params, logits, found.fingerprint, found.seconds)
