"""Streaming: training on data that stays on disk, batches being read ahead.

    rows = mnist.streamed("mnist", data_dir, manual_dir)      # or any other source of grain
    sampler = samplers.scattered(key, len(rows), 128)
    state, curves = streaming.fit(loss_fn, optimizer, state, Stream(rows, sampler), epochs=5)

The batches are those that loop.fit gathers from memory with one seed number for all members.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from kd_jax.errors import extra
from kd_jax.runtime import parallel, signals
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.training import state as train_state

with extra("data"):
    import grain

CHUNK = 32  # steps of one program at most: what is read ahead, and the least between two reports


class Stream(NamedTuple):
    """Where batches come from.

    source: of grain: a length and source[row] -> {name: array}; where it also has
    __getitems__(rows) -> list of them, as those of tensorflow-datasets have, rows are read
    together. sampler: (seed, epoch) -> indices [steps, B] into it; seed: the number that it is
    asked with. threads: that read; ahead: batches that they may be ahead.
    """

    source: Any
    sampler: Callable
    seed: int = 0
    threads: int = 4
    ahead: int = 2 * CHUNK


class Batches:
    """The batches of all epochs as a source of grain: batch n is that of step n.

    part: of each batch that is read.
    """

    def __init__(self, stream, epochs, part=slice(None)):
        self.stream, self.epochs, self.part = stream, epochs, part
        indices = jax.jit(lambda epoch: stream.sampler(stream.seed, epoch))
        self.steps, self.size = jax.eval_shape(indices, 0).shape
        # kept for the threads, which may be in several epochs at once
        self.drawn = functools.lru_cache(maxsize=8)(lambda epoch: np.asarray(indices(epoch)))

    def __len__(self):
        return self.epochs * self.steps

    def __getitem__(self, number):
        epoch, step = divmod(number, self.steps)
        rows = self.drawn(epoch)[step][self.part].tolist()
        source = self.stream.source
        read = getattr(source, "__getitems__", lambda rows: [source[row] for row in rows])(rows)
        return {name: np.stack([each[name] for each in read]) for name in read[0]}

    def read(self, start: int = 0) -> Iterator[dict]:
        """An iterator of the batches from step `start` on, read ahead by several threads."""
        options = grain.ReadOptions(self.stream.threads, self.stream.ahead)
        return iter(grain.MapDataset.source(self)[start:].to_iter_dataset(options))


def fit(
    loss_fn: Callable,
    optimizer: optax.GradientTransformation,
    state: train_state.State,
    stream: Stream,
    *,
    epochs: int,
    numbers: dict | None = None,
    report: Callable | None = None,
    execution: Execution = DEFAULT,
) -> tuple[train_state.State, dict[str, np.ndarray]]:
    """Train every member of the grid [S, A] on the batches of a Stream, which all of them share.

    The arguments and what is returned are those of loop.fit. A snapshot may be taken within an
    epoch; it holds the steps done, at which reading begins again. Of several processes each reads
    the rows that it needs.
    """
    numbers, snapshots = numbers or {}, execution.snapshots
    place = execution.layout(*state.step.shape)
    source = Batches(stream, epochs)
    source.part = place.part(source.size)
    grid_step = _grid_step(loss_fn, optimizer)
    tree = _start(grid_step, state, source[0], numbers, epochs, place)
    restored = snapshots.restore(_whole(tree, place)) if snapshots else None
    done, tree = (restored[0], _placed(restored[1], place)) if restored else (0, tree)
    program = _program(grid_step, place, tree[0])
    reader, numbers = source.read(done), place.grid(numbers)
    with signals.training():
        while done < len(source):
            parallel.check()  # as in loop.py
            state, totals, curves = tree
            count = min(CHUNK, source.steps - done % source.steps)
            read = [next(reader) for _ in range(count)]
            stacked = {name: np.stack([batch[name] for batch in read]) for name in read[0]}
            with place.turn():
                batches = place.batch(stacked, source.size)
                state, totals = jax.block_until_ready(program(state, totals, batches, numbers))
            done += count
            if done % source.steps == 0:
                epoch = done // source.steps
                totals = _ended(curves, totals, epoch - 1, source.steps, place)
                if report:
                    report(epoch, curves)
            tree = state, totals, curves
            signals.save_if_due(snapshots, done, functools.partial(_whole, tree, place))
    return place.collect(tree[0]), tree[2]


def _grid_step(loss_fn, optimizer):
    """The step of the whole grid on one batch: (states, batch, numbers) -> (states, metrics)."""
    step = train_state.make_step(loss_fn, optimizer)

    def grid_step(state, batch, numbers):
        each = jax.vmap(jax.vmap(lambda s, n: step(s, train_state.Batch(batch, n))))
        return each(state, numbers)

    return grid_step


def _program(grid_step, place, state):
    """The compiled run(state, totals, batches, numbers): a step for each batch of [K, B, …]."""

    def run(state, totals, batches, numbers):
        state, metrics = jax.lax.scan(lambda s, b: grid_step(s, b, numbers), state, batches)
        return state, jax.tree.map(lambda t, m: t + m.sum(0), totals, metrics)

    split = place.outputs(state)
    outputs = split and (split[0], split[0].step)  # totals lie like the number of steps
    return jax.jit(run, donate_argnums=(0, 1), out_shardings=outputs)


def _start(grid_step, state, batch, numbers, epochs, place):
    """(state, totals {name: [S, A]} of the epoch, curves {name: [epochs, S, A]}) before step 0."""
    _, metrics = jax.eval_shape(grid_step, state, batch, numbers)
    totals = jax.tree.map(lambda m: np.zeros(m.shape, m.dtype), metrics)
    curves = jax.tree.map(lambda m: np.zeros((epochs, *m.shape), m.dtype), metrics)
    return _placed((state, totals, curves), place)


def _placed(tree, place):
    state, totals, curves = tree
    return place.grid(state), place.grid(totals), jax.tree.map(np.array, curves)


def _whole(tree, place):
    state, totals, curves = tree
    return place.collect(state), place.collect(totals), curves


def _ended(curves, totals, epoch, steps, place):
    """Write the means of an epoch into the curves; totals at zero again."""
    for name, values in place.collect(totals).items():
        curves[name][epoch] = np.asarray(values) / steps
    return jax.tree.map(jnp.zeros_like, totals)
