"""What judges a cell of a table that has no verdict of its own: shares, levels, quantities.

Each takes the cell, and of a quotient the cell that it is divided by, and returns a verdict.
"""

import re
from collections.abc import Callable

from kd_jax.errors import InputError
from kd_jax.metrics.statistics import BEATS, EQUIVALENT, INCONCLUSIVE, WORSE

Judge = Callable[..., str]
INTERVAL = re.compile(r"\[(\S+), (\S+)\]")
QUANTITY = re.compile(r"[+-]?[\d,.]+(e[+-]?\d+)?")


def above(least: float) -> Judge:
    """BEATS where the interval, or a quantity that has none, lies above a number.

    Args:
        least: The number.
    """

    def judge(cell: str) -> str:
        low, high = _ends(cell)
        return BEATS if low > least else WORSE if high <= least else INCONCLUSIVE

    return judge


def at_most(most: float) -> Judge:
    """BEATS where a quantity without an interval, as the error of an equation, is at most this.

    Args:
        most: What it may be.
    """
    return lambda cell: BEATS if _quantity(cell) <= most else WORSE


def near(level: float, within: float) -> Judge:
    """EQUIVALENT where the interval lies within a margin of a published level.

    BEATS and WORSE where the interval lies beyond the margin, above and below; else INCONCLUSIVE.

    Args:
        level: The published number.
        within: The margin, in its unit, stated with the reason for it.
    """

    def judge(cell: str) -> str:
        low, high = _ends(cell)
        if level - within < low and high < level + within:
            return EQUIVALENT
        return BEATS if low > level + within else WORSE if high < level - within else INCONCLUSIVE

    return judge


def quotient(least: float, most: float) -> Judge:
    """EQUIVALENT where a cell divided by another lies between two numbers, else WORSE.

    Args:
        least: The smaller one.
        most: The other.
    """
    return lambda cell, other: (
        EQUIVALENT if least <= _quantity(cell) / _quantity(other) <= most else WORSE
    )


def undecided(*_: str) -> str:
    """INCONCLUSIVE: of numbers side by side, on whose difference the table says nothing."""
    return INCONCLUSIVE


def _ends(cell):
    """The ends of the interval of a cell; of one without, its quantity twice."""
    found = INTERVAL.search(cell.replace("−", "-").replace("%", ""))
    return tuple(map(float, found.groups())) if found else (_quantity(cell),) * 2


def _quantity(cell):
    """The number that a cell begins with."""
    found = QUANTITY.match(cell.replace("−", "-"))
    if found is None:
        raise InputError(f"claims: {cell!r} is no number")
    return float(found[0].replace(",", ""))
