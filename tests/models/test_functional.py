"""A Flax module as two pure functions: equal modules are one Model, whatever they hold."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import models


class Scaled(nn.Module):
    """A layer whose field may be of any kind."""

    factors: Any

    @nn.compact
    def __call__(self, inputs, train):
        return nn.Dense(2)(inputs) * jnp.asarray(list(self.factors)), {}


def test_equal_modules_are_one_model_and_others_are_not():
    one, same = (models.functional(models.MLP((3,), 2), [4]) for _ in range(2))
    assert one.init is same.init and one.apply is same.apply
    for module, shape in ((models.MLP((4,), 2), (4,)), (models.MLP((3,), 2), (5,))):
        assert models.functional(module, shape).apply is not one.apply
    dropping = models.functional(models.MLP((3,), 2, dropout=0.5), (4,))
    assert dropping.apply is not one.apply and dropping.network.dropout == 0.5


def test_a_module_that_cannot_be_hashed_is_a_model_too():
    model = models.functional(Scaled(np.array([2.0, 3.0])), (4,))
    variables = model.init(jax.random.key(0))
    x = np.ones((1, 4), np.float32)
    expected = (x @ variables["params"]["Dense_0"]["kernel"]) * np.array([2, 3])
    np.testing.assert_allclose(model.logits(variables, x), expected, rtol=1e-6)
