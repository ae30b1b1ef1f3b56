"""Probabilities of a teacher as logits: the same distribution, finite at zeros, logits refused."""

import numpy as np
import pytest
from scipy import special

from kd_jax import losses

from .quick import quick_jit


def test_logits_of_probabilities_give_them_back_and_zeros_are_finite():
    p = np.array([[0.2, 0.8, 0.0], [1.0, 0.0, 0.0], [0.1, 0.3, 0.6]], np.float32)
    v = losses.as_logits(p)
    assert np.isfinite(v).all() and v[0, 2] < np.log(1e-37)
    np.testing.assert_allclose(special.softmax(np.asarray(v, np.float64), -1), p, atol=1e-6)
    z = np.array([[1.0, 2, 3], [0, 0, 0], [3, 1, 1]], np.float32)
    # the divergence of distributions with zeros: Σ p log(p/q), 0 where p = 0
    wanted = special.rel_entr(p, special.softmax(z.astype(np.float64), -1)).sum(-1)
    found = quick_jit(losses.soft_targets)(z, v)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(
    "p, found",
    [
        ([[0.5, 0.5], [1.5, -0.5]], "row 1 has least entry -0.5 and sum 1"),
        ([[2.0, 1.0]], "row 0 has least entry 1 and sum 3"),
        ([[0.5, np.nan]], "row 0 has least entry nan"),
    ],
)
def test_logits_given_as_probabilities_are_refused(p, found):
    with pytest.raises(ValueError, match=found):
        losses.as_logits(np.array(p))
