"""Mixtures of a batch: shares that all arrays have in common, each row with the one before it."""

import jax
import numpy as np
from scipy import stats

from kd_jax.data import augment


def test_a_mixture_is_a_share_of_a_row_and_the_rest_of_the_row_before_it():
    random = np.random.default_rng(0)
    rows = {"images": random.random((500, 4, 4)), "probabilities": random.random((500, 3))}
    found = jax.jit(augment.mixup)(jax.random.key(1), rows)
    before = rows["probabilities"][np.arange(500) - 1, 0]
    # solved for the share: y = λ x + (1 − λ) x₋₁
    share = (np.asarray(found["probabilities"][:, 0], float) - before) / (
        rows["probabilities"][:, 0] - before
    )
    for name, x in rows.items():
        of_row = share.reshape(-1, *[1] * (x.ndim - 1))
        expected = of_row * x + (1 - of_row) * x[np.arange(500) - 1]
        np.testing.assert_allclose(found[name], expected, atol=2e-4)
    assert -1e-3 < share.min() and share.max() < 1 + 1e-3
    assert stats.kstest(share, "uniform").pvalue > 0.01


def test_equal_rows_stay_as_they_are():
    same = np.full((5, 2), 0.3, np.float32)
    np.testing.assert_allclose(augment.mixup(jax.random.key(2), same), same, rtol=1e-6)
