"""Optimisers whose learning rate ends where a training does."""

import jax
import optax


def steps(epochs, order):
    """How many steps `epochs` of an order (seed, epoch) -> indices [steps, B] are."""
    return epochs * jax.eval_shape(order, 0, 0).shape[0]


def adam(peak, epochs, order):
    """Adam with a cosine decay from `peak` to zero over all steps of the training."""
    return optax.adam(optax.cosine_decay_schedule(peak, steps(epochs, order)))
