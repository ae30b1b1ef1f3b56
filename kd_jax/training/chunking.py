"""Chunks of members, trained one after the other where all do not fit into the memory."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np


def chunks(seeds: int, arms: int, most: int) -> list[tuple[slice, slice]]:
    """A grid [seeds, arms] cut into [(slice of seeds, slice of arms)] of at most so many members.

    All arms of a seed stay together where they fit: they share their batches.
    """
    if most >= arms:
        of_seeds, of_arms = _even(seeds, most // arms), [slice(0, arms)]
    else:
        of_seeds, of_arms = _even(seeds, 1), _even(arms, most)
    return [(s, a) for s in of_seeds for a in of_arms]


def _even(count, most):
    """Slices of 0, …, count − 1, none longer than `most` and as equal as can be."""
    parts = np.array_split(np.arange(count), -(-count // most))
    return [slice(int(part[0]), int(part[-1]) + 1) for part in parts]


def on_host(state: Any) -> Any:
    """The state in host memory, but for its keys; its buffers on the device are freed."""
    host = jax.tree.map(np.array, state._replace(key=()))
    for x in jax.tree.leaves(state._replace(key=())):
        x.delete()
    return host._replace(key=state.key)


def train(
    training: Callable, state: Any, most: int, report: Callable | None, snapshots: Any
) -> tuple[Any, dict[str, np.ndarray]]:
    """What loop.fit returns, at most so many members at once; the others lie in host memory.

    Args:
        training: (slice of seeds, slice of arms) -> their loop.Training.
        state: `on_host`.
        most: members of a chunk.
        report: as for loop.fit.
        snapshots: as for loop.fit.
    """
    count, width = state.step.shape
    parts = chunks(count, width, most)
    whole, curves = state._replace(key=()), {}
    for number, (rows, arms) in enumerate(parts):
        name = f"seeds {rows.start} to {rows.stop}, arms {arms.start} to {arms.stop}"
        kept = snapshots.part(name) if snapshots else None
        part = training(rows, arms)
        found, of_part = part.run(_of_chunk(report, number, len(parts)), kept)
        if kept:  # the chunks that are done are not trained again
            kept.save(part.epochs, part.whole())
        for target, source in zip(jax.tree.leaves(whole), jax.tree.leaves(found._replace(key=()))):
            target[rows, arms] = source
        for metric, values in of_part.items():
            empty = np.zeros((len(values), count, width), values.dtype)
            curves.setdefault(metric, empty)[:, rows, arms] = values
        del part, found
    return jax.device_put(whole)._replace(key=state.key), curves


def _of_chunk(report, number, count):
    """The report of one of several chunks: epochs done count for their share of the whole."""

    def of_chunk(done, curves):
        if not curves:
            return
        latest = {name: np.asarray(values)[done - 1 : done] for name, values in curves.items()}
        epochs = len(next(iter(curves.values())))
        through = max(1, (number * epochs + done) // count)
        report(through, {name: np.repeat(x, epochs, axis=0) for name, x in latest.items()})

    return of_chunk if report else None
