"""Shares, levels and quantities are judged by their interval, or by the number alone."""

import pytest

from kd_jax.errors import InputError
from kd_jax.metrics.statistics import BEATS, EQUIVALENT, INCONCLUSIVE, WORSE
from kd_jax.report import judges


@pytest.mark.parametrize("cell, least, verdict", [
    ("40 % [30, 50]", 20, BEATS), ("40 % [30, 50]", 40, INCONCLUSIVE), ("40 % [30, 50]", 60, WORSE),
    ("−4 % [−9, −3]", 0, WORSE), ("14.3×", 1, BEATS), ("0.9×", 1, WORSE), ("1,200", 999, BEATS),
])  # fmt: skip
def test_above(cell, least, verdict):
    assert judges.above(least)(cell) == verdict


@pytest.mark.parametrize("cell, most, verdict", [
    ("9.9", 9.9, BEATS), ("9.9", 9.8, WORSE), ("8.9e−08", 1e-7, BEATS), ("8.9e−08", 8e-8, WORSE),
])  # fmt: skip
def test_at_most(cell, most, verdict):
    assert judges.at_most(most)(cell) == verdict


@pytest.mark.parametrize("cell, verdict", [
    ("48.8% [40.9%, 56.6%]", EQUIVALENT),  # inside 38 to 58
    ("45.3% [33.5%, 57.1%]", INCONCLUSIVE),  # below the margin it may be
    ("70.0% [58.1%, 81.9%]", BEATS), ("30.0% [25.0%, 35.0%]", WORSE),
    ("60.0% [57.0%, 63.0%]", INCONCLUSIVE),
])  # fmt: skip
def test_near_a_published_level(cell, verdict):
    assert judges.near(48, within=10)(cell) == verdict


def test_a_quotient_lies_between_two_numbers():
    judge = judges.quotient(0.14, 0.18)
    assert judge("0.005394", "0.033723") == EQUIVALENT
    assert judge("13.4851", "13.4894") == WORSE


def test_what_is_no_number_is_named():
    with pytest.raises(InputError, match="'–' is no number"):
        judges.above(1)("–")
