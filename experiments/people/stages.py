"""The stages of a student that imitates first and is then tuned on labels: the loss of each.

Batches are those of experiments.people.explicit, with padding rows whose "kept" is False.
"""

import jax
import jax.numpy as jnp
import optax

from experiments.people import explicit
from kd_jax import losses


def label_loss(apply):
    """Mean negative log-likelihood of the labels, of the rows that are kept."""

    def loss_fn(params, batch, key):
        logits, _ = apply(params, batch["inputs"])
        per_row = losses.cross_entropy(logits, batch["labels"])
        return explicit.mean_kept(per_row, batch["kept"]), {}

    return loss_fn


def regression_loss(apply):
    """Mean squared error of the raw outputs against the teacher's log-probabilities."""

    def loss_fn(params, batch, key):
        logits, _ = apply(params, batch["inputs"])
        return jnp.mean(optax.squared_error(logits, batch["log_probabilities"])), {}

    return loss_fn


def raw_label_loss(apply):
    """The published tuning loss: minus the raw output of the label, without a log-softmax."""

    def loss_fn(params, batch, key):
        logits, _ = apply(params, batch["inputs"])
        chosen = jnp.sum(logits * jax.nn.one_hot(batch["labels"], logits.shape[-1]), -1)
        return -explicit.mean_kept(chosen, batch["kept"]), {}

    return loss_fn
