"""Attention with a soft cap and within windows, against the equations in float64 NumPy."""

import functools

import jax
import numpy as np
from scipy import special

from kd_jax.models import attention

RANDOM = np.random.default_rng(4)
QUERY = RANDOM.normal(size=(2, 3, 4, 6)).astype(np.float32)  # 3 tokens, 4 heads
KEYS, VALUES = RANDOM.normal(size=(2, 2, 5, 2, 6)).astype(np.float32)  # 5 slots, 2 groups
MASK = np.array([[[1, 1, 1, 0, 0], [1, 0, 1, 1, 0], [0, 0, 1, 1, 1]]] * 2, bool)[:, None]


def test_scores_are_scaled_then_capped_then_masked():
    found = jax.jit(functools.partial(attention.attend, scale=0.7, cap=1.5))(
        QUERY, KEYS, VALUES, MASK
    )
    for row in range(2):
        for head in range(4):
            keys, values = (np.float64(x[row, :, head // 2]) for x in (KEYS, VALUES))
            scores = 1.5 * np.tanh(0.7 * np.float64(QUERY[row, :, head]) @ keys.T / 1.5)
            weights = special.softmax(np.where(MASK[row, 0], scores, -np.inf), -1)
            np.testing.assert_allclose(found[row, :, head], weights @ values, rtol=1e-4, atol=1e-5)


def test_a_token_that_sees_nothing_is_finite_and_so_are_slopes():
    """As a text's padding on the left is."""
    nothing = np.zeros_like(MASK)

    @jax.jit
    @jax.value_and_grad
    def total(query):
        return attention.attend(query, KEYS, VALUES, nothing, cap=1.5).sum()

    found, slopes = total(QUERY)
    assert np.isfinite(found) and np.isfinite(slopes).all()


def test_a_window_counts_tokens_and_no_padding():
    """Slots hold tokens 0 1 - 2 - 3 4 (-: padding): within 3 tokens the last one sees 2, 3, 4."""
    mask = np.array([[1, 1, 0, 1, 0, 1, 1]], bool)
    positions, allowed, slots = attention.positions_and_mask(mask)
    found = np.asarray(attention.within_window(allowed, positions, slots, 3))[0, 0]
    assert np.flatnonzero(found[6]).tolist() == [3, 5, 6]
    assert np.flatnonzero(found[3]).tolist() == [0, 1, 3]
    assert np.flatnonzero(found[5]).tolist() == [1, 3, 5]
    assert attention.within_window(allowed, positions, slots, 0) is allowed
