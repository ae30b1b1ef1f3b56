"""Intervals of ratios of means, like the share of an ensemble's gain that a student keeps."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from kd_jax.errors import require
from kd_jax.metrics import statistics
from kd_jax.metrics.levels import check_level, student_t


class Ratio(NamedTuple):
    """A ratio of two means and its interval.

    Attributes:
        value: The ratio.
        low: Lower end of the interval; NaN where there is none.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def fieller(
    numerators: Sequence[float] | Float[np.ndarray, " S"],
    denominators: Sequence[float] | Float[np.ndarray, " S"],
    *,
    level: float = 0.95,
) -> Ratio:
    """Ratio of two means over S pairs (a, b), with Fieller's interval.

    The θ with (ā − θ b̄)² ≤ t² (v_aa − 2 θ v_ab + θ² v_bb), where v are the variances and the
    covariance of the means and t = t_{S−1, (1+level)/2}: for each θ, Student's test of a − θ b. One
    pair has no interval, nor has a ratio whose denominator may be zero.

    Args:
        numerators: a, one number per pair.
        denominators: b, in the same order.
        level: Of the interval.

    Returns:
        The ratio and its interval.

    Raises:
        InputError: The lengths differ, there is no pair, or the level is none.

    Source:
        Fieller 1954, Some Problems in Interval Estimation.
    """
    check_level(level)
    count, others = len(numerators), len(denominators)
    one_each = f"{count} numerators, {others} denominators: expected one of each for every pair"
    require(count == others > 0, one_each)
    pairs = np.array([numerators, denominators], np.float64)
    a, b = pairs.mean(1)
    value = float(a / b) if b else math.nan
    if count == 1:
        return Ratio(value, math.nan, math.nan)
    (v_aa, v_ab), (_, v_bb) = student_t(count - 1, level) ** 2 * np.cov(pairs) / count
    square, linear, constant = b**2 - v_bb, a * b - v_ab, a**2 - v_aa
    if square <= 0:  # the denominator may be zero
        return Ratio(value, math.nan, math.nan)
    half = math.sqrt(max(linear**2 - square * constant, 0))
    return Ratio(value, float((linear - half) / square), float((linear + half) / square))


def crossed(
    numerators: Float[np.ndarray, "U N"],
    denominators: Float[np.ndarray, "U N"],
    *,
    level: float = 0.95,
) -> Ratio:
    """Ratio of two means over U students on N test examples, for other students and examples.

    The θ about ā/b̄ for which the interval of `statistics.crossed` of a − θ b holds zero: Fieller's
    interval with that test in the place of Student's, and equal to it where examples are all alike.

    Args:
        numerators: a, of a unit on each example; a unit is a student, or the mean of a teacher's.
        denominators: b, in the same order.
        level: Of the interval.

    Returns:
        The ratio; with one unit or one example, or a denominator that may be zero, there is no
        interval.

    Raises:
        InputError: The shapes differ, there is nothing, or the level is none.

    Source:
        Fieller 1954, Some Problems in Interval Estimation.
    """
    check_level(level)
    a, b = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    same = f"numerators have shape {a.shape} and denominators {b.shape}: expected the same"
    require(a.shape == b.shape and a.ndim == 2 and a.size, f"{same} [students, examples]")
    mean = b.mean()
    value = float(a.mean() / mean) if mean else math.nan

    def beyond(theta):
        """How far zero lies outside the interval at θ, below zero inside."""
        found = statistics.crossed(a - theta * b, level=level)
        return 0.0 if math.isnan(found.low) else abs(found.mean) - found.half_width

    of_lead = statistics.crossed(b, level=level)
    if math.isnan(of_lead.low) or of_lead.low <= 0 <= of_lead.high:
        return Ratio(value, math.nan, math.nan)
    return Ratio(value, *(_crossing(beyond, value, toward) for toward in (-1, 1)))


def _crossing(beyond, inside, toward):
    """The nearest number on one side of one inside that lies at the end of an interval."""
    from scipy import optimize  # here, as its import takes long

    if beyond(inside) >= 0:  # an interval of no width, up to rounding
        return inside
    step = 1e-3 * max(1.0, abs(inside))
    while beyond(inside + toward * step) <= 0:
        inside, step = inside + toward * step, 2 * step
    ends = sorted((inside, inside + toward * step))
    return float(optimize.brentq(beyond, *ends, xtol=1e-9))
