"""Levels of intervals and verdicts, and the quantiles of Student's t that belong to them."""

from kd_jax.errors import require


def check_level(level: float) -> None:
    """InputError unless a level, of an interval or of verdicts, lies between 0 and 1."""
    require(0 < level < 1, f"level is {level}: expected between 0 and 1, like 0.95")


def student_t(freedom: float, level: float) -> float:
    """The quantile of Student's t that cuts off half of what a level leaves.

    Args:
        freedom: Degrees of it.
        level: Between 0 and 1.
    """
    from scipy import special  # here, as its import takes a quarter of a second of every start

    return float(special.stdtrit(freedom, (1 + level) / 2))
