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


@functools.cache
def compiled(name):
    """(arrays, where) -> the value and the gradient of its weighted sum for each float array."""
    masked = ROWS[name].where

    def total(floats, others, where):
        arrays = [f if o is None else o for f, o in zip(floats, others)]
        values = call(name, arrays, where if masked else None)
        flat = jnp.concatenate([x.reshape(-1) for x in jax.tree.leaves(values)])
        # Weighted, so that a mistake in one example cannot cancel against another's.
        return jnp.sum(flat * jnp.arange(1, flat.size + 1)), values

    graded = quick_jit(jax.value_and_grad(total, has_aux=True))

    def run(arrays, where=None):
        where = np.ones(BATCH, bool) if where is None else where
        floats = [jnp.asarray(x, np.float32) if is_float(x) else None for x in arrays]
        others = [None if is_float(x) else jnp.asarray(x) for x in arrays]
        (_, values), gradients = graded(floats, others, where)
        return values, gradients

    return run


def assert_near(got, want, rtol=1e-4, atol=1e-6):
    """Within rtol of the largest entry: float32 sums of terms of unlike size."""
    for g, w in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        g, w = np.asarray(g, np.float64), np.asarray(w, np.float64)
        assert g.shape == w.shape
        np.testing.assert_allclose(g, w, rtol=0, atol=atol + rtol * np.max(np.abs(w), initial=0))


def assert_finite(*trees):
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(trees))
