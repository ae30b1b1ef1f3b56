"""Max-norm, by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from kd_jax.training import optimizers


def test_max_norm_scales_long_columns_back_and_leaves_short_ones_and_biases():
    # columns (3, 4) of norm 5 and (0, 1) of norm 1; a step adds (3, 4), norm 10, and nothing
    params = {"kernel": jnp.array([[3.0, 0.0], [4.0, 1.0]]), "bias": jnp.array([9.0, 0.0])}
    step = {"kernel": jnp.array([[3.0, 0.0], [4.0, 0.0]]), "bias": jnp.array([1.0, 0.0])}
    optimizer = optimizers.max_norm(2.5)
    updates, _ = optimizer.update(step, optimizer.init(params), params)
    found = optax.apply_updates(params, updates)
    np.testing.assert_allclose(found["kernel"], [[1.5, 0], [2, 1]], rtol=1e-6)
    np.testing.assert_allclose(found["bias"], [10, 0])


def test_max_norm_of_a_convolution_is_over_all_axes_but_the_last():
    kernel = jax.random.normal(jax.random.key(0), (3, 3, 4, 5))
    optimizer = optimizers.max_norm(1.0)
    updates, _ = optimizer.update({"k": 0 * kernel}, optimizer.init(None), {"k": kernel})
    norms = np.linalg.norm(np.asarray(kernel + updates["k"]).reshape(-1, 5), axis=0)
    np.testing.assert_allclose(norms, 1, rtol=1e-5)


def test_max_norm_refuses_a_limit_that_is_not_positive():
    with pytest.raises(ValueError, match="limit is 0: expected above 0"):
        optimizers.max_norm(0)
