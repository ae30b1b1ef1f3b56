"""Optimizers and learning-rate schedules over a whole training."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax


def steps(epochs: int, sampler: Callable) -> int:
    """How many steps so many epochs of a sampler are.

    Args:
        epochs: passes over the data.
        sampler: (seed, epoch) -> indices [steps, B].
    """
    return epochs * jax.eval_shape(sampler, 0, 0).shape[0]


def adam(peak: float, epochs: int, sampler: Callable) -> optax.GradientTransformation:
    """Adam with a cosine decay from `peak` to zero over all steps of the training."""
    return _cosine_adam(peak, steps(epochs, sampler))


@functools.lru_cache(maxsize=64)  # one of each, so that like trainings share a program
def _cosine_adam(peak, steps):
    return optax.adam(optax.cosine_decay_schedule(peak, steps))


def warmup_cosine(peak: float, steps: int) -> optax.Schedule:
    """Linear warm-up to the learning rate `peak` over a tenth of the steps, then cosine decay."""
    warm = max(1, steps // 10)
    return optax.warmup_cosine_decay_schedule(0.0, peak, warm, max(steps, warm + 1))


@functools.lru_cache(maxsize=64)
def adamw_warmup_cosine(peak: float, steps: int) -> optax.GradientTransformation:
    """AdamW with gradients clipped to norm 1 and the schedule of `warmup_cosine`."""
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(warmup_cosine(peak, steps)))


@functools.lru_cache(maxsize=64)
def muon_warmup_cosine(peak: float, steps: int) -> optax.GradientTransformation:
    """Muon with gradients clipped to norm 1 and the schedule of `warmup_cosine`, for new decoders.

    Each matrix of a parameter [layers, in, out] is moved by the orthogonal matrix nearest to its
    momentum, all else by NAdam's step (Dozat 2016). Source: Jordan et al. 2024,
    kellerjordan.github.io/posts/muon.
    """

    def matrices(params):
        of_layer = optax.contrib.MuonDimensionNumbers(1, 2)
        return jax.tree.map(lambda x: of_layer if x.ndim == 3 else None, params)

    rate = warmup_cosine(peak, steps)
    muon = optax.contrib.muon(rate, adam_learning_rate=rate, muon_weight_dimension_numbers=matrices)
    return optax.chain(optax.clip_by_global_norm(1.0), muon)


def max_norm(limit: float) -> optax.GradientTransformation:
    """Max-norm constraint: ‖w‖₂ ≤ limit for the incoming weights w of every unit.

    w is a column of a kernel: all axes but the last, which counts the units. A longer column is
    scaled back to the limit after each step; biases are left alone. It stands last in a chain.

    Raises:
        ValueError: limit is not above 0, or the optimizer is not given the parameters.

    Source: Hinton et al. 2012, arXiv 1207.0580, appendix A.1 (there the squared norm is 15).
    """
    if not limit > 0:
        raise ValueError(f"limit is {limit}: expected above 0")

    def update(updates, state, params=None):
        if params is None:
            raise ValueError(optax.NO_PARAMS_MSG)
        return jax.tree.map(lambda u, p: _within(p + u, limit) - p, updates, params), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def _within(weights, limit):
    if weights.ndim < 2:
        return weights
    norms = jnp.sqrt(jnp.sum(weights**2, tuple(range(weights.ndim - 1))))
    return weights * jnp.minimum(1, limit / jnp.maximum(norms, 1e-12))
