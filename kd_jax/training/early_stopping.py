"""Early stopping: how long one network trains is chosen on held-out data."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kd_jax.training import state as train_state


class Stopped(NamedTuple):
    """What training with early stopping found: the best score, its epoch and its variables."""

    score: Any
    epoch: Any
    variables: dict


def train_until_no_better(
    loss_fn: Callable, optimizer: Any, variables: dict, draw: Callable, score: Callable,
    lengths: tuple[int, int, int], key: jax.Array,
) -> Stopped:  # fmt: skip
    """Early stopping: the variables of the epoch with the best score on held-out data.

    Epoch 0 is before any step. Training ends once `patience` epochs in a row were no better than
    the best before; of equals the earliest is taken. In a compiled program that means that later
    epochs are not looked at: they are computed.

    Args:
        loss_fn: as for `state.make_step`.
        optimizer: begun anew.
        variables: where it starts.
        draw: key -> rows of a batch.
        score: variables -> number on held-out data; large is good.
        lengths: (steps of an epoch, epochs at most, patience in epochs).
        key: of batches and dropout, as for `state.train_steps`.

    Source: Prechelt 1998, Early Stopping - But When?
    """
    steps, epochs, patience = lengths
    draw_key, key = jax.random.split(key)
    first, step = (
        train_state.start(variables, optimizer, key),
        train_state.make_step(loss_fn, optimizer),
    )

    def of_epoch(carry, epoch):
        state, best = carry
        state = train_state.walk(step, state, draw, steps, draw_key)
        found = Stopped(score(state.variables), epoch, state.variables)
        better = (epoch - best.epoch <= patience) & (found.score > best.score)
        return (state, jax.tree.map(functools.partial(jnp.where, better), found, best)), None

    begun = Stopped(score(first.variables), jnp.int32(0), first.variables)
    numbers = jnp.arange(1, epochs + 1, dtype=jnp.int32)
    (_, best), _ = jax.lax.scan(of_epoch, (first, begun), numbers)
    return best
