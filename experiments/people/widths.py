"""Students of other widths, those of all widths in one program.

A network of few tanh units is one of many units of which the further ones have weights and biases
of zero: they give tanh 0 = 0, their gradients are zero and they stay as they are. So all train as
networks of the widest's shape, each from the start that a network of its own width has.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.people import stages, training, tuning
from experiments.people.config import Config
from experiments.people.rows import DISTILLED, LABELS, TUNED_RAW, of_width
from kd_jax.data.dataset import Split
from kd_jax.distill.students import Arm
from kd_jax.runtime.execution import DEFAULT
from kd_jax.training import keys
from kd_jax.training import state as train_state


class Students(NamedTuple):
    """Those of one width: their rows, parameters [S, A, …], and when each diverged, [S, A]."""

    width: int
    arms: list[Arm]
    variables: Any
    diverged: np.ndarray


def others(config: Config) -> list[int]:
    """The widths beside that of the demo's students."""
    return sorted(set(config.student_widths) - {config.student_width})


def arms(width: int) -> list[Arm]:
    """The rows of a width; the last begins where the one before ends."""
    return [
        Arm(of_width(LABELS, width), label_weight=1.0, family=LABELS),
        Arm(of_width(DISTILLED, width), weight=1.0, family=DISTILLED),
        Arm(of_width(TUNED_RAW, width), family=TUNED_RAW),
    ]


def widened(params: Any, width: int) -> Any:
    """The parameters […] of networks with further units, of zeros, up to a width."""

    def padded(x, axis):
        return jnp.pad(x, [(0, (width - n) * (a == x.ndim + axis)) for a, n in enumerate(x.shape)])

    hidden, logits = params["hidden_1"], params["logits"]
    return {
        "hidden_1": {name: padded(x, -1) for name, x in hidden.items()},
        "logits": {**logits, "kernel": padded(logits["kernel"], -2)},
    }


def narrowed(params: Any, width: int) -> Any:
    """The parameters of `widened` networks without their further units."""
    hidden, logits = params["hidden_1"], params["logits"]
    return {
        "hidden_1": {name: x[..., :width] for name, x in hidden.items()},
        "logits": {**logits, "kernel": logits["kernel"][..., :width, :]},
    }


def starts(config: Config, teacher: int) -> Any:
    """Parameters [S, A, …] of the first two rows of every width, widened: each pair begins alike.

    Args:
        config: The settings.
        teacher: The number of the students' teacher.
    """
    widths, found = others(config), []
    first, _ = keys.split_each(training.student_keys(config, teacher))  # as students.fit has it
    for width in widths:
        variables = train_state.initialize(stages.network(width).init)(first)
        found += [widened(variables["params"], max(widths))] * 2
    return jax.tree.map(lambda *x: jnp.stack(x, axis=1), *found)


def train(
    config: Config, teacher: int, split: Split, logits: np.ndarray, execution: Any = DEFAULT
) -> list[Students]:
    """Train the students of one teacher of every other width: by width their rows of `arms`.

    Args:
        config: The settings.
        teacher: Its number, which the students' random choices are named by.
        split: The training rows.
        logits: [N, 3] of the teacher on them.
        execution: As for loop.fit.
    """
    widths = others(config)
    if not widths:
        return []
    widest, begun = max(widths), [arm for width in widths for arm in arms(width)[:2]]
    whole, lost = training.fit(
        config, widest, begun, teacher, split, logits, execution.part("widths"),
        adjust=lambda params: starts(config, teacher),
    )  # fmt: skip
    # distilled students of all seeds and widths as members of one axis
    grid = lost.shape[0], len(widths)
    distilled = jax.tree.map(lambda x: x[:, 1::2].reshape(-1, *x.shape[2:]), whole)
    seeds = np.repeat(np.arange(config.seeds), len(widths)).tolist()
    network = stages.network(widest)
    tuned, lost_then = tuning.tune(config, teacher, seeds, network, distilled, split, TUNED_RAW)
    tuned = jax.tree.map(lambda x: x.reshape(*grid, *x.shape[1:]), tuned)
    lost_then = lost_then.reshape(grid)
    found = []
    for number, width in enumerate(widths):
        pair, one = (slice(n * number, n * (number + 1)) for n in (2, 1))
        of = jax.tree.map(
            lambda x, y, pair=pair, one=one: np.concatenate([x[:, pair], y[:, one]], axis=1),
            whole, tuned,
        )  # fmt: skip
        diverged = np.concatenate([lost[:, pair], lost_then[:, one]], axis=1)
        of["params"] = narrowed(of["params"], width)
        found.append(Students(width, arms(width), of, diverged))
    return found
