"""Batch samplers: which rows each step sees, shuffled with or without a sort.

They are Partial objects whose keys and rows are leaves: a compiled training takes them as
arguments, so that teachers and base seeds share one program.
"""

import functools
import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial
from jaxtyping import Array, Int

from kd_jax.errors import require

ROUNDS = 24
Rows = int | np.ndarray | Array  # how many, or which


@functools.partial(jax.jit, static_argnames="count")  # so that programs share its tracing
def permutation(key: jax.Array, count: int) -> Int[Array, " count"]:
    """A permutation of 0, …, count − 1 drawn by `key`: int32 [count].

    A Feistel cipher whose halves are the digits of x = l·a + r to the base a = ⌈√count⌉,

        (l, r) ← (r, (l + f_k(r)) mod a),   24 rounds, each with 32 bits k of the key,

    permutes 0, …, a² − 1. What falls beyond count is enciphered again until it falls below, which
    leaves a permutation of the rest. For 60,000 rows that takes 4 ms on a CPU;
    jax.random.permutation sorts twice, which takes 25.

    Source: Mitchell, Stokes, Frank and Holmes 2021, arXiv 2106.06161, section 4.
    """
    base = np.uint32(max(2, math.isqrt(count - 1) + 1))
    keys = jax.random.bits(key, (ROUNDS,), jnp.uint32)

    def exchange(halves, k):
        left, right = halves
        moved = left + _below(_mixed(right ^ k), base)
        return (right, jnp.where(moved >= base, moved - base, moved)), None

    def encipher(x):
        (left, right), _ = jax.lax.scan(exchange, (x // base, x % base), keys)
        return left * base + right

    def beyond(x):
        return jnp.any(x >= count)

    def again(x):
        return jnp.where(x >= count, encipher(x), x)

    first = encipher(jnp.arange(count, dtype=jnp.uint32))
    return jax.lax.while_loop(beyond, again, first).astype(jnp.int32)


def shuffled(key: jax.Array, rows: Rows, batch_size: int) -> Partial:
    """sampler(seed, epoch) -> indices [steps, B]: `rows` shuffled anew for each epoch and seed.

    The last, partial batch of an epoch is dropped.

    Args:
        key: of all orders.
        rows: how many, or an array of indices.
        batch_size: B.

    Raises:
        InputError: not even one batch can be filled.
    """
    indices, steps = _batches(rows, batch_size)
    return Partial(_shuffled(steps, batch_size), key, indices)


@functools.lru_cache(maxsize=64)  # one function of each size, by which programs are told apart
def _shuffled(steps, batch_size):
    def sampler(key, indices, seed, epoch):
        epoch_key = jax.random.fold_in(jax.random.fold_in(key, seed), epoch)
        return jax.random.permutation(epoch_key, indices)[: steps * batch_size].reshape(steps, -1)

    return sampler


def scattered(key: jax.Array, rows: Rows, batch_size: int) -> Partial:
    """sampler(seed, epoch) -> indices [steps, batch_size]: `rows` in a new `permutation` each time.

    The last, partial batch of an epoch is dropped. What `shuffled` does, in a twentieth of the
    time; the tables recorded with that one keep it.

    Args:
        key: of all orders.
        rows: how many, or an array of indices.
        batch_size: B.

    Raises:
        InputError: not even one batch can be filled.
    """
    indices, steps = _batches(rows, batch_size)
    return Partial(_scattered(steps, batch_size), key, indices)


@functools.lru_cache(maxsize=64)
def _scattered(steps, batch_size):
    def sampler(key, indices, seed, epoch):
        drawn = permutation(jax.random.fold_in(jax.random.fold_in(key, seed), epoch), len(indices))
        return indices[drawn[: steps * batch_size]].reshape(steps, -1)

    return sampler


def scattered_each(
    key: jax.Array, rows: Int[np.ndarray, "S n"] | Array, batch_size: int
) -> Partial:
    """sampler(seed, epoch) -> indices [steps, batch_size]: `scattered`, of rows of each seed's own.

    Args:
        key: of all orders.
        rows: n for each of S seeds, which are 0, …, S − 1.
        batch_size: B.

    Raises:
        InputError: not even one batch can be filled.
    """
    rows = jax.device_put(rows)
    _, steps = _batches(rows.shape[1], batch_size)
    return Partial(_scattered_each(steps, batch_size), key, rows)


@functools.lru_cache(maxsize=64)
def _scattered_each(steps, batch_size):
    of_one = _scattered(steps, batch_size)
    return lambda key, rows, seed, epoch: of_one(key, rows[seed], seed, epoch)


def by_length(
    key: jax.Array, lengths: Int[np.ndarray, " N"], widths: Sequence[int], batch_size: int
) -> Partial:
    """sampler(seed, epoch) -> indices [steps, batch_size]: rows of like length share batches.

    A permutation as `scattered` draws it, sorted by which of the widths a row fits into first;
    then the batches in a new order. The last, partial batch is dropped.

    Args:
        key: of all orders.
        lengths: of the rows, in tokens.
        widths: ascending, in tokens.
        batch_size: B.
    """
    groups = jax.device_put(np.searchsorted(widths, lengths))
    of_rows, of_batches = jax.random.split(key)
    draw = scattered(of_rows, len(lengths), batch_size)

    def sampler(groups, of_batches, draw, seed, epoch):
        drawn = draw(seed, epoch)
        alike = drawn.ravel()[jnp.argsort(groups[drawn.ravel()], stable=True)]
        own = jax.random.fold_in(jax.random.fold_in(of_batches, seed), epoch)
        return alike.reshape(drawn.shape)[permutation(own, len(drawn))]

    return Partial(sampler, groups, of_batches, draw)


def of_seeds(sampler: Callable, seeds: Array, epoch: Array) -> Int[Array, "steps ..."]:
    """The indices [steps, S, B] of an epoch, or [steps, B] where `seeds` is one for all."""
    if jnp.ndim(seeds) == 0:
        return sampler(seeds, epoch)
    return jax.vmap(sampler, in_axes=(0, None))(seeds, epoch).swapaxes(0, 1)


def _batches(rows, batch_size):
    """(the indices of the rows, how many batches they fill)."""
    indices = jax.device_put(np.arange(rows) if isinstance(rows, int) else rows)
    count = len(indices)
    require(
        count >= batch_size,
        f"{count} rows do not fill a batch of {batch_size}: take a smaller batch",
    )
    return indices, count // batch_size


def _mixed(x):
    """The finalizer of MurmurHash3 (Appleby, public domain): every bit of x moves all others."""
    x = (x ^ (x >> 16)) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * np.uint32(0xC2B2AE35)
    return x ^ (x >> 16)


def _below(x, base):
    """32 random bits as a number below `base`, which has at most 16 bits."""
    return ((x >> 16) * base) >> 16
