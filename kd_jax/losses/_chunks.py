"""Rows in chunks, one after the other: what is computed on the way exists for one chunk only."""

from collections.abc import Callable
from typing import Any

import jax
from jaxtyping import PyTree


def over_chunks(function: Callable, rows: PyTree, count: int) -> Any:
    """function(chunk) of each of `count` chunks, its results stacked on a new first axis.

    For a gradient each chunk is computed again (jax.checkpoint), so that in the backward pass too
    one alone is in memory. A single chunk is all rows, computed once.

    Args:
        function: of a tree like rows; what else it reads, it may close over.
        rows: leaves [N, …].
        count: how many chunks, a divisor of N. Row r goes to chunk r mod count, so that each has
            rows of every device of a split batch.
    """
    if count == 1:
        return jax.tree.map(lambda x: x[None], function(rows))
    chunks = jax.tree.map(lambda x: x.reshape(-1, count, *x.shape[1:]).swapaxes(0, 1), rows)
    # within a scan nothing could be taken from the forward pass, against which it would guard
    return jax.lax.map(jax.checkpoint(function, prevent_cse=False), chunks)
