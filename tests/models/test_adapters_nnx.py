"""Flax NNX modules as Models: the module's own numbers, by hand where it has statistics."""

import adapters
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import kd_jax as kd


class Counter(nnx.Variable):
    """A variable of the user's own kind."""


class Student(nnx.Module):
    """Batch norm, a list of layers, dropout; it counts its calls and keeps a value."""

    def __init__(self, rngs):
        options = {"momentum": adapters.MOMENTUM, "epsilon": adapters.EPSILON}
        self.norm = nnx.BatchNorm(3, rngs=rngs, **options)
        self.layers = nnx.List([nnx.Linear(3, 4, rngs=rngs), nnx.Linear(4, 2, rngs=rngs)])
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.calls = Counter(jnp.int32(0))

    def __call__(self, x, train: bool):
        x = nnx.relu(self.layers[0](self.norm(x)))
        self.calls[...] += 1
        self.seen = nnx.Intermediate(x)  # is not the network's state
        return self.layers[1](self.dropout(x)), {"hidden": x, "train": jnp.full(len(x), train)}


def create(key):
    return Student(nnx.Rngs(key))


MODEL = kd.from_nnx(create, adapters.INPUTS)


@pytest.fixture(scope="module")
def stepped():
    return adapters.members_step(MODEL)


def test_logits_are_those_of_the_module():
    key = jax.random.key(1)
    module = create(key)
    variables = MODEL.init(key)
    np.testing.assert_array_equal(variables["params"]["layers"]["1"]["kernel"],
                                  module.layers[1].kernel[...])  # fmt: skip
    module.eval()
    expected, _ = module(adapters.INPUTS, False)
    (logits, features), state = MODEL.apply(variables, adapters.INPUTS)
    np.testing.assert_allclose(logits, expected, rtol=1e-6)
    assert state is variables["state"] and not features["train"].any()
    assert MODEL.apply is kd.from_nnx(create, adapters.INPUTS).apply


def test_members_step_with_statistics_of_their_own(stepped):
    variables, gradients, logits, state = stepped
    assert variables["params"].keys() == {"norm", "layers"}
    assert variables["state"].keys() == state.keys() == {"norm", "calls"}
    mean, variance = adapters.running(np.zeros(3), np.ones(3))
    for member in (0, 1):
        np.testing.assert_allclose(state["norm"]["mean"][member], mean, rtol=1e-5)
        np.testing.assert_allclose(state["norm"]["var"][member], variance, rtol=1e-5)
    np.testing.assert_array_equal(state["calls"], [1, 1])
    found = gradients["layers"]["1"]["bias"]
    np.testing.assert_allclose(found, adapters.bias_gradient(logits), rtol=1e-4, atol=1e-6)


def test_dropout_is_of_the_key_and_off_in_evaluation():
    adapters.check_dropout(MODEL, jax.jit(MODEL.init)(jax.random.key(1)))


def test_training_without_a_key_is_refused():
    with pytest.raises(kd.InputError, match="needs key="):
        MODEL.apply(MODEL.init(jax.random.key(1)), adapters.INPUTS, train=True)


def test_what_does_not_fit_is_one_line():
    with pytest.raises(kd.InputError) as said:
        kd.from_nnx(lambda key: nnx.Linear(4, 2, rngs=nnx.Rngs(key)), adapters.INPUTS)
    start = "the network raises TypeError for 6 inputs [6, 3]: dot_general requires"
    assert str(said.value).startswith(start) and "\n" not in str(said.value)
