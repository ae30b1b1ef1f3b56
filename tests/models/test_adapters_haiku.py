"""Haiku functions as Models: the function's own numbers, by hand where it has statistics."""

import adapters
import jax
import numpy as np
import pytest

import kd_jax as kd
from kd_jax import models

hk = pytest.importorskip("haiku")


def student(x, is_training):
    """Batch norm, a layer, dropout."""
    norm = hk.BatchNorm(True, True, decay_rate=adapters.MOMENTUM, eps=adapters.EPSILON)
    x = jax.nn.relu(hk.Linear(4)(norm(x, is_training)))
    dropped = hk.dropout(hk.next_rng_key(), 0.5, x) if is_training else x
    return hk.Linear(2, name="last")(dropped), {"hidden": x}


MODEL = kd.from_haiku(student, adapters.INPUTS)


@pytest.fixture(scope="module")
def stepped():
    return adapters.members_step(MODEL)


def test_logits_are_those_of_the_function():
    plain = hk.transform_with_state(student)
    variables = jax.jit(MODEL.init)(jax.random.key(1))
    params, _ = jax.jit(lambda key: plain.init(key, adapters.INPUTS, True))(jax.random.key(1))
    jax.tree.map(np.testing.assert_array_equal, params, variables["params"])

    @jax.jit
    def ours(variables):
        outputs, after = MODEL.apply(variables, adapters.INPUTS)
        assert after is variables["state"]
        return outputs

    @jax.jit
    def theirs(params, state):
        return plain.apply(params, state, None, adapters.INPUTS, False)[0][0]

    logits, features = ours(variables)
    np.testing.assert_array_equal(logits, theirs(params, variables["state"]))
    assert features["hidden"].shape == (6, 4)


def test_members_step_with_statistics_of_their_own(stepped):
    variables, gradients, logits, state = stepped
    mean, variance = adapters.running(np.zeros(3), np.zeros(3))  # Haiku's begin with 0 and 0
    for name, by_hand in (("mean_ema", mean), ("var_ema", variance)):
        after = state[f"batch_norm/~/{name}"]
        for member in (0, 1):
            np.testing.assert_allclose(after["hidden"][member, 0], by_hand, rtol=1e-5)
            # what is read is divided by 1 − 0.8ⁿ, here n = 1
            average = by_hand / (1 - adapters.MOMENTUM)
            np.testing.assert_allclose(after["average"][member, 0], average, rtol=1e-5)
    found = gradients["last"]["b"]
    np.testing.assert_allclose(found, adapters.bias_gradient(logits), rtol=1e-4, atol=1e-6)


def test_dropout_is_of_the_key_and_off_in_evaluation():
    adapters.check_dropout(MODEL, jax.jit(MODEL.init)(jax.random.key(1)))


def linear(x):
    """Logits alone, no argument but the inputs."""
    return hk.Linear(2)(x)


def test_without_an_example_a_network_begins_where_it_is_fitted():
    model = kd.from_haiku(linear)
    with pytest.raises(kd.InputError, match=r"from_haiku\(function, example\)"):
        model.init(jax.random.key(0))
    ready = models.fitted(model, adapters.INPUTS, classes=2)
    assert ready.apply is kd.from_haiku(linear, adapters.INPUTS).apply
    variables = ready.init(jax.random.key(0))
    assert variables["state"] == {}
    weights = variables["params"]["linear"]
    expected = adapters.INPUTS @ weights["w"] + weights["b"]
    np.testing.assert_allclose(ready.logits(variables, adapters.INPUTS), expected, rtol=1e-5)
