"""The temperature grid's statistics by hand: the optimum of a curve, its interval, its growth."""

import numpy as np
import pytest

from experiments.temperature_grid import optimum
from kd_jax.metrics import bootstrap, statistics

TEMPERATURES = [1.0, 2.0, 4.0, 8.0]


def test_a_valley_has_an_optimum():
    # every seed falls by 20 to T=2 and rises by 20 and 40 after it, ± 1
    errors = np.array([[30, 10, 30, 50], [31, 10, 29, 50], [30, 11, 30, 51]])
    found = optimum.find(errors, TEMPERATURES)
    assert found == (2.0, 2.0, 2.0, (2.0, 2.0), True)
    assert optimum.lies_within(found, 1.5, 3) == statistics.SUPPORTED
    assert optimum.lies_within(found, 2.5, 5) == statistics.CONTRADICTED
    assert optimum.lies_within(found, 2, 5) == statistics.CONTRADICTED  # the interval is open


def test_a_curve_that_falls_and_stays_has_no_optimum():
    # T=4 is best in the mean (10, against 12 and 11), by differences of either sign
    errors = np.array([[30, 16, 10, 7], [30, 8, 10, 15], [30, 12, 10, 11]])
    assert optimum.flat_range(errors) == (1, 3)
    found = optimum.find(errors, TEMPERATURES)
    assert found.value == 4 and found.flat == (2.0, 8.0) and not found.exists
    # some resamples take only the first seed, whose best is T=8, or the second's, T=2
    assert (found.low, found.high) == (2.0, 8.0)
    assert optimum.lies_within(found, 2.5, 5) == statistics.UNDECIDED


def test_the_flat_range_is_contiguous():
    # T=1 equals the best of T=4 but T=2 between them is clearly worse
    errors = np.array([[10, 30, 10, 30], [11, 31, 10, 30], [9, 30, 10, 31]])
    assert optimum.flat_range(errors[:, [2, 1, 0, 3]])[0] == 0
    assert optimum.flat_range(errors) == (0, 0)


def test_one_seed_shows_no_optimum():
    found = optimum.find([[30, 10, 30, 50]], TEMPERATURES)
    assert found.value == 2 and found.flat == (1.0, 8.0) and not found.exists
    assert optimum.lies_within(found, 1.5, 3) == statistics.UNDECIDED


def test_one_contradiction_decides_a_claim_about_all():
    yes, no, open_ = statistics.SUPPORTED, statistics.CONTRADICTED, statistics.UNDECIDED
    assert optimum.together([yes, yes]) == yes
    assert optimum.together([yes, open_]) == open_
    assert optimum.together([open_, no, yes]) == no


def by_width(places):
    """Errors [3, W, 4], T_opt of width w being TEMPERATURES[places[w]] for every seed."""
    return np.stack([1.0 - np.eye(4)[list(places)]] * 3)


def test_growth_of_the_optimum_with_width():
    widths = [10, 20, 40]
    # T_opt 1, 2, 4 at widths 10, 20, 40: T_opt is proportional to the width
    assert optimum.slope(by_width([0, 1, 2]), TEMPERATURES, widths) == pytest.approx(1)
    # 8, 4, 4: logs 3, 2, 2 at −1, 0, 1: slope (−3 + 2) / 2; ranks 3, 1½, 1½: −1.5 / √(2 · 1.5)
    falling = by_width([3, 2, 2])
    assert optimum.slope(falling, TEMPERATURES, widths) == pytest.approx(-0.5)
    expected = -1.5 / np.sqrt(3)
    assert optimum.rank_correlation(falling, TEMPERATURES, widths) == pytest.approx(expected)
    constant = by_width([1, 1, 1])
    assert optimum.slope(constant, TEMPERATURES, widths) == 0
    assert optimum.rank_correlation(constant, TEMPERATURES, widths) == 0


def test_growth_is_supported_by_its_interval_alone():
    assert optimum.sign(bootstrap.Interval(0.3, 0.1, 0.5)) == statistics.SUPPORTED
    assert optimum.sign(bootstrap.Interval(0.3, 0.0, 0.5)) == statistics.UNDECIDED
    assert optimum.sign(bootstrap.Interval(-0.3, -0.5, -0.1)) == statistics.CONTRADICTED
    assert optimum.sign(bootstrap.Interval(0.3, np.nan, np.nan)) == statistics.UNDECIDED
