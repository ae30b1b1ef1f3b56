"""The training loop as a pure function: a step, scanned over epochs, vmapped over members.

A member is one network in training. Members stand in a grid [S, A]: S seeds, each with its own
initialization and order of the data, times A arms, which differ by numbers (temperature, weights).
The arms of a seed see the same batches in the same order, so they are compared in pairs, and the
gathered batch is shared: their first layers become one large matrix product.

    state = members(model.init, optimizer, keys, arms=3)
    state, curves = fit(loss_fn, optimizer, state, data, sampler, epochs=20, numbers=numbers)
"""

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import optax
from jax.tree_util import Partial
from jaxtyping import ArrayLike

from kd_jax.runtime import hosts, memory, parallel, signals
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.training import chunking, programs, step_program
from kd_jax.training import state as train_state
from kd_jax.training.grid_program import NO_METRICS, EpochMetrics, empty_curves, of_epochs


class Training:
    """A grid [S, A] under way; its arguments are those of `fit`, which most callers want."""

    def __init__(
        self, loss_fn, optimizer, state, data, sampler, *, epochs,
        seeds=None, own=None, numbers=None, shared=None, epoch_metrics=None, views=None,
        execution=DEFAULT,
    ):  # fmt: skip
        seeds = np.asarray(np.arange(len(state.step)) if seeds is None else seeds, np.int32)
        own, numbers, shared = own or {}, numbers or {}, shared or {}
        epoch_metrics = epoch_metrics or NO_METRICS
        each = 0 if seeds.ndim else None
        given = seeds, data, shared, own, numbers
        curves, jaxpr = empty_curves(loss_fn, sampler, epoch_metrics, epochs, views, state, *given)
        place = self.place = execution.layout(*state.step.shape)
        # an argument, so that orders of other keys are the same program
        traced = sampler if isinstance(sampler, Partial) else Partial(sampler)
        whole = map(place.shared, (traced, data, shared))
        fixed = *whole, self._placed(seeds), place.by_seed(own), place.grid(numbers)
        self.fixed = *fixed, place.shared(epoch_metrics.arrays)
        self.epochs = epochs
        self.resume(0, (state, curves))
        options = execution.compiler_options()
        known = optimizer, epoch_metrics.measure, place, each, views, tuple((options or {}).items())
        parts = loss_fn, optimizer, epoch_metrics, place, each, views
        if step_program.is_faster(jaxpr):
            self._compiled = lambda state, *_: step_program.StepProgram(
                *parts, options, known, state, self.fixed
            )
            return
        jitted = jax.jit(
            of_epochs(*parts),
            donate_argnums=(0, 1), out_shardings=place.outputs(self.state),
            compiler_options=options,
        )  # fmt: skip
        self._compiled = functools.partial(programs.compiled, loss_fn, known, jitted)

    @functools.cached_property
    def program(self) -> Any:
        """The compiled training, first asked for before the first epoch."""
        return self._compiled(self.state, self.curves, 0, 1, *self.fixed)

    def fits(self) -> int:
        """How many members the memory of a device holds, at most those of this grid."""
        if not self.epochs:
            return self.state.step.size
        kept = sum(x.nbytes for x in jax.tree.leaves(self.fixed[:3]))
        return memory.most(self.state.step.size, self.program, kept)

    def _placed(self, seeds):
        return self.place.by_seed(seeds) if seeds.ndim else self.place.shared(seeds)

    def again(
        self, state: train_state.State, seeds: ArrayLike, numbers: dict | None = None
    ) -> None:
        """Begin anew with another state, other seed numbers and perhaps numbers, of like shapes."""
        *whole, _, own, kept, measured_on = self.fixed
        numbers = kept if numbers is None else self.place.grid(numbers)
        self.fixed = *whole, self._placed(np.asarray(seeds, np.int32)), own, numbers, measured_on
        self.resume(0, (state, jax.tree.map(np.zeros_like, self.whole_curves())))

    def resume(self, done: int, state_and_curves: tuple) -> None:
        """Go on from a state and curves, as `whole` gave them, after `done` epochs."""
        state, curves = state_and_curves
        self.done, self.state, self.curves = done, self.place.grid(state), self.place.curves(curves)

    def advance(self, stop: int) -> None:
        """Train up to epoch `stop`; returns when it is done."""
        with self.place.turn():
            self.state, self.curves = jax.block_until_ready(
                self.program(self.state, self.curves, self.done, stop, *self.fixed)
            )
        self.done = stop

    def whole(self) -> tuple[train_state.State, dict]:
        """(state [S, A], curves {name: [epochs, S, A]}), wherever they lay."""
        return self.place.collect(self.state), self.whole_curves()

    def whole_curves(self) -> dict:
        """The curves alone: the state, which is large, stays where it is."""
        return self.place.collect(self.curves, axis=1)

    def run(self, report: Callable | None = None, snapshots: Any = None) -> tuple:
        """Train to the end, or from the last snapshot on; (state, curves) as `fit` returns them."""
        restored = snapshots.restore(self.whole()) if snapshots else None
        if restored:
            self.resume(*restored)
        length = 1
        going = self.done < self.epochs  # else nothing need be compiled
        if going and isinstance(self.program, step_program.StepProgram):
            self.program.report = report
        with signals.training():
            while self.done < self.epochs:
                parallel.check()  # it may have been told to stop while the program was compiled
                began = time.monotonic()
                self.advance(min(self.done + length, self.epochs))
                # Chunks of half a second or more: short for a live bar, long enough to be free.
                length *= 2 if hosts.agreed(time.monotonic() - began < 0.5) else 1
                if report:
                    report(self.done, self.whole_curves())
                signals.save_if_due(snapshots, self.done, self.whole)
        state, curves = self.whole()
        return state, jax.tree.map(np.asarray, curves)


