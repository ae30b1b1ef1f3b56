"""What a Model must give: each misfit is one line, and what a hand-written one may leave out."""

import sys

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kd_jax as kd
from kd_jax import models
from kd_jax.models import conventions

INPUTS = np.random.default_rng(0).normal(size=(2, 14)).astype(np.float32)
WEIGHTS = np.random.default_rng(1).normal(size=(14, 3)).astype(np.float32)
LOGITS = np.float64(INPUTS) @ WEIGHTS


def weights(key):
    return {"params": {"w": jnp.asarray(WEIGHTS)}, "state": {}}


def gives(outputs, state=None):
    """A Model whose apply returns functions of the logits."""

    def apply(variables, inputs, train=False, key=None):
        logits = inputs @ variables["params"]["w"]
        return outputs(logits), variables["state"] if state is None else state

    return kd.Model(weights, apply)


def said(model, classes=3, **options):
    with pytest.raises(kd.InputError) as error:
        models.fitted(model, INPUTS, classes, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


MISFITS = [
    (lambda x: (x[:, :2], {}), "gives logits [2, 2] for 2 inputs [2, 14]: expected [2, 3], one for "
                               "each class"),
    (lambda x: (x[:1], {}), "gives logits [1, 3] for 2 inputs [2, 14]: expected [2, 3], one for "
                            "each class"),
    (lambda x: (x[:, 0], {}), "gives logits [2] for 2 inputs [2, 14]: expected [2, 3], one for "
                              "each class"),
    (lambda x: (x.argmax(-1)[:, None] * jnp.arange(3), {}),
     "gives logits of int32: expected floats"),
    (lambda x: (x, {"sum": x.sum(0)}),
     "gives a feature 'sum' that is [3]: expected a name and an array [2, …]"),
    (lambda x: (x, {"all": [x]}),
     "gives a feature 'all' that is a list: expected a name and an array [2, …]"),
    (lambda x: [x, x], "returns a list: expected logits or (logits, features), logits an array "
                       "[B, C] and features a dict of arrays"),
    (lambda x: (x, x), "returns a tuple (array, array): expected logits or"),
    (lambda x: x.missing, "raises AttributeError for 2 inputs [2, 14]: "),
]  # fmt: skip


@pytest.mark.parametrize("outputs, message", MISFITS)
def test_a_misfit_is_named_with_what_was_expected(outputs, message):
    found = said(gives(outputs), name="the student")
    assert found.startswith("the student " + message)


def test_a_state_that_changes_its_form_is_named():
    found = said(gives(lambda x: (x, {}), {"mean": jnp.zeros(3)}))
    assert found == (
        "the network gives a state that is not like the one it was given: "
        "expected no arrays, got mean float32[3]"
    )


def test_what_raises_only_in_training_is_found():
    def apply(variables, inputs, train=False, key=None):
        assert not train, "no training\nof this"
        return (inputs @ variables["params"]["w"], {}), {}

    expected = "the network raises AssertionError for 2 inputs [2, 14]: no training"
    assert said(kd.Model(weights, apply)) == expected


def test_arguments_that_are_not_understood_are_named():
    def apply(variables, inputs, mask):
        return inputs @ variables["params"]["w"]

    assert said(kd.Model(weights, apply)) == (
        "the network's apply takes (variables, inputs, mask): "
        "expected (variables, inputs, train=False, key=None)"
    )


def test_an_example_without_a_batch_is_refused():
    for example in (np.float32(1), np.zeros((0, 14)), [], {"a": np.ones(2), "b": np.ones(3)}):
        with pytest.raises(kd.InputError, match="holds no batch"):
            models.fitted(gives(lambda x: (x, {})), example)


def test_a_model_that_fits_is_itself():
    model = gives(lambda x: (x, {"logits": x}))
    assert models.fitted(model, INPUTS, 3) is model
    assert models.fitted(model, jax.ShapeDtypeStruct((5, 14), jnp.float64)) is model


def bare(key):
    return {"w": jnp.asarray(WEIGHTS)}


def counted(key):
    return {"params": bare(key), "calls": {"n": jnp.int32(0)}}


def count(variables, inputs, is_training, rng=None):
    """With a collection beside "params", given back as Flax does it."""
    logits = inputs @ variables["params"]["w"]
    assert rng is not None or not is_training
    return (logits, {"calls": {"n": variables["calls"]["n"] + 1}}) if is_training else logits


LAX = {
    "logits alone": (bare, lambda params, x: x @ params["w"]),
    "a list of parameters": (lambda key: [bare(key)["w"]], lambda params, x: x @ params[0]),
    "features": (bare, lambda params, x: (x @ params["w"], {"x": x})),
    "train alone": (weights, lambda v, x, train: ((x @ v["params"]["w"], {}), v["state"])),
    "any keyword": (weights, lambda v, x, **_: ((x @ v["params"]["w"], {}), v["state"])),
    "collections": (counted, count),
}


@pytest.mark.parametrize("init, apply", LAX.values(), ids=LAX)
def test_what_is_left_out_is_put_in(init, apply):
    model = models.fitted(kd.Model(init, apply), INPUTS, 3)
    variables = model.init(jax.random.key(0))
    assert variables.keys() == {"params", "state"}
    (logits, features), state = model.apply(variables, INPUTS, train=True, key=jax.random.key(1))
    np.testing.assert_allclose(logits, LOGITS, rtol=1e-5, atol=1e-6)
    assert isinstance(features, dict)
    assert state == ({"calls": {"n": 1}} if init is counted else {})
    assert model.apply(variables, INPUTS)[1] == variables["state"]
    assert models.fitted(kd.Model(init, apply), INPUTS, 3).apply is model.apply  # compiled once


@pytest.mark.parametrize("train", [True, False])
def test_each_library_s_word_for_training_is_understood(train):
    words = [
        (lambda x, train: 0, {"train": train}),
        (lambda x, training=None: 0, {"training": train}),
        (lambda x, *, is_training: 0, {"is_training": train}),
        (lambda x, deterministic: 0, {"deterministic": not train}),
        (lambda x, use_running_average: 0, {"use_running_average": not train}),
        (lambda x, other=1: 0, {}),
    ]
    for function, expected in words:
        assert conventions.train_flags(function, train) == expected


def test_a_library_that_is_absent_is_one_line(monkeypatch):
    for name, package in (("equinox", "equinox"), ("haiku", "dm-haiku")):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(kd.InputError, match=f"{name} is not installed: pip install {package}"):
            getattr(kd, f"from_{name}")(lambda x: x)


class Unhashable(nn.Module):
    """A module with a field of arrays."""

    factors: np.ndarray

    @nn.compact
    def __call__(self, x):
        return nn.Dense(3)(x) * self.factors


def test_a_module_that_cannot_be_hashed_is_fitted_too():
    model = kd.from_flax(Unhashable(np.array([1.0, 2.0, 4.0], np.float32)), INPUTS)
    variables = model.init(jax.random.key(0))
    expected = (INPUTS @ variables["params"]["Dense_0"]["kernel"]) * np.array([1, 2, 4])
    np.testing.assert_allclose(model.logits(variables, INPUTS), expected, rtol=1e-5)
