"""What several seeds say: mean, spread, paired difference, verdict."""

import math
from typing import NamedTuple

import numpy as np
from scipy import special

BEATS, WORSE, INCONCLUSIVE = "BEATS", "WORSE", "INCONCLUSIVE"  # of a row against its baseline
SUPPORTED, CONTRADICTED, UNDECIDED = "SUPPORTED", "CONTRADICTED", "UNDECIDED"  # of a claim
REACHED, FALLS_SHORT = "REACHED", "FALLS SHORT"  # of an aim


class Paired(NamedTuple):
    """Mean difference to a baseline over paired seeds, its 95 % interval and what it says."""

    mean: float
    low: float
    high: float
    verdict: str

    @property
    def half_width(self):
        """Half the width of the interval."""
        return (self.high - self.low) / 2


def mean_sd(values):
    """Mean and sample standard deviation (n − 1); the deviation of one value is NaN."""
    values = np.asarray(values, np.float64)
    sd = values.std(ddof=1) if len(values) > 1 else math.nan
    return float(values.mean()), float(sd)


def paired(values, baseline, *, lower_is_better=True, level=0.95):
    """The paired difference values − baseline with Student's t interval.

    mean(d) ± t_{n−1, (1+level)/2} · sd(d)/√n, with d the differences seed by seed. BEATS when the
    whole interval lies on the better side of zero, WORSE when on the other, else INCONCLUSIVE;
    with one seed there is no interval (NaN) and the verdict is INCONCLUSIVE.

    Args: values, baseline: one number per seed, in the same order.
    Raises: ValueError on different lengths or no value.
    Source: Student 1908, The Probable Error of a Mean.
    """
    values, baseline = np.asarray(values, np.float64), np.asarray(baseline, np.float64)
    if values.shape != baseline.shape or values.size == 0:
        raise ValueError(f"values have shape {values.shape} and baseline {baseline.shape}")
    mean, sd = mean_sd(values - baseline)
    n = len(values)
    half = special.stdtrit(n - 1, (1 + level) / 2) * sd / math.sqrt(n) if n > 1 else math.nan
    low, high = mean - half, mean + half
    better, worse = (high < 0, low > 0) if lower_is_better else (low > 0, high < 0)
    verdict = BEATS if better else WORSE if worse else INCONCLUSIVE
    return Paired(mean, float(low), float(high), verdict)


def half_width(values):
    """Half the width of the 95 % interval of a mean; 0 for one value, which has none."""
    return 0.0 if len(values) < 2 else paired(values, [0] * len(values)).half_width


class Interval(NamedTuple):
    """A statistic of the seeds at hand and its bootstrap interval."""

    value: float
    low: float
    high: float


def bootstrap(values, statistic, *, level=0.95, draws=2000, seed=0):
    """The statistic of values [S, …] and its percentile interval over resampled seeds.

    The S seeds are drawn S times with replacement, whole: what was paired stays paired. The bounds
    are the (1 ∓ level)/2 quantiles of `draws` such statistics, as values that occurred (inverted
    distribution function), so an interval of temperatures ends at temperatures. With one seed
    there is no interval (NaN).

    Args: statistic: values [S, …] -> a number; seed of the resampling.
    Raises: ValueError without any seed.
    Source: Efron 1979, Bootstrap Methods: Another Look at the Jackknife.
    """
    values = np.asarray(values, np.float64)
    count = len(values)
    if count == 0:
        raise ValueError("values hold no seed")
    value = float(statistic(values))
    if count == 1:
        return Interval(value, math.nan, math.nan)
    chosen = np.random.default_rng(seed).integers(count, size=(draws, count))
    found = [statistic(values[rows]) for rows in chosen]
    tails = ((1 - level) / 2, (1 + level) / 2)
    low, high = np.quantile(found, tails, method="inverted_cdf")
    return Interval(value, float(low), float(high))
