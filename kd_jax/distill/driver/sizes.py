"""How large a student is, and how much larger its teacher: one line for whoever deploys it."""

from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax.distill.driver.named_teachers import is_network
from kd_jax.metrics import cost
from kd_jax.models import Model


class Size(NamedTuple):
    """What a network costs: its parameters, and its multiply-adds for one row."""

    parameters: int
    multiply_adds: int


def of(model: Model, inputs: np.ndarray) -> Size:
    """The Size of a network; nothing is computed.

    Args:
        model: The network.
        inputs: Of one or more rows.
    """
    variables = jax.eval_shape(model.init, jax.eval_shape(lambda: jax.random.key(0)))
    count = cost.parameters(variables["params"])
    return Size(count, cost.multiply_adds(model.apply, variables, inputs[:1]))


def line(student: Model, teacher: Any, inputs: np.ndarray) -> str:
    """The student's Size, and that of a teacher that is a Network, in times where it is larger.

    Args:
        student: The network of all students.
        teacher: A Network; of anything else nothing is known.
        inputs: Of one or more rows.
    """
    ours = of(student, inputs)
    said = (
        f"A student has {ours.parameters:,} parameters, {ours.multiply_adds:,} multiply-adds a row"
    )
    if not is_network(teacher):
        return f"{said}."
    theirs = of(teacher.model, inputs)
    if theirs.parameters < ours.parameters or theirs.multiply_adds < ours.multiply_adds:
        return f"{said}; the teacher {theirs.parameters:,} and {theirs.multiply_adds:,}."
    times = [f"{large / small:,.3g}" if small else "∞" for large, small in zip(theirs, ours)]
    return f"{said}; the teacher {times[0]} and {times[1]} times as many."
