"""Equinox modules as Models: the module's own numbers, by hand where it has statistics."""

import adapters
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kd_jax as kd

eqx = pytest.importorskip("equinox")


class Student(eqx.Module):
    """Batch norm, a layer, dropout; a permutation that is an array of integers."""

    norm: eqx.nn.BatchNorm
    first: eqx.nn.Linear
    last: eqx.nn.Linear
    dropout: eqx.nn.Dropout
    order: jax.Array
    activation: object = jax.nn.relu

    def __init__(self, key):
        options = {"momentum": adapters.MOMENTUM, "eps": adapters.EPSILON, "mode": "batch"}
        self.norm = eqx.nn.BatchNorm(3, "batch", **options)
        keys = jax.random.split(key)
        self.first = eqx.nn.Linear(3, 4, key=keys[0])
        self.last = eqx.nn.Linear(4, 2, key=keys[1])
        self.dropout = eqx.nn.Dropout(0.5)
        self.order = jnp.array([2, 0, 1])

    def __call__(self, x, state, *, key):
        x, state = self.norm(x[self.order], state)
        x = self.activation(self.first(x))
        return (self.last(self.dropout(x, key=key)), {"hidden": x}), state


create = eqx.nn.make_with_state(Student)
MODEL = kd.from_equinox(create, adapters.INPUTS)


@pytest.fixture(scope="module")
def stepped():
    return adapters.members_step(MODEL)


def test_logits_are_those_of_the_module():
    @jax.jit
    def ours(key):
        variables = MODEL.init(key)
        outputs, state = MODEL.apply(variables, adapters.INPUTS)
        assert state is variables["state"]
        return outputs

    @jax.jit
    def theirs(key):
        module, state = create(key)
        module = eqx.nn.inference_mode(module)
        each = jax.vmap(lambda x: module(x, state, key=None), out_axes=(0, None), axis_name="batch")
        return each(adapters.INPUTS)[0][0]

    logits, features = ours(jax.random.key(1))
    np.testing.assert_allclose(logits, theirs(jax.random.key(1)), rtol=1e-6)
    assert features["hidden"].shape == (6, 4)


def test_floats_are_parameters_and_other_arrays_are_not():
    found = jax.eval_shape(MODEL.init, jax.random.key(0))
    assert found["params"].keys() == {"norm", "first", "last"}
    assert found["state"]["arrays"] == {"order": jax.ShapeDtypeStruct((3,), jnp.int32)}
    assert all(not leaf.weak_type for leaf in jax.tree.leaves(found))


def test_members_step_with_statistics_of_their_own(stepped):
    variables, gradients, logits, state = stepped
    np.testing.assert_array_equal(state["arrays"]["order"], [[2, 0, 1]] * 2)
    # Equinox begins with 0 and 1, and divides by 1 − 0.8ⁿ where it reads them
    hidden = jax.tree.leaves(state["running"])
    mean, variance = (x for x in hidden if x.shape == (2, 3))
    by_hand = adapters.running(np.zeros(3), np.ones(3))
    for member in (0, 1):
        np.testing.assert_allclose(mean[member], by_hand[0][[2, 0, 1]], rtol=1e-5)
        np.testing.assert_allclose(variance[member], by_hand[1][[2, 0, 1]], rtol=1e-5)
    found = gradients["last"]["bias"]
    np.testing.assert_allclose(found, adapters.bias_gradient(logits), rtol=1e-4, atol=1e-6)


def test_dropout_is_of_the_key_and_off_in_evaluation():
    adapters.check_dropout(MODEL, jax.jit(MODEL.init)(jax.random.key(1)))


def test_a_module_without_state_or_key():
    model = kd.from_equinox(lambda key: eqx.nn.Linear(3, 2, key=key), adapters.INPUTS)
    variables = model.init(jax.random.key(1))
    (logits, features), state = model.apply(variables, adapters.INPUTS, train=True)
    assert (features, state, variables["state"]) == ({}, {}, {})
    expected = adapters.INPUTS @ variables["params"]["weight"].T + variables["params"]["bias"]
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)


def test_a_norm_over_another_axis_is_one_line():
    def other(key):
        return eqx.nn.make_with_state(eqx.nn.BatchNorm)(3, "rows", mode="batch")

    with pytest.raises(kd.InputError, match="the network raises NameError .*rows"):
        kd.from_equinox(other, adapters.INPUTS)


def test_channels_last_are_told_to_who_takes_them_first():
    def convolution(key):
        return eqx.nn.Sequential([eqx.nn.Conv2d(3, 4, 3, key=key), eqx.nn.Lambda(lambda x: x)])

    with pytest.raises(kd.InputError, match="one image .8, 8, 3. .*begin with x.transpose.2, 0, 1"):
        kd.from_equinox(convolution, np.zeros((2, 8, 8, 3), np.float32))
