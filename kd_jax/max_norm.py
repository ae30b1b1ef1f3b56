"""The weight constraint that went with dropout: no unit's incoming weights grow past a norm."""

import jax
import jax.numpy as jnp
import optax


def max_norm(limit):
    """An optax transformation after which ‖w‖₂ ≤ limit for the incoming weights w of every unit.

    w is a column of a kernel: all axes but the last, which counts the units. A longer column is
    scaled back to the limit after each step; biases are left alone. It stands last in a chain.

    Raises: ValueError unless limit > 0, or when the optimiser is not given the parameters.
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
