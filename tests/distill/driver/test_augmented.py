"""Teachers that can be asked see the augmented view, once for a seed; saved outputs stay."""

import contextlib
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import small_driver as small
from in_process import untrained

import kd_jax as kd
from kd_jax.distill.driver import augmented, named_teachers
from kd_jax.errors import InputError
from kd_jax.models import fitted
from kd_jax.runtime import progress

MODEL = fitted(small.STUDENT, small.INPUTS[:2], 3)
NETWORK = kd.Network(MODEL, untrained(MODEL), list("abc"), (4,), "float32", {"kind": "arrays"})


def moved(key, x):
    return x + jax.random.normal(key, x.shape)


def by_numpy(inputs):
    return np.tanh(np.asarray(inputs)) @ small.KERNEL


def test_of_a_view_every_teacher_says_what_it_can():
    teachers = {
        "network": NETWORK, "function": by_numpy, "saved": small.LOGITS,
        "both": kd.ensemble([by_numpy, kd.probabilities(lambda x: np.tile([0.2, 0.3, 0.5],
                                                                         (len(x), 1)))]),
    }  # fmt: skip
    rows = {
        "inputs": jnp.asarray(small.INPUTS[:8]), "labels": jnp.arange(8) % 3,
        "teachers": jnp.full((8, 4, 3), 7.0), "features": {"hidden": jnp.zeros((8, 6))},
    }  # fmt: skip
    see = augmented.views(moved, teachers, small.INPUTS)
    keys = jax.random.split(jax.random.key(0), 2)
    found = jax.jit(jax.vmap(see, in_axes=(None, 0)))(rows, keys)  # two seeds
    views = np.float64(found["inputs"])
    assert np.abs(views[0] - views[1]).min(1).max() > 0.1
    for seed in (0, 1):
        logits = np.asarray(found["teachers"][seed])
        expected = small.by_numpy(NETWORK.variables, views[seed])
        np.testing.assert_allclose(logits[:, 0], expected, atol=1e-4)
        np.testing.assert_allclose(logits[:, 1], by_numpy(views[seed]), atol=1e-4)
        np.testing.assert_array_equal(logits[:, 2], 7.0)
        soft = np.exp(logits[:, 1]) / np.exp(logits[:, 1]).sum(-1, keepdims=True)
        mean = (soft + [0.2, 0.3, 0.5]) / 2
        np.testing.assert_allclose(np.exp(logits[:, 3]), mean, atol=1e-4)
        hidden = np.tanh(views[seed] @ np.float64(NETWORK.variables["params"]["first"]))
        np.testing.assert_allclose(found["features"]["hidden"][seed], hidden, atol=1e-4)


def test_a_function_is_asked_once_a_step_for_all_seeds_and_methods(monkeypatch):
    asked, bars = [], []

    @contextlib.contextmanager
    def bar(label, total, *unit, **options):
        bars.append(label)
        yield lambda *done: None

    def teacher(inputs):
        asked.append(np.array(inputs))
        return by_numpy(inputs)

    monkeypatch.setattr(progress, "bar", bar)
    shifted = kd.Recipe(
        optax.sgd(0.1), epochs=2, batch_size=70,
        augment=lambda key, x: x + 100 + 0.01 * jax.random.normal(key, x.shape),
    )  # fmt: skip
    result = kd.distill(
        small.STUDENT, teacher, small.ALL, seeds=2, recipe=shifted, methods=kd.soft_targets((1, 2))
    )
    views = [batch for batch in asked if batch.min() > 50]
    rows = result.comparison.notes[0]
    assert rows.startswith("Rows: train 210, validation 30, test 60")
    # a few are tried; then 210 rows are 3 batches of 70, in two epochs, of both seeds together
    assert [batch.shape for batch in views] == [(8, 4)] + [(2 * 70, 4)] * 6
    assert not [label for label in bars if label.startswith("asking")]  # of one batch each
    # the views of an epoch are those of every training row, once for each seed
    first = np.concatenate([batch.reshape(2, 70, 4) for batch in views[1:4]], axis=1) - 100
    noise = []
    for of_seed in first:
        nearest = np.abs(of_seed[:, None] - small.INPUTS[None]).max(-1)
        assert nearest.min(1).max() < 0.1
        assert len(set(nearest.argmin(1))) == 210
        noise += np.split(of_seed - small.INPUTS[nearest.argmin(1)], 3)
    # drawn anew for each step and seed
    for one, other in itertools.combinations(noise, 2):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.3


def test_features_keep_the_order_of_layers():
    def apply(params, x):
        return x @ params["w"], {"z first": x, "a last": 2 * x}

    model = fitted(kd.Model(lambda key: {"w": jnp.zeros((4, 3))}, apply), small.INPUTS[:2], 3)
    network = NETWORK._replace(model=model, variables=model.init(jax.random.key(0)))
    for found in (
        named_teachers.features(network, small.INPUTS),
        named_teachers.features_like(network, small.INPUTS),
        jax.tree.map(lambda x: x[:2], named_teachers.features(network, small.INPUTS)),
    ):
        assert list(found) == ["z first", "a last"]
    assert named_teachers.features(by_numpy, small.INPUTS) == {}


def test_a_teacher_that_fails_on_views_is_refused_before_anything_is_trained():
    def teacher(inputs):
        return by_numpy(inputs) + np.where(inputs.max() > 50, np.nan, 0)

    recipe = kd.Recipe(augment=lambda key, x: x + 100)
    said = "teacher teacher: augmented gives .*nan.* for row 0: expected finite numbers"
    with pytest.raises(InputError, match=said):
        kd.distill(small.STUDENT, teacher, small.ALL, recipe=recipe)


def test_large_features_are_asked_for_in_the_step(monkeypatch):
    """Of a network whose features are x + 1, seen through views that negate their rows too."""
    network = NETWORK._replace(model=kd.Model(None, plus_one), variables={})
    monkeypatch.setattr(named_teachers, "MOST_BYTES", 10)
    assert named_teachers.features(network, small.INPUTS) == {}
    rows = {"inputs": small.INPUTS[:2]}
    seen = augmented.with_features(None, network)(rows, None)
    np.testing.assert_array_equal(seen["features"]["more"], small.INPUTS[:2] + 1)
    negated = augmented.with_features(lambda rows, key: {"inputs": -rows["inputs"]}, network)
    np.testing.assert_array_equal(negated(rows, None)["features"]["more"], 1 - small.INPUTS[:2])


def plus_one(variables, inputs, train=False, key=None):
    return (inputs[:, :3], {"more": inputs + 1}), {}
