"""The contract of every public loss (gradients, masks, vmap, minima); one without a row fails."""

import importlib
import inspect
import pathlib
import pkgutil

import hypothesis
import jax
import numpy as np
import pytest
from hypothesis import strategies as st
from jax.test_util import check_vjp

from kd_jax import losses

from .contract import BATCH, ROWS
from .harness import (
    GIVEN,
    assert_finite,
    assert_near,
    call,
    compiled,
    draws,
    every,
    generated,
    having,
    is_float,
    normal,
    other_ways,
)
from .quick import quick_jit


def test_every_public_name_has_a_row():
    assert sorted(losses.__all__) == sorted(ROWS)
    files = [name for _, name, _ in pkgutil.iter_modules(losses.__path__) if name[0] != "_"]
    modules = [importlib.import_module(f"kd_jax.losses.{name}") for name in files]
    defined = [
        name
        for module in modules
        for name, found in inspect.getmembers(module, inspect.isfunction)
        if name[0] != "_" and found.__module__ == module.__name__
    ]
    assert sorted(defined) == sorted(ROWS)


def test_every_docstring_says_what_a_reader_needs():
    for name, row in ROWS.items():
        text = getattr(losses, name).__doc__
        first = text.split("\n\n")[0]
        assert first.strip().endswith((".", ";")) or ":" in first
        assert all(f"\n    {part}:\n        " in text for part in ("Args", "Returns", "Raises"))
        assert row.result != "batch" or "the whole batch" in first


def test_every_name_is_in_the_table_of_conventions():
    table = (pathlib.Path(__file__).parents[2] / "docs" / "losses.md").read_text()
    assert [name for name in ROWS if f"`{name}`" not in table] == []


@having(lambda row: row.best)
@generated
@hypothesis.given(seed=st.integers(0, 2**32 - 1))
def test_minimum(name, seed):
    row = ROWS[name]
    arrays, minimum = row.best(row.make(normal(seed)))
    values, gradients = compiled(name)(arrays)
    assert_near(values, np.broadcast_to(minimum, values.shape), atol=1e-4)
    if row.smooth:
        assert_near(gradients[0], np.zeros(arrays[0].shape), atol=1e-4)
    assert_finite(gradients)
    moved = [arrays[0] + np.float32(0.3) * normal(seed + 1)(*arrays[0].shape), *arrays[1:]]
    assert np.all(compiled(name)(moved)[0] >= values - 1e-4)


@every
def test_arrays_that_are_known_single_or_of_more_axes_give_the_same(name):
    want, _ = compiled(name)(ROWS[name].make(normal(GIVEN)))
    ways = other_ways(name)
    for way in ways.keys() & {"known", "vmap"}:
        assert_near(ways[way], want)
    if "tokens" in ways:
        assert ways["tokens"].shape == (2, 2)
        assert_near(ways["tokens"].reshape(-1), want)


@pytest.mark.parametrize("name", ["cached_top_k", "cross_entropy", "hint", "masked_mean"])
def test_jit_is_eager(name):
    arrays = ROWS[name].make(normal(1))
    assert_near(compiled(name)(arrays)[0], call(name, arrays))


@having(lambda row: row.result != "array" and not row.ordered)
@generated
@hypothesis.given(draw=draws, order=st.permutations(range(BATCH)))
def test_order_of_the_batch(name, draw, order):
    row = ROWS[name]
    arrays = row.make(draw)
    shuffled = [x if i in row.shared else x[np.array(order)] for i, x in enumerate(arrays)]
    want = compiled(name)(arrays)[0]
    assert_near(compiled(name)(shuffled)[0], want[np.array(order)] if want.ndim else want, 1e-3)


@having(lambda row: row.classes)
@generated
@hypothesis.given(seed=st.integers(0, 2**32 - 1), order=st.permutations(range(5)))
def test_order_of_the_classes(name, seed, order):
    arrays = ROWS[name].make(normal(seed))
    renamed = [x[:, np.array(order)] if is_float(x) else np.argsort(order)[x] for x in arrays]
    assert_near(compiled(name)(renamed)[0], compiled(name)(arrays)[0])


