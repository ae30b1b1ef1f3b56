"""What a training compiles: a step of the grid of members, scanned over epochs."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from kd_jax.training import samplers
from kd_jax.training import state as train_state

VIEW = 2**32 - 1  # beyond the number of any step, by which all other keys are folded


def members_step(
    loss_fn: Callable, optimizer: Any, each: int | None, views: Callable | None
) -> Callable:
    """The step of the whole grid: inputs are states, indices, data, shared, own and numbers.

    Args:
        loss_fn: as for loop.fit.
        optimizer: as for loop.fit.
        each: 0 for indices [S, B] of each seed's own, None for indices [B] that all seeds share.
        views: as for loop.fit.
    """
    step = train_state.make_step(loss_fn, optimizer)

    def seed_step(state, indices, data, shared, own, numbers):
        rows = jax.tree.map(lambda x: x[indices], {**data, **own})
        if views:  # drawn once for all arms; of an arm that diverged the steps do not count
            key = jax.random.fold_in(state.key[0], VIEW)
            rows = views(rows, jax.random.fold_in(key, jnp.max(state.step)))
        batch = train_state.Batch(rows, shared=shared)
        return jax.vmap(lambda s, n: step(s, batch._replace(numbers=n)))(state, numbers)

    return jax.vmap(seed_step, in_axes=(0, each, None, None, 0, 0))


class EpochMetrics(NamedTuple):
    """Metrics after each epoch: measure(variables, arrays) -> {name: scalar}, of a member."""

    measure: Callable
    arrays: Any

    def grid(self, variables: Any, arrays: Any) -> dict[str, Array]:
        """The metrics of a whole grid: {name: [S, A]}."""
        each = jax.vmap(jax.vmap(self.measure, in_axes=(0, None)), in_axes=(0, None))
        return each(variables, arrays)


def _mean(metrics):
    """Over the steps, which lie first: a fraction, also where steps count."""
    return jax.tree.map(lambda m: jnp.mean(m, axis=0), metrics)


def _nothing(variables, arrays):
    return {}


NO_METRICS = EpochMetrics(_nothing, ())


def of_epochs(
    loss_fn: Callable,
    optimizer: Any,
    epoch_metrics: EpochMetrics,
    place: Any,
    each: int | None,
    views: Callable | None,
) -> Callable:
    """run(state, curves, first, stop, sampler, …): the epochs [first, stop) of the grid.

    Args:
        loss_fn: as for loop.fit.
        optimizer: as for loop.fit.
        epoch_metrics: as for loop.fit.
        place: a runtime.devices.GridLayout.
        each: 0 where each seed has batches of its own, None where all share theirs.
        views: as for loop.fit.
    """
    grid_step = members_step(loss_fn, optimizer, each, views)

    def run(state, curves, first, stop, sampler, data, shared, seeds, own, numbers, measured_on):

        def epoch(number, carry):
            state, curves = carry
            indices = place.batches(samplers.of_seeds(sampler, seeds, number))
            state, metrics = jax.lax.scan(
                lambda s, i: grid_step(s, i, data, shared, own, numbers), state, indices
            )
            means = _mean(metrics)
            means |= epoch_metrics.grid(state.variables, measured_on)
            return state, jax.tree.map(lambda c, m: c.at[number].set(m), curves, means)

        # The bounds are traced: chunks of any length are the same compiled program.
        return jax.lax.fori_loop(first, stop, epoch, (state, curves))

    return run


def empty_curves(
    loss_fn: Callable,
    sampler: Callable,
    epoch_metrics: EpochMetrics,
    epochs: int,
    views: Callable | None,
    state: train_state.State,
    *fixed: Any,
) -> tuple[dict[str, np.ndarray], Any]:
    """Zeros {name: [epochs, S, A]} of all that members say, and the jaxpr of one's loss.

    Args:
        loss_fn: as for loop.fit.
        sampler: as for loop.fit.
        epoch_metrics: as for loop.fit.
        epochs: as for loop.fit.
        views: as for loop.fit.
        state: of the whole grid.
        *fixed: seeds, data, shared, own and numbers.
    """

    def said(state, seeds, data, shared, own, numbers):
        state, numbers = jax.tree.map(lambda x: x[0, 0], (state, numbers))
        rows, own = sampler(seeds.ravel()[0], 0)[0], jax.tree.map(lambda x: x[0], own)
        gathered = jax.tree.map(lambda x: x[rows], {**data, **own})
        seen = views(gathered, state.key) if views else gathered
        outcome = loss_fn(state.variables, train_state.Batch(seen, numbers, shared), state.key)
        measured = epoch_metrics.measure(state.variables, epoch_metrics.arrays)
        of_steps = jax.tree.map(lambda m: m[None], {"loss": outcome.loss, **outcome.metrics})
        return _mean(of_steps) | measured

    jaxpr, shapes = jax.make_jaxpr(said, return_shape=True)(state, *fixed)
    grid = state.step.shape
    curves = jax.tree.map(lambda m: np.zeros((epochs, *grid, *m.shape), m.dtype), shapes)
    return curves, jaxpr
