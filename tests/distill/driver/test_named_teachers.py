"""What teachers say: saved outputs in the order of the rows, functions, and ensembles of both."""

import collections

import flax.linen as nn
import jax
import numpy as np
import pytest
from refusals import refused
from scipy import special

import kd_jax as kd
from kd_jax.data import Split
from kd_jax.distill import ensembles
from kd_jax.distill.driver import given_rows, named_teachers

RANDOM = np.random.default_rng(2)
KERNEL = RANDOM.normal(size=(4, 3))
TRAIN, TEST = (RANDOM.normal(size=(n, 4)).astype(np.float32) for n in (60, 30))
LABELS = {n: (np.arange(n) % 3).astype(np.int32) for n in (60, 30)}
ROWS = given_rows.parted(Split(TRAIN, LABELS[60]), None, Split(TEST, LABELS[30]), 1)
TAKEN = {name: ROWS.parts[name].rows for name in ("train", "validation")}


def one(inputs):
    return inputs @ KERNEL


def other(inputs):
    return np.tanh(inputs @ KERNEL) * 5


def said(teacher, rows=ROWS):
    (found,) = named_teachers.named(teacher).items()
    return named_teachers.outputs(*found, rows, None)


def test_saved_outputs_are_in_the_order_of_all_that_is_given():
    saved = np.float32(np.concatenate([one(TRAIN), one(TEST)]))
    found = said(saved)
    for name, part in ROWS.parts.items():
        np.testing.assert_allclose(found[name], one(part.split.inputs), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found["validation"], saved[TAKEN["validation"]])


def test_saved_outputs_of_the_training_rows_say_nothing_of_others():
    found = said(one(TRAIN))
    assert found["test"] is None
    for name, rows in TAKEN.items():
        np.testing.assert_allclose(found[name], one(TRAIN)[rows], rtol=1e-5)
    # where the test is taken from train, they say something of it
    whole = given_rows.parted(Split(TRAIN, LABELS[60]), None, None, 1)
    np.testing.assert_allclose(
        said(one(TRAIN), whole)["test"], one(TRAIN)[whole.parts["test"].rows], rtol=1e-5
    )


def test_a_function_is_asked_once_about_every_row():
    asked = collections.Counter()

    def teacher(inputs):
        asked.update(map(bytes, inputs))
        return one(inputs)

    found = said(teacher)
    assert set(asked.values()) == {1} and len(asked) == 90
    np.testing.assert_allclose(found["test"], one(TEST), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("saved", [False, True])
def test_several_are_their_mean_probability_or_their_mean_logits(saved):
    given = np.concatenate([TRAIN, TEST])
    teachers = [one(given), other(given)] if saved else [one, other]
    p = (special.softmax(one(TEST), -1) + special.softmax(other(TEST), -1)) / 2
    for teacher in (teachers, {"mine": teachers}, kd.ensemble(teachers)):
        found = said(teacher)
        np.testing.assert_allclose(found["test"], np.log(p), rtol=1e-4, atol=1e-4)
    found = said(kd.ensemble(teachers, ensembles.geometric_mean))
    mean = (one(TEST) + other(TEST)) / 2
    np.testing.assert_allclose(found["test"], special.log_softmax(mean, -1), rtol=1e-4, atol=1e-4)
    # saved outputs of the training rows make an ensemble that says nothing of the test
    assert said([one(TRAIN), one])["test"] is None


def test_probabilities_with_zeros_are_finite():
    p = special.softmax(one(TRAIN), -1)
    p[3] = [0, 1, 0]
    found = said(kd.probabilities(p))
    assert np.isfinite(found["train"]).all()
    np.testing.assert_allclose(special.softmax(found["train"], -1), p[TAKEN["train"]], atol=1e-6)
    several = said(kd.probabilities([p, special.softmax(other(TRAIN), -1)]))
    mean = (p + special.softmax(other(TRAIN), -1)) / 2
    np.testing.assert_allclose(special.softmax(several["train"], -1), mean[TAKEN["train"]],
                               atol=1e-6)  # fmt: skip


def test_who_can_be_asked_again():
    assert named_teachers.can_be_asked(one)
    assert named_teachers.can_be_asked(kd.probabilities(one))
    assert named_teachers.can_be_asked(kd.ensemble([one, other]))
    for saved in (KERNEL, kd.probabilities(KERNEL), kd.ensemble([one, KERNEL]), kd.ensemble([])):
        assert not named_teachers.can_be_asked(saved)


def test_paths_lead_to_teachers(tmp_path):
    np.save(tmp_path / "logits.npy", LOGITS_OF_PATHS)
    ((name, found),) = named_teachers.named(str(tmp_path / "logits.npy")).items()
    assert name == "teacher"
    np.testing.assert_array_equal(found, LOGITS_OF_PATHS)
    both = named_teachers.named({"a": [tmp_path / "logits.npy", LOGITS_OF_PATHS]})["a"]
    np.testing.assert_array_equal(both.teachers[0], LOGITS_OF_PATHS)
    for path in ("none.npy", "logits.txt", "."):
        refused("teacher teacher is the path|holds no saved student", named_teachers.named,
                str(tmp_path / path))  # fmt: skip
    (tmp_path / "broken.npy").write_bytes(b"no array")
    refused("no array that can be read", named_teachers.named, tmp_path / "broken.npy")


LOGITS_OF_PATHS = np.array([[0.5, -1.0], [2.0, 0.25]], np.float32)


def test_a_network_of_a_module_that_was_given_no_example_has_features():
    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            hidden = nn.Dense(5)(x)
            return nn.Dense(3)(hidden), {"hidden": hidden}

    variables = Net().init(jax.random.key(0), TRAIN[:1])
    network = kd.Network(kd.from_flax(Net()), {"params": variables["params"], "state": {}})
    like = named_teachers.features_like(network, TRAIN[:1])
    assert {name: x.shape for name, x in like.items()} == {"hidden": (1, 5)}
