"""Training on labels: how teachers come to be."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kd_jax import losses, progress, train


class Course(NamedTuple):
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
        state, _ = train.fit(
            loss(course.model.apply, course.augment),
            course.optimizer,
            train.members(course.model.init, course.optimizer, keys),
            {"inputs": split.inputs, "labels": split.labels},
            course.order,
            epochs=course.epochs,
            seeds=seeds,
            report=report,
            snapshots=snapshots,
        )
    return train.arm_params(state)
