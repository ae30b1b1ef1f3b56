"""Bootstrap intervals of statistics without a formula, like the temperature of the least error."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped

from kd_jax.errors import require
from kd_jax.metrics.statistics import check_level


class Interval(NamedTuple):
    """A statistic of the seeds at hand and its bootstrap interval.

    Attributes:
        value: The statistic.
        low: Lower end of the interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def percentile(
    values: Shaped[np.ndarray, "S ..."],
    statistic: Callable[[np.ndarray], float],
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval of a statistic over resampled seeds.

    The S seeds are drawn S times with replacement, whole: what was paired stays paired. The bounds
    are the (1 ∓ level)/2 quantiles of `draws` such statistics, as values that occurred (inverted
    distribution function), so an interval of temperatures ends at temperatures. With one seed
    there is no interval (NaN).

    Args:
        values: One row per seed.
        statistic: values [S, …] -> a number; the order of the rows must not matter to it.
        level: Of the interval.
        draws: Number of resamples.
        seed: Of the resampling.

    Returns:
        The statistic and its interval.

    Raises:
        InputError: If there is no seed, or the level is none.

    Source:
        Efron 1979, Bootstrap Methods: Another Look at the Jackknife.
    """
    check_level(level)
    values = np.asarray(values, np.float64)
    count = len(values)
    require(count, "values hold no seed: expected a row for each")
    value = float(statistic(values))
    if count == 1:
        return Interval(value, math.nan, math.nan)
    chosen = np.random.default_rng(seed).integers(count, size=(draws, count))
    # five seeds have 126 resamples that differ in more than the order of their rows
    chosen, each = np.unique(np.sort(chosen), axis=0, return_inverse=True)
    found = np.array([statistic(values[rows]) for rows in chosen])[each.ravel()]
    tails = ((1 - level) / 2, (1 + level) / 2)
    low, high = np.quantile(found, tails, method="inverted_cdf")
    return Interval(value, float(low), float(high))
