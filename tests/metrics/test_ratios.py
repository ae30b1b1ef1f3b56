"""Fieller's interval against its definition, one case by hand, and its coverage."""

import numpy as np
import pytest
from scipy import stats

from kd_jax.errors import InputError
from kd_jax.metrics import ratios


def test_one_ratio_by_hand():
    # a/b = 2/4; v_aa = t² · 2/2 = t², v_bb = v_ab = 0 with b = 4 always: (2 ± t)/4, t = 12.706
    t = float(stats.t.ppf(0.975, 1))
    found = ratios.fieller([1.0, 3.0], [4.0, 4.0])
    assert found == pytest.approx((0.5, (2 - t) / 4, (2 + t) / 4))


def test_the_ends_are_where_students_test_just_rejects():
    random = np.random.default_rng(5)
    b = 3 + random.normal(size=6)
    a = 1.5 + 0.4 * b + 0.3 * random.normal(size=6)
    found = ratios.fieller(a, b)
    for end in (found.low, found.high):
        assert stats.ttest_1samp(a - end * b, 0).pvalue == pytest.approx(0.05)
    assert found.low < a.mean() / b.mean() < found.high


def test_what_has_no_interval():
    assert np.isnan(ratios.fieller([1.0], [2.0])[1:]).all()
    assert np.isnan(ratios.fieller([1.0, 2.0, 3.0], [-1.0, 2.0, 0.5])[1:]).all()  # b may be zero
    assert np.isnan(ratios.fieller([1.0, 2.0], [0.0, 0.0])).all()
    for wrong in ([], [1.0, 2.0, 3.0]):
        with pytest.raises(InputError, match="one of each for every pair"):
            ratios.fieller(wrong, [1.0, 2.0])


@pytest.mark.parametrize("count", [3, 5])
def test_it_covers_the_true_ratio(count):
    random = np.random.default_rng(11)
    b = 4 + 0.5 * random.normal(size=(4000, count))
    a = 0.5 * b + random.normal(size=b.shape) * 0.5  # true ratio: a half
    inside = [
        found.low <= 0.5 <= found.high
        for found in map(ratios.fieller, a, b)
        if not np.isnan(found.low)
    ]
    assert len(inside) > 3900 and 0.935 <= np.mean(inside) <= 0.965
