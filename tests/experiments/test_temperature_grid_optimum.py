"""The temperature grid's statistics by hand: what T_opt beats, claims about it, its growth."""

import numpy as np
import pytest

from experiments.temperature_grid import optimum
from experiments.temperature_grid.optimum import Optimum
from kd_jax.metrics import statistics

TEMPERATURES = [1.0, 2.0, 4.0, 8.0]
YES, NO, OPEN = statistics.SUPPORTED, statistics.CONTRADICTED, statistics.UNDECIDED


def records(errors):
    """Records of soft targets, errors [S, T] of students of one teacher, in no order."""
    return [
        {"family": "soft targets", "temperature": t, "seed": seed, "test_errors": count}
        for seed, of_seed in reversed([*enumerate(errors)])
        for t, count in zip(TEMPERATURES, of_seed)
    ] + [{"family": "labels only", "seed": 0, "test_errors": 0}]


def test_a_valley_has_an_optimum():
    # every seed falls by 20 to T=2 and rises by 20 and 40 after it, ± 1
    found = optimum.find(records([[30, 10, 30, 50], [31, 10, 29, 50], [30, 11, 30, 51]]))
    assert found == (2.0, (2.0,), (1.0, 4.0, 8.0)) and found.exists and str(found) == "2"
    assert optimum.lies_within(found, 1.5, 3) == YES
    assert optimum.lies_within(found, 2.5, 5) == NO
    assert optimum.lies_within(found, 2, 5) == NO  # the interval is open


def test_a_curve_that_falls_and_stays_has_no_optimum():
    # T=4 is best in the mean (10, against 12 and 11), by differences of either sign
    found = optimum.find(records([[30, 16, 10, 7], [30, 8, 10, 15], [30, 12, 10, 11]]))
    assert found == (4.0, (2.0, 4.0, 8.0), (1.0,)) and not found.exists and str(found) == "2–8"
    assert optimum.lies_within(found, 2.5, 5) == OPEN


@pytest.mark.parametrize("curves", [1, 2, 10])
def test_what_is_beaten_is_corrected_for_temperatures_and_curves(curves):
    """Differences of T=2 to T=1 of mean 5 and s.d. 1: t = 5 √4; to T = 4 and 8 of s.d. 0."""
    from scipy import stats

    spread = np.array([-1, -1, 1, 1]) * np.sqrt(3) / 2
    errors = [[15 + x, 10, 30, 30] for x in spread]
    found = optimum.find(records(errors), curves)
    p = 2 * stats.t.sf(10, 3)  # 0.0021 against 0.05 / (3 curves)
    assert (1.0 in found.beaten) == (p < 0.05 / (3 * curves)) == (curves < 10)


def test_temperatures_that_are_not_beaten_need_not_be_contiguous():
    # T=1 equals the best of T=4 but T=2 between them is clearly worse
    found = optimum.find(records([[10, 30, 10, 30], [11, 31, 10, 30], [9, 30, 10, 31]]))
    assert found.unbeaten == (1.0, 4.0) and str(found) == "1, 4" and not found.exists


def test_one_seed_shows_no_optimum():
    found = optimum.find(records([[30, 10, 30, 50]]))
    assert found == (2.0, (1.0, 2.0, 4.0, 8.0), ()) and not found.exists
    assert optimum.lies_within(found, 1.5, 3) == OPEN


def test_one_contradiction_decides_a_claim_about_all():
    assert optimum.together([YES, YES]) == YES
    assert optimum.together([YES, OPEN]) == OPEN
    assert optimum.together([OPEN, NO, YES]) == NO


def of(*unbeaten):
    return Optimum(unbeaten[0], unbeaten)


def test_an_optimum_grows_where_what_is_unbeaten_moves_up():
    assert optimum.grows([of(1), of(1, 3), of(3, 8)]) == YES
    assert optimum.grows([of(8), of(1, 3), of(3)]) == NO
    assert optimum.grows([of(1, 3), of(3, 8)]) == OPEN  # 3 may be the best of both
    assert optimum.grows([of(1), of(3), of(1)]) == OPEN  # up and down
    assert optimum.grows([of(1)]) == OPEN
