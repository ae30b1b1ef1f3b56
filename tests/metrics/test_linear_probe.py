"""Linear probes and nearest neighbors of vectors whose classes are known."""

import numpy as np
import pytest

from kd_jax.errors import InputError
from kd_jax.metrics import linear_probe

LABELS = np.repeat(np.arange(4), 30)
CENTRES = np.eye(4)[LABELS] * 3


def clouds(seed):
    return CENTRES + np.random.default_rng(seed).normal(size=CENTRES.shape) * 0.1


def test_separate_clouds_are_told_apart_and_noise_is_not():
    assert linear_probe.probe_accuracy(clouds(0), LABELS, clouds(1), LABELS) == 1
    assert (
        linear_probe.few_shot_accuracy(
            clouds(0), LABELS, clouds(1), LABELS, per_class=2, draws=3, seed=0
        )
        == 1
    )
    noise = np.random.default_rng(2).normal(size=(2, *CENTRES.shape))
    # 120 guesses among 4: mean 1/4, deviation √(1/4 · 3/4 / 120) = 0.04
    assert abs(linear_probe.probe_accuracy(noise[0], LABELS, noise[1], LABELS) - 0.25) < 0.16


def test_nearest_neighbors_by_hand():
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    asked = np.array([[0.6, 0.8], [-0.8, 0.6], [0.8, 0.6], [0.0, 1.0]])
    # cosines: .6 .8 −.6; −.8 .6 .8; .8 .6 −.8; 0 1 0
    assert linear_probe.nearest_neighbors(vectors, asked).tolist() == [1, 2, 0, 1]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_embedding_that_is_not_finite_is_nobodys_neighbor(value):
    vectors = np.eye(3)
    lost = np.where(np.arange(3)[:, None] == 1, value, vectors)
    for pair, name in [((vectors, lost), "test_vectors"), ((lost, vectors), "^vectors")]:
        with pytest.raises(InputError, match=rf"{name}: row \[1\] is not finite"):
            linear_probe.nearest_neighbors(*pair)
        with pytest.raises(InputError, match=rf"{name}: row \[1\] is not finite"):
            linear_probe.probe_accuracy(pair[0], np.arange(3), pair[1], np.arange(3))


@pytest.mark.parametrize("draws, per_class", [(1, 31), (1, 0), (1, -1), (0, 2)])
def test_a_class_has_as_many_examples_as_are_drawn(draws, per_class):
    data = clouds(0), LABELS, clouds(1), LABELS
    with pytest.raises(InputError, match=r"its 30 examples \(class 0\)"):
        linear_probe.few_shot_accuracy(*data, draws=draws, per_class=per_class, seed=0)


def test_measures_of_the_teacher_itself_agree_with_it():
    vectors = clouds(0) / np.linalg.norm(clouds(0), axis=1, keepdims=True)
    found = linear_probe.evaluate_embeddings(
        vectors,
        LABELS,
        vectors,
        LABELS,
        draws=2,
        per_class=5,
        seed=0,
        neighbors=linear_probe.nearest_neighbors(vectors, vectors),
    )
    assert found["nearest_agreement"] == found["nearest_accuracy"] == found["probe_accuracy"] == 1