def fit(
    loss_fn: Callable,
    optimizer: optax.GradientTransformation,
    state: train_state.State,
    data: dict,
    sampler: Callable,
    *,
    epochs: int,
    seeds: ArrayLike | Sequence[int] | None = None,
    own: dict | None = None,
    numbers: dict | None = None,
    shared: dict | None = None,
    epoch_metrics: EpochMetrics | None = None,
    views: Callable | None = None,
    report: Callable | None = None,
    execution: Execution = DEFAULT,
) -> tuple[train_state.State, dict[str, np.ndarray]]:
    """Train every member of the grid [S, A] for `epochs` passes.

    Args:
        loss_fn: (variables, state.Batch, key) -> state.Outcome, of one member.
        optimizer: of optax.
        state: from `state.members`; its buffers are given up.
        data: {name: [N, …]}, shared by all.
        sampler: (seed, epoch) -> indices [steps, B] into the data.
        epochs: passes.
        seeds: [S], the numbers that `sampler` is asked with (default 0, 1, …); or one number: all
            seeds then see the same batches, which are gathered once.
        own: {name: [S, N, …]}, rows that each seed has for itself, gathered by the same indices.
        numbers: {name: [S, A]}, the numbers by which members differ.
        shared: {name: tree}, seen whole by every step.
        epoch_metrics: what it measures joins the curves.
        views: (rows, key) -> rows, what a step sees of a batch, drawn once for a seed's arms.
        report: called as report(epochs_done, curves) after every chunk of epochs, and within one
            that takes its steps one by one with a fraction and {}.
        execution: where and how; resumed from its snapshots, it ends bitwise as uninterrupted.

    Returns:
        (state, {name: [epochs, S, A]}), means over an epoch's steps or what was measured at its
        end. Members that do not fit into the memory together are trained in chunks: `chunking`.
    """
    of_seeds = np.asarray(np.arange(len(state.step)) if seeds is None else seeds, np.int32)

    def training(rows, arms):
        """The Training of some seeds and arms."""
        by_seed, of_both = (lambda x: x[rows]), (lambda x: x[rows, arms])
        return Training(
            loss_fn, optimizer, jax.tree.map(of_both, state), data, sampler, epochs=epochs,
            seeds=of_seeds[rows] if of_seeds.ndim else of_seeds, own=jax.tree.map(by_seed, own),
            numbers=jax.tree.map(of_both, numbers), shared=shared, epoch_metrics=epoch_metrics,
            views=views, execution=execution,
        )  # fmt: skip

    most, snapshots = execution.members_per_chunk, execution.snapshots
    if not most or most >= state.step.size:
        whole = training(slice(None), slice(None))
        most = most or hosts.agreed(whole.fits())
        if most >= state.step.size:
            return whole.run(report, snapshots)
        del whole
    state = chunking.on_host(state)
    return chunking.train(training, state, most, report, snapshots)
