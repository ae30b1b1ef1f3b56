"""Training on labels: how teachers come to be."""

import jax
import jax.numpy as jnp

from kd_jax import losses, progress, train


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


def fit(label, model, optimizer, keys, split, order, *, epochs, augment=None, snapshots=None):
    """Parameters [S, …] of one network per key, trained on the labels of a Split."""
    with progress.bar(label, epochs) as report:
        state, _ = train.fit(
            loss(model.apply, augment),
            optimizer,
            train.members(model.init, optimizer, keys),
            {"inputs": split.inputs, "labels": split.labels},
            order,
            epochs=epochs,
            report=report,
            snapshots=snapshots,
        )
    return train.arm_params(state)
