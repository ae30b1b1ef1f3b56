"""Divergences of log p and log q, summed over the words of the last axis: all, or a block of them.

p is the teacher, q the student. What each means, and its source, stands at the loss in sequence.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from kd_jax.losses._math import kl, log_mixture
from kd_jax.losses._numbers import Scalar


def forward(log_p: Float[Array, "*B V"], log_q: Float[Array, "*B V"]) -> Float[Array, "*B"]:
    """Σ p (log p − log q)."""
    return kl(log_p, log_q)


def reverse(log_p: Float[Array, "*B V"], log_q: Float[Array, "*B V"]) -> Float[Array, "*B"]:
    """Σ q (log q − log p)."""
    return kl(log_q, log_p)


def generalized(
    log_p: Float[Array, "*B V"], log_q: Float[Array, "*B V"], beta: Scalar = 0.5
) -> Float[Array, "*B"]:
    """β Σ p (log p − log m) + (1 − β) Σ q (log q − log m), m = β p + (1 − β) q; the ends apart."""
    log_m = log_mixture(log_p, log_q, beta)
    inside = beta * kl(log_p, log_m) + (1 - beta) * kl(log_q, log_m)
    ends = jnp.where(beta <= 0, forward(log_p, log_q), reverse(log_p, log_q))
    return jnp.where((beta > 0) & (beta < 1), inside, ends)
