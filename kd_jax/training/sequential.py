"""Sequential training: networks of one shape, one after the other, by one compiled program."""

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax.runtime import memory
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.training import loop
from kd_jax.training import state as train_state


class Fitted(NamedTuple):
    """One trained network.

    params: its parameters. curves: {name: [epochs]}. diverged: the first step with a non-finite
    loss, or −1. clock: (epochs done, seconds of a monotonic clock) after every chunk of epochs.
    """

    params: Any
    curves: dict
    diverged: int
    clock: list


class Sequential:
    """Trains networks of one shape, each alone; the program is compiled once."""

    def __init__(
        self,
        loss_fn: Callable,
        optimizer: Any,
        start: Any,
        data: Any,
        sampler: Callable,
        key: jax.Array,
        *,
        epochs: int,
        numbers: dict | None = None,
        shared: dict | None = None,
        execution: Execution = DEFAULT,
    ):
        """A training that has not begun.

        Args:
            loss_fn: (variables, state.Batch, key) -> state.Outcome.
            optimizer: of optax.
            start: parameters of the shape of all networks.
            data: {name: leaves [N, …]}.
            sampler: (seed, epoch) -> indices [steps, B] into the data.
            key: of all that the loss draws; a network's seed is folded in.
            epochs: of each network.
            numbers: {name: number}, see `fit`.
            shared: {name: tree}, seen whole by every step.
            execution: where and how.
        """
        self.optimizer, self.key = optimizer, key
        self.training = loop.Training(
            loss_fn, optimizer, self._state(start, 0), data, sampler, epochs=epochs, seeds=0,
            numbers=_grid(numbers or {}), shared=shared, execution=execution,
        )  # fmt: skip

    def fit(
        self,
        start: Any,
        seed: int,
        *,
        label: str,
        execution: Execution = DEFAULT,
        numbers: dict | None = None,
        steps: int = 0,
    ) -> Fitted:
        """Train one network.

        Args:
            start: its first parameters.
            seed: which the sampler is asked with, and which is folded into the key.
            label: of the progress bar.
            execution: of this network: its snapshots and events.
            numbers: {name: number}, of the names that were given first.
            steps: of an epoch, where the bar counts them; 0: it counts epochs.
        """
        self.training.again(self._state(start, seed), seed, _grid(numbers) if numbers else None)
        clock = []
        unit = "step" if steps else "epoch"
        with execution.bar(label, self.training.epochs, unit, steps or 1) as bar:

            def report(done, curves):
                clock.append((done, time.monotonic()))
                bar(done, curves)

            state, curves = self.training.run(report, execution.snapshots)
        params = jax.tree.map(lambda x: np.asarray(x)[0, 0], state.params)
        curves = {name: x[:, 0, 0] for name, x in curves.items()}
        return Fitted(params, curves, int(train_state.diverged(state)[0, 0]), clock)

    def peak_bytes(self) -> int | None:
        """Bytes of memory that the compiled training takes at most; None where nobody says."""
        return memory.peak(self.training.program)

    def _state(self, params, seed):
        return _begun(params, self.optimizer, self.key, seed)


@functools.partial(jax.jit, static_argnames="optimizer")
def _begun(params, optimizer, key, seed):
    one = jax.tree.map(lambda x: x[None, None], params)
    return train_state.grid(
        train_state.stateless(one), optimizer, jax.random.fold_in(key, seed)[None]
    )


def _grid(numbers):
    return {name: np.full((1, 1), x, np.float32) for name, x in numbers.items()}
