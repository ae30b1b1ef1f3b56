"""Batch norm: running statistics are those by hand, per member, and resumed, saved and measured."""

import flax.linen as nn
import jax
import numpy as np
import optax
import pytest

from kd_jax import models
from kd_jax.data import Split
from kd_jax.distill import students, teachers
from kd_jax.distill.teachers import NetworkRecipe
from kd_jax.metrics import classification
from kd_jax.runtime.execution import Execution
from kd_jax.storage import checkpoint
from kd_jax.training import samplers

ROWS, BATCH, EPOCHS, MOMENTUM, EPSILON = 24, 8, 2, 0.9, 1e-5
RANDOM = np.random.default_rng(4)
INPUTS = RANDOM.normal(1.0, 2.0, size=(ROWS, 3)).astype(np.float32)
SPLIT = Split(INPUTS, (np.arange(ROWS) % 2).astype(np.int32))
KEYS = jax.random.split(jax.random.key(0), 2)
ORDER = samplers.shuffled(jax.random.key(1), ROWS, BATCH)


class Normed(nn.Module):
    """A linear network of standardized inputs."""

    @nn.compact
    def __call__(self, inputs, train):
        x = nn.BatchNorm(not train, momentum=MOMENTUM, epsilon=EPSILON, name="norm")(inputs)
        return nn.Dense(2, name="logits")(x), {"normed": x}


MODEL = models.functional(Normed(), (3,))


def fitted(rate, **options):
    recipe = NetworkRecipe(MODEL, optax.sgd(rate), ORDER, EPOCHS)
    return jax.tree.map(np.asarray, teachers.fit(recipe, KEYS, SPLIT, **options))


def by_hand(seed):
    """(mean, variance) after all steps, in float64: r ← 0.9 r + 0.1 of the batch."""
    mean, variance = np.zeros(3), np.ones(3)
    for epoch in range(EPOCHS):
        for rows in np.asarray(ORDER(seed, epoch)):
            x = np.float64(INPUTS[rows])
            mean = MOMENTUM * mean + (1 - MOMENTUM) * x.mean(0)
            variance = MOMENTUM * variance + (1 - MOMENTUM) * x.var(0)
    return mean, variance


def test_running_statistics_are_those_of_the_batches_that_each_seed_saw():
    found = fitted(0.0)  # at rate 0 the parameters stay as they were drawn
    for seed in (0, 1):
        mean, variance = by_hand(seed)
        statistics = found["state"]["batch_stats"]["norm"]
        np.testing.assert_allclose(statistics["mean"][seed], mean, rtol=1e-5)
        np.testing.assert_allclose(statistics["var"][seed], variance, rtol=1e-5)
    assert not np.allclose(by_hand(0)[0], by_hand(1)[0])


def test_a_measured_network_standardizes_by_them_and_leaves_them():
    found = fitted(0.1)
    logits = classification.predict(MODEL.apply, jax.tree.map(lambda x: x[:, None], found), INPUTS)
    mean, variance = by_hand(1)
    params = jax.tree.map(lambda x: np.float64(x[1]), found["params"])
    x = (INPUTS - mean) / np.sqrt(variance + EPSILON)
    x = x * params["norm"]["scale"] + params["norm"]["bias"]
    expected = x @ params["logits"]["kernel"] + params["logits"]["bias"]
    np.testing.assert_allclose(logits[1, 0], expected, rtol=1e-4, atol=1e-5)
    one = jax.tree.map(lambda x: x[1], found)
    _, state = MODEL.apply(one, INPUTS)
    jax.tree.map(np.testing.assert_array_equal, state, one["state"])


def test_a_resumed_training_has_those_of_an_uninterrupted_one(tmp_path):

    class Killed(Exception):
        pass

    class Once(checkpoint.Snapshots):
        """Saves after each chunk of epochs and stops after the first."""

        def save(self, done, tree):
            super().save(done, tree)
            raise Killed

    facts = {"of": "this"}
    with pytest.raises(Killed):
        kept = Once(tmp_path, facts, every=0.0)
        fitted(0.1, execution=Execution(snapshots=kept))
    kept = checkpoint.Snapshots(tmp_path, facts, every=0.0)
    again = fitted(0.1, execution=Execution(snapshots=kept))
    jax.tree.map(np.testing.assert_array_equal, again, fitted(0.1))


def test_members_trained_in_chunks_have_those_of_members_together():
    chunked = fitted(0.1, execution=Execution(members_per_chunk=1))
    near = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5)  # noqa: E731
    jax.tree.map(near, chunked, fitted(0.1))


def test_students_of_all_arms_have_their_own():
    recipe = NetworkRecipe(MODEL, optax.sgd(0.5), ORDER, EPOCHS)
    arms = [students.Arm("labels", label_weight=1.0), students.Arm("soft", weight=1.0)]
    given = {"teacher": RANDOM.normal(size=(ROWS, 2)).astype(np.float32)}
    found, curves = students.fit(recipe, arms, SPLIT, given, KEYS)
    statistics = found["state"]["batch_stats"]["norm"]["mean"]
    # inputs are normed before anything that differs: the arms of a seed saw the same
    for seed in (0, 1):
        for arm in (0, 1):
            np.testing.assert_allclose(statistics[seed, arm], by_hand(seed)[0], rtol=1e-5)
    kernel = np.asarray(found["params"]["logits"]["kernel"])
    assert np.abs(kernel[:, 0] - kernel[:, 1]).max() > 1e-3
    assert np.isfinite(curves["loss"]).all()
