"""Transfer sets: which rows a student is shown."""

import numpy as np
import pytest

from kd_jax.data import subsets
from kd_jax.errors import InputError

LABELS = np.array([3, 1, 3, 2, 1, 3], np.int32)
MANY = np.repeat(np.arange(10), np.arange(20, 120, 10))  # 20 zeros, 30 ones, …, 110 nines


def test_omitted_classes_never_occur():
    assert subsets.omit(LABELS, [3]).tolist() == [1, 3, 4]
    assert subsets.omit(LABELS, [3, 2]).tolist() == [1, 4]
    assert subsets.omit(LABELS, []).tolist() == [0, 1, 2, 3, 4, 5]


def test_only_kept_classes_occur():
    assert subsets.keep(LABELS, (1, 2)).tolist() == [1, 3, 4]


def test_a_fraction_is_taken_of_every_class():
    rows = subsets.fraction(MANY, 0.1, seed=0)
    assert np.bincount(MANY[rows]).tolist() == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert (np.diff(rows) > 0).all()
    assert subsets.fraction(MANY, 1, seed=0).tolist() == list(range(len(MANY)))


def test_a_smaller_fraction_is_part_of_a_larger_one_and_the_seed_decides():
    small, large = (subsets.fraction(MANY, f, seed=4) for f in (0.1, 0.25))
    assert set(small) < set(large)
    np.testing.assert_array_equal(small, subsets.fraction(MANY, 0.1, seed=4))
    assert set(small) != set(subsets.fraction(MANY, 0.1, seed=5))


def test_held_out_rows_and_the_rest_are_all_rows():
    rest, held = subsets.held_out(MANY, 5, seed=1)
    assert np.bincount(MANY[held]).tolist() == [5] * 10
    assert np.sort(np.concatenate([rest, held])).tolist() == list(range(len(MANY)))
    assert (np.diff(rest) > 0).all() and (np.diff(held) > 0).all()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: subsets.omit(LABELS, [7]), "class 7 does not occur: the labels are 1, 2, 3"),
        (lambda: subsets.omit(LABELS, [1, 2, 3]), "leaves no row"),
        (lambda: subsets.omit(LABELS, [1, 1]), "one stands there twice"),
        (lambda: subsets.omit(LABELS, [2.5]), "2.5.*expected integers"),
        (lambda: subsets.keep(LABELS, [0, 3]), "class 0 does not occur"),
        (lambda: subsets.keep(LABELS, []), "name at least one"),
        (lambda: subsets.keep(LABELS.reshape(2, 3), [1]), "one integer per row"),
        (lambda: subsets.keep(LABELS.astype(float), [1]), "one integer per row"),
        (lambda: subsets.keep(LABELS[:0], [1]), "one integer per row"),
        (lambda: subsets.fraction(LABELS, 0.0, 0), "expected above 0"),
        (lambda: subsets.fraction(LABELS, 1.1, 0), "at most 1"),
        (lambda: subsets.fraction(LABELS, float("nan"), 0), "fraction is nan"),
        (lambda: subsets.fraction(LABELS, 0.3, 0), "of class 2 is none: expected at least 0.5"),
        (lambda: subsets.fraction(LABELS, 0.5, -1), "seed is -1"),
        (lambda: subsets.held_out(LABELS, 0, 0), "0 rows per class"),
        (lambda: subsets.held_out(LABELS, 1, 0), "class 2 has 1 rows"),
        (lambda: subsets.held_out(MANY, 5, 0.5), "seed is 0.5"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
