"""Intervals of ratios of means, like the share of an ensemble's gain that a student keeps."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from kd_jax.errors import require
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
