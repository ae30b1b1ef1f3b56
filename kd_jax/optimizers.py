"""Optimisers whose learning rate ends where a training does."""

import jax
import optax


def steps(epochs, order):
    """How many steps `epochs` of an order (seed, epoch) -> indices [steps, B] are."""
    return epochs * jax.eval_shape(order, 0, 0).shape[0]


def adam(peak, epochs, order):
    """Adam with a cosine decay from `peak` to zero over all steps of the training."""
    return optax.adam(optax.cosine_decay_schedule(peak, steps(epochs, order)))


def warmed_adamw(peak, steps):
    """AdamW on gradients of norm 1 at most: a warm-up over a tenth of the steps, a cosine decay."""
    warm = max(1, steps // 10)
    schedule = optax.warmup_cosine_decay_schedule(0.0, peak, warm, max(steps, warm + 1))
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule))
