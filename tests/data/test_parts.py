"""Stratified parts: every class is shared out to training, validation and test as asked for."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from kd_jax.data import subsets
from kd_jax.errors import InputError

# 20 zeros, 7 ones, 1 two
LABELS = np.array([0] * 20 + [1] * 7 + [2], np.int32)


def counts(labels, parts):
    """How many rows of each class every part has."""
    return [np.bincount(labels[rows], minlength=3).tolist() for rows in parts]


def test_each_class_is_shared_out_by_the_largest_remainders():
    # 20 rows: 14, 2, 4 exactly.
    # 7 rows: 4.9, 0.7, 1.4; whole rows 4, 0, 1, and the two left go to 0.9 and 0.7.
    # 1 row: 0.7, 0.1, 0.2; it goes to 0.7.
    parts = subsets.stratified(LABELS, (0.7, 0.1, 0.2), seed=3)
    assert counts(LABELS, parts) == [[14, 5, 1], [2, 1, 0], [4, 1, 0]]


@pytest.mark.parametrize("fractions", [(0.1, 0.1, 0.8), (0.01, 0.98, 0.01), (0.2, 0.4, 0.4)])
def test_training_has_a_row_of_every_class(fractions):
    # by the remainders alone the row of class 2 would be in the largest part
    train, validation, test = subsets.stratified(LABELS, fractions, seed=0)
    assert counts(LABELS, [train])[0][2] == 1
    assert subsets.missing(LABELS, train) == []
    assert 2 in subsets.missing(LABELS, validation) and 2 in subsets.missing(LABELS, test)


def test_the_row_that_training_is_given_is_the_largest_parts():
    # 2 rows: 0.02, 1, 0.98; the test part has the largest remainder
    parts = subsets.stratified(np.zeros(2, int), (0.01, 0.5, 0.49))
    assert [len(rows) for rows in parts] == [1, 0, 1]


def test_equal_remainders_go_to_the_earlier_part_though_floating_point_has_them_differ():
    # 5 rows: 2.5, 1.25, 1.25, one is left
    labels = np.zeros(5, int)
    assert [len(rows) for rows in subsets.stratified(labels, (0.5, 0.25, 0.25))] == [3, 1, 1]
    # 12 rows: 0.6, 1.8, 9.6, two are left; 12 * 0.05 is 0.6000000000000001, 12 * 0.8 - 9 more
    assert 12 * 0.05 < 12 * 0.8 - 9
    labels = np.zeros(12, int)
    assert [len(rows) for rows in subsets.stratified(labels, (0.05, 0.15, 0.8))] == [1, 2, 9]


def test_the_seed_decides_which_rows():
    first, again, other = (subsets.stratified(LABELS, seed=seed) for seed in (5, 5, 6))
    for one, two in zip(first, again):
        np.testing.assert_array_equal(one, two)
    assert set(first[0]) != set(other[0])
    assert first[0].tolist() != list(range(len(first[0])))  # not the first rows


@hypothesis.settings(deadline=None, derandomize=True, database=None)
@hypothesis.given(
    st.lists(st.integers(0, 5), min_size=1, max_size=60),
    st.tuples(st.integers(1, 20), st.integers(0, 20), st.integers(0, 20)),
    st.integers(0, 9),
)
def test_parts_are_all_rows_once_and_within_a_row_of_their_shares(labels, weights, seed):
    labels, shares = np.array(labels), np.array(weights) / sum(weights)
    parts = subsets.stratified(labels, shares.tolist(), seed)
    assert np.sort(np.concatenate(parts)).tolist() == list(range(len(labels)))
    assert all((np.diff(rows) > 0).all() for rows in parts)
    assert set(labels[parts[0]]) == set(labels)
    for number in set(labels.tolist()):
        exact = shares * (labels == number).sum()
        found = np.array([(labels[rows] == number).sum() for rows in parts])
        if found[0] > 1:  # otherwise the row may be one that training was given
            assert (np.abs(found - exact) < 1).all()


def test_missing_names_the_classes_without_a_row():
    assert subsets.missing(LABELS, np.array([0, 1, 27])) == [1]
    assert subsets.missing(LABELS, np.array([], int)) == [0, 1, 2]


@pytest.mark.parametrize(
    "fractions, text",
    [
        ((0.7, 0.2, 0.2), "0.7,0.2,0.2"),
        ((0.334, 0.334, 0.334), "0.334,0.334,0.334"),
        ((0.9, 0.2, -0.1), "0.9,0.2,-0.1"),
        ((0, 0.5, 0.5), "0,0.5,0.5"),
        ((0.5, 0.5), "0.5,0.5"),
        ((float("nan"), 0.5, 0.5), "nan,0.5,0.5"),
        ((float("inf"), 0.5, 0.5), "inf,0.5,0.5"),
        ((), ""),
    ],
)
def test_fractions_that_are_none_are_refused(fractions, text):
    with pytest.raises(InputError, match=f"--split={text}: expected .* whose sum is at most 1"):
        subsets.stratified(LABELS, fractions)


def test_thirds_are_fractions_though_their_sum_is_rounded():
    assert len(subsets.stratified(LABELS, (0.1, 0.2, 0.7))[0]) == 4  # 2, 1 of 0.7, 1 given
    subsets.stratified(LABELS, (1 / 3, 1 / 3, 1 / 3))


def test_of_a_sum_below_1_the_other_rows_of_each_class_are_left_out():
    # 20 rows: 4, 1, 5, 10. 7 rows: 1.4, 0.35, 1.75, 3.5; whole rows 1, 0, 1, 3, and the two left go
    # to 0.75 and 0.5. 1 row: 0.2, 0.05, 0.25, 0.5; it would be left out, and training is given it.
    parts = subsets.stratified(LABELS, (0.2, 0.05, 0.25), seed=3)
    assert counts(LABELS, parts) == [[4, 1, 1], [1, 0, 0], [5, 2, 0]]
    assert len(np.unique(np.concatenate(parts))) == 14


def test_a_bad_seed_and_bad_labels_are_refused():
    with pytest.raises(InputError, match="seed is -1"):
        subsets.stratified(LABELS, seed=-1)
    with pytest.raises(InputError, match="expected one integer per row"):
        subsets.stratified(np.array(["a", "b"]))
