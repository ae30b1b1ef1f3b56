"""What several seeds say: mean, spread, paired difference, verdict."""

import math
from typing import NamedTuple

import numpy as np
from scipy import special

BEATS, WORSE, INCONCLUSIVE = "BEATS", "WORSE", "INCONCLUSIVE"


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
