"""Whether the running averages of batch norm have caught up with what a network learned.

After a step they hold momentum · before + (1 − momentum) · of the batch. With the momentum 0.99
that Flax and Equinox take unless told, 200 steps leave 13 % of the first values, and much of what
they were while the layers below still changed: the network is evaluated with other numbers than it
was trained with.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from kd_jax import losses
from kd_jax.data import Split
from kd_jax.models import Model

ROWS = 256  # of training, on which both are tried
MORE, TIMES = 0.2, 1.25  # nats and share by which the loss may be larger without a word
ADVICE = "give batch norm momentum=0.9, or train for more epochs"


def lagging(model: Model, variables: Any, train: Split) -> Float[np.ndarray, "2"] | None:
    """The losses of networks whose running averages lag behind; None where they do not.

    Args:
        model: Of the networks.
        variables: Of S networks, leaves [S, …].
        train: Rows that they learned from, with labels.

    Returns:
        Medians over the networks of the mean cross-entropy by a batch's statistics and by the
        running averages, where the second is much larger. Dropout makes the first larger too, so
        that less is found then.
    """
    if not jax.tree.leaves(variables.get("state", {})):
        return None
    count = len(train.labels)
    some = np.sort(np.random.default_rng(0).permutation(count)[:ROWS])  # files may be sorted
    found = np.asarray(_losses(model.apply, variables, train.inputs[some], train.labels[some]))
    by_batch, by_averages = found = np.median(found, axis=0)  # NaN of one that diverged
    lags = by_averages > max(by_batch + MORE, by_batch * TIMES)
    return found if lags else None


@functools.partial(jax.jit, static_argnums=0)
def _losses(apply, variables, inputs, labels):
    """[S, 2]: by the statistics of these rows, and by the running averages."""

    def both(one):
        (ours, _), _ = apply(one, inputs, train=True, key=jax.random.key(0))
        (theirs, _), _ = apply(one, inputs)
        each = jnp.stack([ours, theirs]).astype(jnp.float32)
        return losses.cross_entropy(each, jnp.stack([labels, labels])).mean(-1)

    return jax.vmap(both)(variables)


def of_teacher(who: str, found: Sequence[float] | np.ndarray) -> str:
    """The line about a teacher.

    Args:
        who: The teacher, as a sentence begins.
        found: Of `lagging`.
    """
    return f"{who} has running averages that lag behind: {_beside(found)}; {ADVICE}."


def of_students(found: Mapping[str, Any], steps: int) -> list[str]:
    """One line about all rows whose students lag behind, or none.

    Args:
        found: {row: of `lagging`}, of those that do.
        steps: That they took.
    """
    if not found:
        return []
    worst = max(found.values(), key=lambda both: both[1] - both[0])
    first, *others = found
    whose = f"{first} and {len(others)} more" if len(others) > 1 else " and ".join(found)
    return [
        f"Running averages lag behind after {steps:,} steps in students of {whose}: "
        f"{_beside(worst)}; {ADVICE}."
    ]


def _beside(found):
    return (
        f"on training rows the loss is {found[0]:.2f} by the statistics of a batch and "
        f"{found[1]:.2f} by them"
    )
