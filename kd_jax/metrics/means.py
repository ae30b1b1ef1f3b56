"""Means over seeds: their deviation and their 95 % interval."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from kd_jax.metrics.levels import student_t

PERCENT, ANY = (0.0, 100.0), (-math.inf, math.inf)  # what a mean can be


def mean_sd(values: Sequence[float] | Float[np.ndarray, " S"]) -> tuple[float, float]:
    """Mean and sample standard deviation (n − 1).

    Args:
        values: One number per seed.

    Returns:
        (mean, deviation); the deviation of one value is NaN.
    """
    values = np.asarray(values, np.float64)
    sd = values.std(ddof=1) if len(values) > 1 else math.nan
    return float(values.mean()), float(sd)


def half_width(values: Sequence[float] | Float[np.ndarray, " S"], level: float = 0.95) -> float:
    """Half the width of Student's interval of a mean, t_{S−1, (1+level)/2} s / √S.

    Args:
        values: One number per seed, S of them.
        level: Of the interval.

    Returns:
        The half width; 0 for one value, which has none.
    """
    count = len(values)
    if count < 2:
        return 0.0
    return student_t(count - 1, level) * mean_sd(values)[1] / math.sqrt(count)


def interval(
    values: Sequence[float] | Float[np.ndarray, " S"], within: tuple[float, float] = ANY
) -> tuple[float, float]:
    """Ends of the 95 % interval of a mean.

    Args:
        values: One number per seed.
        within: What the mean can be; the interval ends there.

    Returns:
        (low, high); both the value itself for one.
    """
    mean, half = np.mean(values), half_width(values)
    low, high = np.clip([mean - half, mean + half], *within)
    return float(low), float(high)
