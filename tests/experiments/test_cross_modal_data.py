"""Sounds and images by hand: resampling, speakers, pairs, few labels and their batches."""

import jax
import numpy as np
import pytest

from experiments.cross_modal import data, few_labels
from kd_jax.distill.methods import selection
from kd_jax.errors import InputError

LABELS = np.tile(np.arange(5, dtype=np.int32), 12)
ROWS = np.arange(10, 50)  # eight of each class


@pytest.mark.parametrize("length", [1, 2, 7, 20, 45])
def test_a_recording_is_resampled_as_each_of_its_filters_is_interpolated(length):
    bank = np.random.default_rng(length).normal(size=(length, 3))
    found = data.resampled(bank, 20)
    place = np.linspace(0, length - 1, 20)
    expected = np.transpose([np.interp(place, np.arange(length), x) for x in bank.T])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_every_speaker_is_left_out_once_and_no_row_is_in_two_splits():
    speaker = np.tile(np.repeat([0, 1, 2, 3], 3), 2)  # four speakers, six rows each
    rows = data.leave_speakers_out(speaker, 5)
    assert [rows[name].shape for name in rows] == [(5, 12), (5, 6), (5, 6)]
    for seed in range(5):
        who = {name: set(speaker[of_seeds[seed]]) for name, of_seeds in rows.items()}
        assert who["test"] == {seed % 4} and who["validation"] == {(seed + 1) % 4}
        assert who["train"] == {0, 1, 2, 3} - who["test"] - who["validation"]
        assert sorted(np.concatenate([x[seed] for x in rows.values()])) == list(range(24))


def test_pairs_are_of_the_same_class_and_any_of_it():
    labels, others = np.repeat(np.arange(3), 200), np.array([2, 0, 1, 1, 2, 0, 1])
    found = data.same_class(labels, others, seed=0)
    np.testing.assert_array_equal(others[found], labels)
    counts = np.bincount(found, minlength=7)  # halves and thirds of 200, s.d. below 7.1
    np.testing.assert_allclose(counts, [100, 100, 67, 67, 100, 100, 67], atol=30)
    assert not np.array_equal(found, data.same_class(labels, others, seed=1))
    with pytest.raises(InputError, match="class 2 has no pair"):
        data.same_class(labels, np.array([0, 1]), seed=0)


def test_few_labels_are_as_many_of_each_class_and_fewer_are_among_more():
    found = {
        count: few_labels.labeled_rows(LABELS, ROWS, count, seed=3) for count in (0, 5, 20, 40)
    }
    assert len(found[0]) == 0 and found[40].tolist() == ROWS.tolist()
    for count in (5, 20):
        assert np.bincount(LABELS[found[count]]).tolist() == [count // 5] * 5
    assert set(found[5]) < set(found[20]) < set(ROWS)
    assert set(few_labels.labeled_rows(LABELS, ROWS, 5, seed=4)) != set(found[5])


def test_half_of_a_batch_has_labels_and_the_other_half_shows_every_row_once():
    known = [np.array([10, 20]), np.array([11, 12, 13, 14]), np.array([], int)]
    shown = np.stack([ROWS, ROWS + 10, ROWS])
    sampler = few_labels.half_labeled(jax.random.key(0), known, shown, np.array([0, 1, 0]), 16)
    for member, drawn_from in enumerate([known[0], known[1], ROWS]):
        first, second = (np.asarray(sampler(member, epoch)) for epoch in range(2))
        assert first.shape == (5, 16)
        assert set(np.concatenate([first, second])[:, :8].ravel()) <= set(drawn_from)
        assert sorted(first[:, 8:].ravel()) == sorted(shown[member])
        assert not np.array_equal(first, second)
    assert set(np.asarray(sampler(1, 0))[:, :8].ravel()) == set(known[1])  # 40 draws of four
    of_seeds = [np.asarray(sampler(member, 0))[:, 8:] for member in range(3)]
    np.testing.assert_array_equal(of_seeds[0], of_seeds[2])  # the same seed, other labels
    assert not np.array_equal(of_seeds[0] + 10, of_seeds[1])


def test_students_are_measured_on_the_rows_of_their_seed():
    random = np.random.default_rng(0)
    inputs, labels = random.normal(size=(30, 4)).astype("f4"), random.integers(3, size=30)
    students = random.normal(size=(4, 2, 4, 3)).astype("f4")  # two numbers of labels, two seeds
    rows = np.array([[0, 3, 9], [4, 5, 29]])
    found = few_labels.measure(lambda p, x: ((x @ p, {}), {}), students, (inputs, labels, rows))
    assert found["errors"].shape == (4, 2)
    for member in range(4):
        own = rows[member % 2]
        for weight in range(2):
            wrong = (inputs[own] @ students[member, weight]).argmax(-1) != labels[own]
            assert found["errors"][member, weight] == wrong.sum()


def test_the_best_arm_has_fewest_errors_and_then_the_lower_nll():
    errors = np.array([[3, 2, 1], [2, 1, 2]])  # means 2.5, 1.5, 1.5
    assert selection.best_arm({"errors": errors, "nll": np.array([[0, 5, 4], [0, 1, 1]])}) == 2


def test_every_seed_chooses_on_its_own_validation_rows():
    # the mean over seeds would choose the second arm for all: errors 3, 2 and 3
    errors = np.array([[1, 2, 4], [4, 3, 2], [4, 1, 3]])
    nll = np.array([[1.0, 2, 4], [4, 3, 2], [4, 1, 3]])
    assert few_labels.best_arms({"errors": errors, "nll": nll}).tolist() == [0, 2, 1]
    # what another seed finds, on a speaker of its own, changes nothing
    errors[2] = 0, 5, 5
    assert few_labels.best_arms({"errors": errors, "nll": nll}).tolist() == [0, 2, 0]
    # on a tie the lower NLL of that seed
    tie = {"errors": np.array([[1, 1], [1, 1]]), "nll": np.array([[2.0, 1.0], [1.0, 2.0]])}
    assert few_labels.best_arms(tie).tolist() == [1, 0]
