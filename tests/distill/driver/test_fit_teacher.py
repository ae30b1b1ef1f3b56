"""A teacher trained here learns the labels, teaches with features, and repeats by its base seed."""

import numpy as np
import optax
import pytest
from refusals import refused

import kd_jax as kd
from kd_jax.distill.driver import named_teachers

RANDOM = np.random.default_rng(3)
INPUTS = RANDOM.normal(size=(90, 4)).astype(np.float32)
LABELS = (INPUTS[:, 0] > 0).astype(np.int32) + (INPUTS[:, 1] > 0)
TRAIN = kd.Split(INPUTS, LABELS)
MLP = kd.functional(kd.models.MLP((8,), 3), (4,))
RECIPE = kd.Recipe(optax.sgd(1.0), epochs=20, batch_size=30)


@pytest.fixture(scope="module")
def teacher():
    return kd.fit_teacher(MLP, TRAIN, recipe=RECIPE)


def test_it_learns_the_labels_and_has_features(teacher):
    assert (teacher.predict(INPUTS) == LABELS).mean() > 0.9
    assert teacher.classes == ["0", "1", "2"] and teacher.shape == (4,)
    features = named_teachers.features(teacher, INPUTS)
    assert list(features) == ["hidden_1"] and features["hidden_1"].shape == (90, 8)
    again = kd.fit_teacher(MLP, TRAIN, recipe=RECIPE)
    np.testing.assert_array_equal(teacher.logits(INPUTS), again.logits(INPUTS))
    other = kd.fit_teacher(MLP, TRAIN, recipe=RECIPE, base_seed=1)
    assert (teacher.logits(INPUTS) != other.logits(INPUTS)).any()


def test_what_does_not_fit_is_one_line():
    refused("train has no labels", kd.fit_teacher, MLP, kd.Split(INPUTS, None))
    refused("model is int: expected a kd.Model", kd.fit_teacher, 3, TRAIN)
    refused("base_seed=-1: expected", kd.fit_teacher, MLP, TRAIN, base_seed=-1)


def test_a_network_needs_no_more_than_its_functions_to_teach(teacher):
    bare = kd.Network(teacher.model, teacher.variables)
    np.testing.assert_array_equal(bare.logits(INPUTS), teacher.logits(INPUTS))
    refused("no shape or no classes", bare.save, "nowhere")
