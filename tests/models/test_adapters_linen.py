"""Flax linen modules as Models: the module's own numbers, by hand where it has statistics."""

import adapters
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kd_jax as kd
from kd_jax import models


class Block(nn.Module):
    """A layer within a layer."""

    @nn.compact
    def __call__(self, x):
        return nn.relu(nn.Dense(4)(x))


class Plain(nn.Module):
    """Batch norm, a layer, dropout and logits alone, as users write them."""

    @nn.compact
    def __call__(self, x, *, deterministic):
        x = nn.BatchNorm(deterministic, momentum=adapters.MOMENTUM, epsilon=adapters.EPSILON)(x)
        x = nn.Dropout(0.5, deterministic=deterministic)(Block()(x))
        return nn.Dense(2)(x)


NAMES = ("Block_0/Dense_0", "BatchNorm_0")
MODEL = kd.from_flax(Plain(), adapters.INPUTS, features=NAMES)


@pytest.fixture(scope="module")
def stepped():
    return adapters.members_step(MODEL)


def test_logits_are_those_of_the_module():
    variables = jax.jit(MODEL.init)(jax.random.key(1))
    begin = jax.jit(lambda key: Plain().init(key, adapters.INPUTS, deterministic=True))
    plain = begin(jax.random.key(1))
    jax.tree.map(np.testing.assert_array_equal, dict(plain)["params"], variables["params"])
    theirs = jax.jit(lambda plain: Plain().apply(plain, adapters.INPUTS, deterministic=True))
    np.testing.assert_array_equal(ours(variables)[0], theirs(plain))


@jax.jit
def ours(variables):
    """What the Model says, which leaves its state alone and names features in their order."""
    outputs, state = MODEL.apply(variables, adapters.INPUTS)
    assert state is variables["state"] and list(outputs[1]) == list(NAMES)
    return outputs


def test_features_are_the_outputs_of_the_named_submodules():
    variables = jax.jit(MODEL.init)(jax.random.key(1))
    _, features = ours(variables)
    normed = np.float64(adapters.INPUTS) / np.sqrt(1 + adapters.EPSILON)  # statistics 0 and 1
    np.testing.assert_allclose(features["BatchNorm_0"], normed, rtol=1e-5)
    dense = variables["params"]["Block_0"]["Dense_0"]
    expected = normed @ np.float64(dense["kernel"]) + dense["bias"]
    np.testing.assert_allclose(features["Block_0/Dense_0"], expected, rtol=1e-4, atol=1e-5)


def test_an_unknown_submodule_is_named_with_the_nearest_and_all():
    with pytest.raises(kd.InputError) as said:
        kd.from_flax(Plain(), adapters.INPUTS, features=("Block_0/Dens_0",))
    assert str(said.value) == (
        "features='Block_0/Dens_0': the network calls no submodule of this name; did you mean "
        "Block_0/Dense_0? (it calls BatchNorm_0, Block_0/Dense_0, Block_0, Dropout_0, Dense_0)"
    )


def test_members_step_with_statistics_of_their_own(stepped):
    variables, gradients, logits, state = stepped
    assert list(variables["state"]) == ["batch_stats"]
    after = state["batch_stats"]["BatchNorm_0"]
    mean, variance = adapters.running(np.zeros(3), np.ones(3))
    for member in (0, 1):
        np.testing.assert_allclose(after["mean"][member], mean, rtol=1e-5)
        np.testing.assert_allclose(after["var"][member], variance, rtol=1e-5)
    found = gradients["Dense_0"]["bias"]
    np.testing.assert_allclose(found, adapters.bias_gradient(logits), rtol=1e-4, atol=1e-6)


def test_dropout_is_of_the_key_and_off_in_evaluation():
    adapters.check_dropout(MODEL, jax.jit(MODEL.init)(jax.random.key(1)))


class Noisy(nn.Module):
    """Logits and features; noise of a stream of its own while training."""

    @nn.compact
    def __call__(self, x, training=False):
        x = x + (jax.random.normal(self.make_rng("noise"), x.shape) if training else 0.0)
        self.sow("intermediates", "seen", x)  # is not the network's state
        return nn.Dense(2)(x), {"x": x}


def test_a_module_with_its_own_features_and_another_stream():
    model = kd.from_flax(Noisy(), adapters.INPUTS, features=["Dense_0"])
    variables = model.init(jax.random.key(0))
    assert variables["state"] == {}
    (logits, features), _ = model.apply(variables, adapters.INPUTS)
    np.testing.assert_array_equal(features["x"], adapters.INPUTS)
    np.testing.assert_array_equal(features["Dense_0"], logits)
    (_, noisy), _ = model.apply(variables, adapters.INPUTS, train=True, key=jax.random.key(3))
    assert (noisy["x"] != adapters.INPUTS).all()


def test_without_an_example_a_network_begins_where_it_is_fitted():
    model = kd.from_flax(Plain())
    with pytest.raises(kd.InputError, match=r"example of its inputs: from_flax\(module, example\)"):
        model.init(jax.random.key(0))
    ready = models.fitted(model, jax.ShapeDtypeStruct((6, 3), jnp.float32), classes=2)
    assert ready.apply is kd.from_flax(Plain(), adapters.INPUTS).apply  # equal ones are one
    assert ready.init(jax.random.key(0))["params"]["Dense_0"]["bias"].shape == (2,)


class Listed(nn.Module):
    """A list of outputs, which no Model can give."""

    @nn.compact
    def __call__(self, x):
        return [nn.Dense(2)(x), x]


def test_a_module_that_returns_a_list_is_refused_in_one_line():
    with pytest.raises(kd.InputError, match="^the network returns a list: expected logits or"):
        kd.from_flax(Listed(), adapters.INPUTS)
    with pytest.raises(kd.InputError, match="gives logits .6, 2. for 6 inputs .6, 3.: expected"):
        models.fitted(kd.from_flax(Plain()), adapters.INPUTS, classes=4)
