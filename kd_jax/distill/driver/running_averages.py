"""Whether the running averages of batch norm have caught up with what a network learned.

After a step they hold momentum · before + (1 − momentum) · of the batch. With the momentum 0.99
that Flax and Equinox take unless told, 200 steps leave 13 % of the first values, and much of what
they were while the layers below still changed: the network is evaluated with other numbers than it
was trained with.
"""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import losses
from kd_jax.data import Split
from kd_jax.models import Model

ROWS = 256  # of training, on which both are tried
MORE, TIMES = 0.2, 1.25  # nats and share by which the loss may be larger without a word
FEWER = 0.1  # of all rows that may be named wrongly more
ADVICE = "give batch norm momentum=0.9, or train for more epochs"


class Lag(NamedTuple):
    """How networks do by a batch's statistics and by their running averages.

    Attributes:
        losses: Mean cross-entropy of both.
        right: The shares of rows that are named rightly.
    """

    losses: tuple[float, float]
    right: tuple[float, float]

    def __str__(self) -> str:
        (first, last), (right, less) = self
        return (
            f"of training rows {right:.0%} are right by the statistics of a batch (loss "
            f"{first:.2f}) and {less:.0%} by these (loss {last:.2f})"
        )


def lagging(model: Model, variables: Any, train: Split) -> Lag | None:
    """How networks do whose running averages lag behind; None where they do not.

    Args:
        model: Of the networks.
        variables: Of S networks, leaves [S, …].
        train: Rows that they learned from, with labels.

    Returns:
        Medians over the networks, where the running averages do much worse. Dropout makes those of
        a batch worse too, so that less is found then.
    """
    if not jax.tree.leaves(variables.get("state", {})):
        return None
    count = len(train.labels)
    some = np.sort(np.random.default_rng(0).permutation(count)[:ROWS])  # files may be sorted
    found = _measured(model.apply, variables, train.inputs[some], train.labels[some])
    # NaN of one that diverged
    first, last = (tuple(np.median(np.asarray(x), axis=0).tolist()) for x in found)
    lag = Lag(first, last)
    (by_batch, by_averages), (right, less) = lag
    lags = by_averages > max(by_batch + MORE, by_batch * TIMES) or right - less > FEWER
    return lag if lags else None


@functools.partial(jax.jit, static_argnums=0)
def _measured(apply, variables, inputs, labels):
    """Losses and right shares [S, 2]: by the statistics of these rows, by the running averages."""

    def both(one):
        (ours, _), _ = apply(one, inputs, train=True, key=jax.random.key(0))
        (theirs, _), _ = apply(one, inputs)
        each = jnp.stack([ours, theirs]).astype(jnp.float32)
        right = (each.argmax(-1) == labels).mean(-1)
        return losses.cross_entropy(each, jnp.stack([labels, labels])).mean(-1), right

    return jax.vmap(both)(variables)


def of_teacher(who: str, found: Lag) -> str:
    """The line about a teacher.

    Args:
        who: The teacher, as a sentence begins.
        found: Of `lagging`.
    """
    return f"{who} has running averages that lag behind: {found}; {ADVICE}."


def of_students(found: Mapping[str, Lag], steps: int) -> list[str]:
    """One line about all rows whose students lag behind, or none.

    Args:
        found: {row: of `lagging`}, of those that do.
        steps: That they took.
    """
    if not found:
        return []
    worst = max(found.values(), key=lambda lag: lag.right[0] - lag.right[1])
    first, *others = found
    whose = f"{first} and {len(others)} more" if len(others) > 1 else " and ".join(found)
    return [
        f"Running averages lag behind after {steps:,} steps in students of {whose}: "
        f"{worst}; {ADVICE}."
    ]
