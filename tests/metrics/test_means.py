"""Deviations and intervals of means against scipy and by hand."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from kd_jax.metrics import means


def test_sample_deviation_divides_by_n_minus_one():
    # 1, 2, 3, 4: squares of distances to 2.5 sum to 5; 5/3 = 1.6667
    assert means.mean_sd([1, 2, 3, 4]) == pytest.approx((2.5, math.sqrt(5 / 3)))


def test_the_half_width_of_a_mean_is_students():
    values = [3.0, 4.5, 5.0, 8.0]
    low, high = scipy_stats.t.interval(0.95, 3, np.mean(values), scipy_stats.sem(values))
    assert means.half_width(values) == pytest.approx((high - low) / 2)
    assert means.half_width([3.0]) == 0.0


def test_an_interval_ends_where_a_mean_cannot_be():
    """99 and 100: 99.5 ± 12.706 · 0.5."""
    assert means.interval([99.0, 100.0]) == pytest.approx((93.147, 105.853), abs=1e-3)
    assert means.interval([99.0, 100.0], means.PERCENT) == pytest.approx((93.147, 100.0), abs=1e-3)
    assert means.interval([7.0]) == (7.0, 7.0)
