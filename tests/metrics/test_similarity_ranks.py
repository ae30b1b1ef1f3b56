"""Agreement of two encoders on similarities: SciPy's Spearman text by text, and by hand."""

import numpy as np
import pytest
from scipy import stats

from kd_jax.metrics import similarity_ranks


@pytest.mark.parametrize("most", [1000, 5])
def test_rank_correlations_are_scipys_without_the_text_itself(monkeypatch, most):
    monkeypatch.setattr(similarity_ranks, "ROWS", 4)  # in three parts
    random = np.random.default_rng(0)
    ours, theirs = random.normal(size=(9, 3)), random.normal(size=(9, 5))
    found = similarity_ranks.rank_correlations(ours, theirs, most=most)
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (ours, theirs))
    for row in range(9):
        others = [n for n in range(min(most, 9)) if n != row]
        wanted = stats.spearmanr(a[others] @ a[row], b[others] @ b[row]).statistic
        assert found[row] == pytest.approx(wanted, abs=1e-12)


def test_the_same_order_is_1_whatever_the_lengths_and_no_order_is_0():
    x = np.random.default_rng(1).normal(size=(6, 4))
    np.testing.assert_allclose(similarity_ranks.rank_correlations(x, -3 * x), 1)
    assert not similarity_ranks.rank_correlations(np.ones((6, 2)), x).any()


def test_the_nearest_by_cosine_not_by_distance():
    """(9, 1) is far from (1, 0) but in nearly its direction; (1, 1) is near."""
    known = np.array([[1.0, 1.0], [9.0, 1.0]])
    found = similarity_ranks.nearest(known, np.array([[1.0, 0.0], [2.0, 3.0]]))
    assert found.tolist() == [1, 0]
