"""The rows of the temperature grid, and the numbers of the Harvard APMTH 207 tutorial (2018)."""

from collections.abc import Sequence

GRID, WIDTH, MNIST = "grid", "width", "MNIST"  # the parts
TEACHER, LABELS, SMOOTHED = "teacher", "labels only", "label smoothing"
SOFT, PERMUTED = "soft targets", "permuted teacher"
# part III: test errors of 10,000 on one data set, and the interval that T_opt is said to lie in
PAPER_DATASET, PAPER_ROWS, CLAIMED = "sep 0.2, informative 0.5", 10_000, (2.5, 5.0)
PAPER = {
    TEACHER: 118,
    LABELS: 587,
    f"{SOFT}, T=2": 199,
    f"{SOFT}, T=2.5": 213,
    f"{SOFT}, T=3": 231,
}


def typical(temperatures: Sequence[float], wanted: float) -> float:
    """The temperature that stands for all: the nearest to the wanted one."""
    return min(temperatures, key=lambda t: abs(t - wanted))
