"""Where a curve of errors over temperature is lowest, and whether it is lowest anywhere.

T_opt, the temperature with the least mean test errors, describes the curve; nothing is chosen by
it. What is known of it is the set of temperatures that it does not beat.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.temperature_grid.rows import SOFT
from kd_jax.metrics import statistics
from kd_jax.report import differences, grouped

ABOUT = (
    "T_opt is the temperature with the least mean test errors: it describes the curve, and no row "
    "is chosen by it. Not beaten: the\ntemperatures that it does not beat, corrected for all "
    "temperatures and lines of the table (Bonferroni); where the lowest or\nthe highest is among "
    "them, the curve was not seen to turn and there is no optimum.\n"
)


class Optimum(NamedTuple):
    """T_opt, and the temperatures that cannot be told from it.

    value: the temperature with the least mean errors, the lowest of equals.
    unbeaten: those that it does not beat, itself among them, ascending.
    beaten: the others, ascending.
    """

    value: float
    unbeaten: tuple[float, ...]
    beaten: tuple[float, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether the lowest and the highest temperature are beaten: the curve falls and rises."""
        low, high = min(self.unbeaten), max(self.unbeaten)
        return any(t < low for t in self.beaten) and any(t > high for t in self.beaten)

    def __str__(self):
        """'2–20', or '1, 3, 8' where a temperature between them is beaten."""
        low, high = min(self.unbeaten), max(self.unbeaten)
        if low == high or any(low < t < high for t in self.beaten):
            return ", ".join(f"{t:g}" for t in self.unbeaten)
        return f"{low:g}–{high:g}"

    def cells(self) -> tuple[str, str, str]:
        """Of a table: T_opt, what it does not beat, whether it is one."""
        return f"{self.value:g}", str(self), "optimum" if self.exists else "no optimum"


def find(records: list[dict], curves: int = 1) -> Optimum:
    """The Optimum of the soft targets among the records of one data set and width.

    Of K temperatures, one is beaten if the interval of level 1 − 0.05/(curves (K − 1)) of its
    difference to T_opt lies above zero. In 95 of 100 tables the temperature of the least expected
    errors is among the unbeaten ones of every curve: it is missed only where it is beaten by one of
    K − 1 others, and Bonferroni's inequality adds these up.

    Args:
        records: among them those of the soft targets.
        curves: how many stand in the table.

    Source: Hsu 1981, Simultaneous Confidence Intervals for all Distances from the "Best".
    """
    soft = grouped.by("temperature", (r for r in records if r.get("family") == SOFT))
    by_temperature = {t: sorted(soft[t], key=grouped.seeds) for t in sorted(soft)}
    mean = {t: np.mean(grouped.values(of, "test_errors")) for t, of in by_temperature.items()}
    value = min(mean, key=lambda t: mean[t])
    level = 1 - 0.05 / (curves * max(1, len(mean) - 1))
    beaten = [t for t, of in by_temperature.items() if _beats(by_temperature[value], of, level)]
    return Optimum(value, tuple(t for t in mean if t not in beaten), tuple(beaten))


def _beats(ours, theirs, level):
    test = differences.compared(ours, theirs, "test_errors", lower_is_better=True)
    return test is not None and test(level=level).verdict == statistics.BEATS


def lies_within(optimum: Optimum, low: float, high: float) -> str:
    """Whether T_opt lies in the open interval (low, high).

    SUPPORTED when all unbeaten temperatures do, CONTRADICTED when none does, else UNDECIDED.
    """
    inside = [low < t < high for t in optimum.unbeaten]
    if all(inside):
        return statistics.SUPPORTED
    return statistics.UNDECIDED if any(inside) else statistics.CONTRADICTED


def together(verdicts: Sequence[str]) -> str:
    """The verdict on a claim about all cases: one contradiction suffices against it."""
    if statistics.CONTRADICTED in verdicts:
        return statistics.CONTRADICTED
    return (
        statistics.SUPPORTED
        if all(v == statistics.SUPPORTED for v in verdicts)
        else statistics.UNDECIDED
    )


def grows(optima: Sequence[Optimum]) -> str:
    """Whether T_opt grows along the optima.

    SUPPORTED when somewhere all unbeaten temperatures lie above all of an earlier one, and nowhere
    below; CONTRADICTED the other way round; else UNDECIDED.
    """
    pairs = [(a.unbeaten, b.unbeaten) for i, a in enumerate(optima) for b in optima[i + 1 :]]
    up = any(max(a) < min(b) for a, b in pairs)
    down = any(max(b) < min(a) for a, b in pairs)
    if up == down:
        return statistics.UNDECIDED
    return statistics.SUPPORTED if up else statistics.CONTRADICTED
