"""How the contract calls a loss: generated arrays, one compiled program per name, comparison."""

import functools

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies as st

from kd_jax import losses

from .contract import BATCH, ROWS
from .quick import quick_jit

every = pytest.mark.parametrize("name", ROWS)
generated = hypothesis.settings(max_examples=4, derandomize=True, deadline=None, database=None)


def having(promise):
    return pytest.mark.parametrize("name", [name for name, row in ROWS.items() if promise(row)])


def normal(seed, scale=1.0, flaw=None):
    """A source of float32 arrays; a flaw makes one row zero, or two rows equal."""
    rng = np.random.default_rng(seed)

    def draw(*shape):
        x = rng.normal(size=shape) * scale
        if flaw == "dead":
            x[0] = 0
        if flaw == "equal":
            x[1] = x[0]
        return x.astype(np.float32)

    return draw


draws = st.builds(
    normal,
    st.integers(0, 2**32 - 1),
    st.sampled_from([1e-3, 1.0, 30.0]),
    st.sampled_from([None, "dead", "equal"]),
)


def call(name, arrays, where=None, **keywords):
    if name == "review_pyramid":
        arrays = [[x] for x in arrays]
    if name == "chunked":
        arrays = [losses.forward_kl, *arrays]
    masked = {} if where is None else {"where": where}
    return getattr(losses, name)(*arrays, **{**ROWS[name].keywords, **keywords}, **masked)


def is_float(x):
    return np.issubdtype(x.dtype, np.floating)


def weighted_sum(values):
    """Weighted, so that a mistake in one example cannot cancel against another's."""
    flat = jnp.concatenate([x.reshape(-1) for x in jax.tree.leaves(values)])
    return jnp.sum(flat * jnp.arange(1, flat.size + 1))


def parted(arrays):
    """The floats, None in place of the others; and the others, None in place of the floats."""
    floats = [np.asarray(x, np.float32) if is_float(x) else None for x in arrays]
    return floats, [None if is_float(x) else x for x in arrays]


def joined(floats, others):
    return [f if o is None else o for f, o in zip(floats, others)]


@functools.cache
def graded(name):
    """(arrays, where, numbers) -> values, and slopes of their weighted sum: by arrays, by numbers.

    The numbers of the row are arguments of the one program.
    """
    row = ROWS[name]

    def total(floats, numbers, others, where):
        values = call(name, joined(floats, others), where if row.where else None, **numbers)
        return weighted_sum(values), values

    program = quick_jit(jax.value_and_grad(total, (0, 1), has_aux=True))

    def run(arrays, where=None, numbers=None):
        where = np.ones(BATCH, bool) if where is None else where
        numbers = row.numbers if numbers is None else numbers
        floats, others = parted(arrays)
        (_, values), slopes = program(floats, numbers, others, where)
        return values, slopes

    return run


def compiled(name):
    """(arrays, where) -> the value and the gradient of its weighted sum for each float array."""

    def run(arrays, where=None):
        values, (gradients, _) = graded(name)(arrays, where)
        return values, gradients

    return run


GIVEN = 1  # the seed of the arrays that other_ways is given


@functools.cache
def other_ways(name):
    """What the arrays of a row give in other ways, all computed by one program.

    known: its arrays and numbers are constants of the program; short: the last example is left
    out; tokens: there are two batch axes; vmap: each example is a batch of its own.
    """
    row, arrays = ROWS[name], ROWS[name].make(normal(GIVEN))
    axes = [None if i in row.shared else 0 for i in range(len(arrays))]

    def single(*example):
        return call(name, [x if axis is None else x[None] for x, axis in zip(example, axes)])[0]

    @quick_jit
    def found(traced):
        ways = {"known": call(name, arrays)}
        if row.where and row.result != "array":
            ways["short"] = call(name, [x if a is None else x[:-1] for x, a in zip(traced, axes)])
        if row.tokens:
            pairs = zip(traced, axes)
            split = [x if a is None else x.reshape(2, 2, *x.shape[1:]) for x, a in pairs]
            ways["tokens"] = call(name, split, np.ones((2, 2), bool))
        if row.result == "example":
            ways["vmap"] = jax.vmap(single, in_axes=axes)(*traced)
        return ways

    return found(arrays)


def assert_near(got, want, rtol=1e-4, atol=1e-6):
    """Within rtol of the largest entry: float32 sums of terms of unlike size."""
    for g, w in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        g, w = np.asarray(g, np.float64), np.asarray(w, np.float64)
        assert g.shape == w.shape
        np.testing.assert_allclose(g, w, rtol=0, atol=atol + rtol * np.max(np.abs(w), initial=0))


def assert_finite(*trees):
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(trees))
