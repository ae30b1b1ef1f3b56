"""Measures of ranked lists are SciPy's and scikit-learn's, list by list, and formulas by hand."""

import numpy as np
import pytest
from scipy import stats

from kd_jax.metrics import rankings

NONE = -np.inf


@pytest.fixture
def lists():
    """40 lists of 2 to 6 passages; of half, scores are whole numbers, so that some are equal."""
    random = np.random.default_rng(0)
    ours, theirs = random.normal(size=(2, 40, 6))
    ours[::2], theirs[::2] = np.round(ours[::2]), np.round(theirs[::2])
    theirs[np.arange(6) >= random.integers(2, 7, (40, 1))] = NONE
    return ours, theirs


def of_each(ours, theirs):
    return [(a[b > NONE], b[b > NONE]) for a, b in zip(ours, theirs)]


def test_agreement_is_scipys(lists):
    found = rankings.kendall(*lists)
    for number, (a, b) in zip(found, of_each(*lists)):
        wanted = stats.kendalltau(a, b).statistic  # NaN where all are equal
        assert number == pytest.approx(np.nan_to_num(wanted), abs=1e-12)


def test_the_rank_of_the_positive_counts_what_is_not_below_it(lists):
    found = rankings.reciprocal_rank(*lists)
    for number, (a, _) in zip(found, of_each(*lists)):
        assert number == 1 / stats.rankdata(-a, method="max")[0]


def test_gain_is_scikit_learns_where_no_two_are_equal(lists):
    metrics = pytest.importorskip("sklearn.metrics")
    ours, theirs = (x[1::2] for x in lists)
    found = rankings.ndcg(ours, theirs)
    for number, (a, b) in zip(found, of_each(ours, theirs)):
        assert number == pytest.approx(metrics.ndcg_score([b - b.min()], [a]))


def test_gain_by_hand():
    """Gains 3, 0, 1 of scores 5, 2, 3. Equal scores stand in the worse order; equal gains are 1."""
    theirs = np.array([[5.0, 2, 3, NONE]] * 3 + [[4, 4, 4, 4]])
    ours = np.array([[1.0, 3, 2, 9], [2, 2, 1, 9], [3, 1, 2, 9], [1, 2, 3, 4]])
    best = 3 + 1 / np.log2(3)
    wanted = [(1 / np.log2(3) + 3 / 2) / best, (3 / np.log2(3) + 1 / 2) / best, 1, 1]
    np.testing.assert_allclose(rankings.ndcg(ours, theirs), wanted)
