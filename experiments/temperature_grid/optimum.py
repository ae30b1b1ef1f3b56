"""Where a curve of errors over temperature is lowest, and whether it is lowest anywhere.

T_opt, the temperature with the least mean test errors, is a statistic that describes the curve;
nothing is chosen by it. Errors are arrays [S, T], one row per seed, temperatures ascending.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from kd_jax.metrics import bootstrap, statistics


class Optimum(NamedTuple):
    """T_opt with its bootstrap interval, and the temperatures that cannot be told from it.

    flat: (lowest, highest) temperature of the contiguous range around T_opt in which every paired
    95 % interval against T_opt includes zero. exists: whether that range ends on both sides before
    the temperatures do, so that the curve was seen to fall and to rise.
    """

    value: float
    low: float
    high: float
    flat: tuple[float, float]
    exists: bool


def best(errors: Float[np.ndarray, "S T"], temperatures: list[float]) -> float:
    """The temperature with the least mean errors, the lowest of equals."""
    return temperatures[int(np.argmin(np.mean(errors, axis=0)))]


def flat_range(errors: Float[np.ndarray, "S T"]) -> tuple[int, int]:
    """(first, last) index of the contiguous range around the best one that it does not BEAT.

    With one seed no interval excludes anything, and the range is everything. The best one is
    lucky in part, so the range is rather too short than too long.
    """
    errors = np.asarray(errors, np.float64)
    middle = int(np.argmin(errors.mean(0)))
    level = [
        statistics.paired(errors[:, middle], column).verdict != statistics.BEATS
        for column in errors.T
    ]
    level[middle] = True  # no difference from itself
    first = last = middle
    while first > 0 and level[first - 1]:
        first -= 1
    while last < len(level) - 1 and level[last + 1]:
        last += 1
    return first, last


def find(errors: Float[np.ndarray, "S T"], temperatures: list[float]) -> Optimum:
    """The Optimum of errors [S, T]."""
    value, low, high = bootstrap.percentile(errors, lambda e: best(e, temperatures))
    first, last = flat_range(errors)
    exists = 0 < first and last < len(temperatures) - 1
    return Optimum(value, low, high, (temperatures[first], temperatures[last]), exists)


def lies_within(optimum: Optimum, low: float, high: float) -> str:
    """Whether T_opt lies in the open interval (low, high), as far as its intervals tell.

    SUPPORTED when there is an optimum and its bootstrap interval lies inside, CONTRADICTED when
    that interval lies outside, else UNDECIDED.
    """
    if optimum.exists and low < optimum.low and optimum.high < high:
        return statistics.SUPPORTED
    if optimum.high <= low or optimum.low >= high:
        return statistics.CONTRADICTED
    return statistics.UNDECIDED


def together(verdicts: list[str]) -> str:
    """The verdict on a claim about all cases: one contradiction suffices against it."""
    if statistics.CONTRADICTED in verdicts:
        return statistics.CONTRADICTED
    return (
        statistics.SUPPORTED
        if all(v == statistics.SUPPORTED for v in verdicts)
        else statistics.UNDECIDED
    )


def slope(
    errors: Float[np.ndarray, "S W T"], temperatures: list[float], widths: list[int]
) -> float:
    """Least-squares slope of log T_opt on log width: T_opt grows as width to this power."""
    y = np.log([best(errors[:, w], temperatures) for w in range(len(widths))])
    x = np.log(widths) - np.mean(np.log(widths))
    return float(x @ (y - y.mean()) / (x @ x))


def rank_correlation(
    errors: Float[np.ndarray, "S W T"], temperatures: list[float], widths: list[int]
) -> float:
    """Spearman's correlation of T_opt and width; 0 if T_opt is constant."""
    y = rankdata([best(errors[:, w], temperatures) for w in range(len(widths))])
    x = rankdata(widths)
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y / np.sqrt((x @ x) * (y @ y))) if y.any() else 0.0


def sign(interval: bootstrap.Interval) -> str:
    """Whether a growth is above zero: SUPPORTED, CONTRADICTED below it, else UNDECIDED."""
    if interval.low > 0:
        return statistics.SUPPORTED
    return statistics.CONTRADICTED if interval.high < 0 else statistics.UNDECIDED
