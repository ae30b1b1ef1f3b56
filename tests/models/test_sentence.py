"""Poolings and heads against float64 NumPy, on small hidden states padded on either side."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from kd_jax.models import sentence

POOLINGS = (
    sentence.mean, sentence.mean_by_root, sentence.weighted_mean, sentence.largest, sentence.first,
    sentence.last,
)  # fmt: skip
HIDDEN = np.random.default_rng(3).normal(size=(4, 5, 3)).astype(np.float32) - 1
MASK = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]], bool)


def by_hand(tokens):
    """The six vectors of one text's tokens [n, 3], one after another."""
    n = len(tokens)
    weights = np.arange(1, n + 1)[:, None]
    parts = [
        tokens.mean(0), tokens.sum(0) / np.sqrt(n), (tokens * weights).sum(0) / weights.sum(),
        tokens.max(0), tokens[0], tokens[-1],
    ]  # fmt: skip
    return np.concatenate(parts)


def test_poolings_and_steps():
    random = np.random.default_rng(4)
    kernel, bias = random.normal(size=(18, 4)), random.normal(size=4)
    plain = sentence.Head(POOLINGS)
    dense = sentence.Head(
        POOLINGS,
        (sentence.Dense(jnp.tanh), sentence.normalized, sentence.Dense(jax.nn.sigmoid)),
    )
    params = {"kernel": kernel, "bias": bias}, {}, {"kernel": kernel[:4]}

    @jax.jit
    def both(params, hidden, mask):
        return plain((), hidden, mask), dense(params, hidden, mask)

    pooled, vectors = both(params, HIDDEN, MASK)
    for row, (hidden, mask) in enumerate(zip(np.float64(HIDDEN), MASK)):
        expected = by_hand(hidden[mask]) if mask.any() else np.zeros(18)
        np.testing.assert_allclose(pooled[row], expected, atol=1e-6)
        wide = np.tanh(expected @ kernel + bias)
        wide = special.expit(wide / np.linalg.norm(wide) @ kernel[:4])
        np.testing.assert_allclose(vectors[row], wide, atol=1e-6)