@having(lambda row: row.shift)
@generated
@hypothesis.given(seed=st.integers(0, 2**32 - 1), shift=st.floats(-20, 20))
def test_a_constant_added_to_the_scores_changes_nothing(name, seed, shift):
    arrays = ROWS[name].make(normal(seed))
    shifts = [(i + 1) * np.float32(shift) if i in ROWS[name].shift else 0 for i in range(3)]
    moved = [x + shifts[i] for i, x in enumerate(arrays)]
    assert_near(compiled(name)(moved)[0], compiled(name)(arrays)[0], atol=1e-4)


@every
@generated
@hypothesis.given(draw=draws)
def test_the_gradient_is_the_students_alone(name, draw):
    arrays = ROWS[name].make(draw)
    values, gradients = compiled(name)(arrays)
    assert_finite(values, gradients)
    for i in ROWS[name].teacher:
        assert not np.any(gradients[i])


def checked_gradients(name, examples):
    """Gradients of the sum of the values of each batch, after a check by finite differences."""
    free = [i for i, x in enumerate(examples[0]) if is_float(x) and i not in ROWS[name].teacher]

    def value(moving, fixed):
        parts = list(fixed)
        for i, x in zip(free, moving):
            parts[i] = x
        return call(name, parts)

    @quick_jit  # one program for values and gradients, of all batches
    def both(moving, fixed, cotangent):
        values, pull = jax.vjp(lambda *x: value(x, fixed), *moving)
        return values, pull(cotangent)

    def gradients(fixed):
        moving = tuple(fixed[i] for i in free)
        nothing = np.zeros(() if ROWS[name].result == "batch" else 1)

        def vjp(*x):
            return both(x, fixed, nothing)[0], lambda cotangent: both(x, fixed, cotangent)[1]

        check_vjp(lambda *x: both(x, fixed, nothing)[0], vjp, moving, atol=1e-5, rtol=1e-5)
        return both(moving, fixed, nothing + 1)[1]

    return free, [gradients(fixed) for fixed in examples]


@having(lambda row: row.result != "array")
def test_gradients_by_finite_differences(name):
    """Those of single examples in double precision, which together are those of the batch."""
    row, arrays = ROWS[name], ROWS[name].make(normal(5))
    with jax.enable_x64(True):
        wide = [x.astype(np.float64) if is_float(x) else x for x in arrays]
        single = [wide] if row.result == "batch" else []
        for n in range(0 if single else BATCH):
            single.append([x if i in row.shared else x[n : n + 1] for i, x in enumerate(wide)])
        free, found = checked_gradients(name, single)
    _, slopes = compiled(name)(arrays)
    for place, i in enumerate(free):
        # the number of an example is its weight in the sum
        parts = [n * np.asarray(gradients[place]) for n, gradients in enumerate(found, 1)]
        want = sum(parts) if i in row.shared else np.concatenate(parts)
        assert_near(slopes[i], want, 1e-3)


@every
@pytest.mark.parametrize("scale", [1e4, 0.0])
def test_extremes_are_finite(name, scale):
    signs = ROWS[name].make(lambda *shape: np.sign(normal(6)(*shape)) * np.float32(scale))
    mixed = ROWS[name].make(normal(7, scale))
    for arrays in (signs, mixed, [signs[0], *mixed[1:]]):
        assert_finite(*compiled(name)(arrays))


@every
@pytest.mark.parametrize("given", ["bfloat16", "float16", "float32", "float64"])
def test_half_precision_is_raised_and_double_kept(name, given):
    wide = given == "float64"
    with jax.enable_x64(wide):
        types = [given if is_float(x) else x.dtype for x in ROWS[name].make(normal(8))]
        pairs = zip(ROWS[name].make(normal(8)), types)
        arrays = [jax.ShapeDtypeStruct(x.shape, dtype) for x, dtype in pairs]
        shapes = jax.eval_shape(lambda x: call(name, x), arrays)
        for leaf in jax.tree.leaves(shapes):
            assert leaf.dtype == ("float64" if wide else "float32")
