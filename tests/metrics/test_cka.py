"""Centered kernel alignment against its equation, and what it is blind to."""

import numpy as np
import pytest

from kd_jax.metrics import cka

RANDOM = np.random.default_rng(4)
X, Y = RANDOM.normal(size=(9, 3)) + [0, 2, -5], RANDOM.normal(size=(9, 2, 2)) + 1


def by_equation(x, y):
    """‖Ycᵀ Xc‖²_F / (‖Xcᵀ Xc‖_F ‖Ycᵀ Yc‖_F), each feature less its mean over the examples."""
    x, y = (each.reshape(len(each), -1) for each in (x, y))
    x, y = (each - each.sum(0, keepdims=True) / len(each) for each in (x, y))
    between = np.linalg.norm(y.T @ x) ** 2
    return between / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))


def test_alignment_is_that_of_the_equation():
    assert cka.linear_cka(X, Y) == pytest.approx(by_equation(X, Y), rel=1e-12)
    of_layers = cka.layerwise_cka({"a": X, "b": Y}, {"c": Y})
    np.testing.assert_allclose(of_layers, [[by_equation(X, Y)], [1.0]], rtol=1e-12)


def test_rotations_scales_and_shifts_change_nothing():
    rotation, _ = np.linalg.qr(RANDOM.normal(size=(3, 3)))
    assert cka.linear_cka(X, 7 * X @ rotation + [1, 2, 3]) == pytest.approx(1, rel=1e-12)
    assert cka.linear_cka(X, X * [1, 1, 20]) < 0.9


@pytest.mark.parametrize("scale", [1e80, 1e200, 1e300, 1e-100, 1e-300])
def test_no_scale_is_too_large_or_too_small(scale):
    found = cka.linear_cka(X * scale, Y / scale)
    assert found == pytest.approx(by_equation(X, Y), rel=1e-12)
    assert np.isnan(cka.linear_cka(X, np.full((9, 2), scale)))
    assert np.isnan(cka.linear_cka(X, np.where(X == X[3, 1], np.nan, X)))
    assert np.isnan(cka.linear_cka(X, np.where(X == X[3, 1], np.inf, X)))


def test_a_constant_layer_has_no_alignment_and_other_inputs_are_refused():
    # 0.1 and 1/3 have means that are not exactly they
    for value in (1.0, 0.1, 1 / 3, np.float32(0.7), -1e20):
        constant = np.full((9, 2), value)
        assert np.isnan(cka.linear_cka(X, constant)) and np.isnan(cka.linear_cka(constant, X))
        assert np.isnan(cka.linear_cka(constant, constant))
    with pytest.raises(ValueError, match=r"\(9, 3\) and y \(8, 3\): expected as many inputs"):
        cka.linear_cka(X, X[1:])
