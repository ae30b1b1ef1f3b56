"""Queries of a black-box teacher: pools of inputs, and which of them are queried.

A pool is an array of inputs [N, …]; queries are row numbers of it, [S, n]: n of each seed's own.
"""

from collections.abc import Callable, Sequence

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from kd_jax.errors import require
from kd_jax.training import samplers


def noise(count: int, shape: tuple[int, ...], seed: int) -> Float[np.ndarray, "count ..."]:
    """Inputs of a shape whose every pixel is uniform in [0, 1), float32."""
    return np.random.default_rng(seed).random((count, *shape), np.float32)


def mixes(
    images: Float[np.ndarray, "N H W"], count: int, seed: int
) -> Float[np.ndarray, "count H W"]:
    """Images of four quarters, each in its place, of four images drawn by the seed; even H, W."""
    height, width = images.shape[1] // 2, images.shape[2] // 2
    drawn = np.random.default_rng(seed).integers(len(images), size=(4, count))
    mixed = np.empty((count, *images.shape[1:]), images.dtype)
    for rows, (top, left) in zip(drawn, np.ndindex(2, 2)):
        place = (
            slice(top * height, (top + 1) * height),
            slice(left * width, (left + 1) * width),
        )
        mixed[:, *place] = images[rows][:, *place]
    return mixed


def random(seeds: Sequence[int], pool: int, count: int) -> Int[np.ndarray, "S count"]:
    """Random queries: row numbers below `pool`, none twice; fewer are the first of more.

    Args:
        seeds: of the draws, S of them.
        pool: how many rows there are.
        count: how many are drawn for each seed.

    Raises:
        InputError: the pool is smaller than that.
    """
    require(count <= pool, f"{count} queries of a pool of {pool}: expected fewer")
    drawn = (np.random.default_rng(seed).permutation(pool) for seed in seeds)
    return np.stack([rows[:count] for rows in drawn])


def margin(p: Float[Array, "... C"]) -> Float[np.ndarray, "..."]:
    """Margin of predictions: the largest probability less the next, 0 to 1.

    Source: Scheffer, Decomain and Wrobel 2001, Active Hidden Markov Models (margin sampling).
    """
    top = np.sort(p, -1)[..., -2:]
    return top[..., 1] - top[..., 0]


def smallest_margin(
    queried: Int[np.ndarray, "S n"], margins: Float[np.ndarray, "S N"], count: int
) -> Int[np.ndarray, "S count"]:
    """Margin sampling: the rows queried so far and the others of smallest margin, `count` in all.

    Args:
        queried: row numbers.
        margins: of all rows.
        count: from n to N.
    """
    found = []
    for rows, of_seed in zip(queried, margins):
        left = np.array(of_seed, float)
        left[rows] = np.inf
        more = np.argsort(left, kind="stable")[: count - len(rows)]
        found.append(np.concatenate([rows, more]))
    return np.stack(found)


def sampler(key: Array, rows: Int[Array, "S n"], batch_size: int) -> Callable:
    """A sampler of batches of rows[seed], in a new order each epoch.

    The last, partial batch of an epoch is dropped. The order of places is the same for all seeds;
    the rows that stand there are their own.

    Returns:
        sampler(seed, epoch) -> indices [steps, batch_size].

    Raises:
        InputError: not even one batch can be filled.
    """
    rows = jax.device_put(rows)
    places = samplers.scattered(key, rows.shape[1], batch_size)
    return lambda seed, epoch: rows[seed][places(0, epoch)]
