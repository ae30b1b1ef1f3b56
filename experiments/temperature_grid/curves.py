"""Records as curves of errors over temperature."""

import numpy as np
from jaxtyping import Float

from experiments.temperature_grid.rows import SOFT
from kd_jax.report import differences, grouped


def of(records: list[dict], **wanted) -> list[dict]:
    """The records that hold all the wanted values."""
    return [r for r in records if wanted.items() <= r.items()]


def named(records: list[dict], key: str) -> list:
    """The values of `key` in the records, in order of first appearance."""
    return list(dict.fromkeys(record[key] for record in records))


def curve(
    records: list[dict], metric: str = "test_errors"
) -> tuple[Float[np.ndarray, "S T"], list[float]]:
    """(values, temperatures ascending) of the soft targets among the records.

    A line of values for each student, or of means for each teacher where there are several.
    """
    soft = of(records, family=SOFT)
    temperatures = sorted(set(named(soft, "temperature")))
    values = [
        differences.teacher_means(sorted(of(soft, temperature=t), key=grouped.seeds), metric)
        for t in temperatures
    ]
    return np.array(values, float).T, temperatures


def stacked(records: list[dict]) -> tuple[Float[np.ndarray, "S W T"], list[float], list[int]]:
    """(errors, temperatures, widths ascending) of the records of one data set."""
    widths = sorted(named(records, "width"))
    curves = [curve(of(records, width=width)) for width in widths]
    return np.stack([errors for errors, _ in curves], axis=1), curves[0][1], widths
