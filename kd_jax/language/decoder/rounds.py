"""Rounds: a training in parts of a few steps, after each of which it is shown and may be saved."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.tree_util import Partial

from kd_jax.errors import counted
from kd_jax.training.samplers import permutation

STEPS = 25  # of a round at most
SHOWN = 10  # rounds of a training at least, if it has as many steps: a step may take seconds
FEW = 200  # steps of a student


class Rounds(NamedTuple):
    """A training in so many rounds.

    Attributes:
        number: How many.
        steps: Of each.
    """

    number: int
    steps: int

    @property
    def all_steps(self) -> int:
        """Of the training."""
        return self.number * self.steps

    def few(self, given: bool = False) -> list[str]:
        """A line where students learn too little.

        Args:
            given: Whether they begin as another model, which may write well; else, as cuts of their
                teacher or new, they likely write nothing of use.
        """
        then = "is changed little by them" if given else "likely writes nothing of use then"
        said = f"each student takes {counted(self.all_steps, 'step')}, and {then}"
        advice = f"expected {FEW:,} or more, by more texts or --epochs"
        return [f"{said}: {advice}"] if self.all_steps < FEW else []


def of(rows: int, batch_size: int, epochs: int) -> Rounds:
    """The Rounds of so many epochs, the steps rounded up to whole ones.

    Args:
        rows: To learn from.
        batch_size: Rows of a step, at most as many; what does not fill a batch waits for the next
            epoch's order.
        epochs: Passes.
    """
    steps = max(1, rows // batch_size) * epochs
    number = math.ceil(steps / STEPS)
    together = math.ceil(steps / number)
    most = max(1, number * together // SHOWN)
    parts = next(n for n in range(1, together + 1) if together % n == 0 and together // n <= most)
    return Rounds(number * parts, together // parts)


def sampler(key: jax.Array, rows: int, batch_size: int, rounds: Rounds) -> Callable:
    """sampler(seed, round) -> indices [steps, batch_size]: rows in a new order for each epoch.

    Args:
        key: Of all orders.
        rows: How many.
        batch_size: Of a step.
        rounds: Of `of`.
    """
    return Partial(_sampler(rows, batch_size, rounds.steps), key)


@functools.lru_cache(maxsize=64)  # one function of each size, by which programs are told apart
def _sampler(rows, batch_size, steps):
    each = rows // batch_size

    def sampler(key, seed, number):
        own = jax.random.fold_in(key, seed)

        def indices(step):
            drawn = permutation(jax.random.fold_in(own, step // each), rows)
            return jax.lax.dynamic_slice_in_dim(drawn, step % each * batch_size, batch_size)

        return jax.vmap(indices)(number * steps + jnp.arange(steps))

    return sampler
