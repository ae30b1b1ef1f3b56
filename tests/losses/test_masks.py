"""Masks (where=) of losses: a masked example is as if it were absent, whatever it holds."""

import jax
import numpy as np
import pytest

from kd_jax import losses

from .contract import BATCH, ROWS
from .harness import (
    GIVEN,
    assert_finite,
    assert_near,
    call,
    compiled,
    having,
    is_float,
    normal,
    other_ways,
)
from .quick import quick_jit

losing = having(lambda row: row.where and row.result != "array")


def spoiled(name, arrays, kept, value):
    """The arrays with `value` in every example that is not kept."""
    arrays = [np.array(x) for x in arrays]
    for i, x in enumerate(arrays):
        if is_float(x) and i not in ROWS[name].shared:
            x[~kept] = value
    return arrays


@losing
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_a_mask_removes_value_and_gradient(name, value):
    arrays = ROWS[name].make(normal(9))
    kept = np.array([True, False, True, True])
    values, gradients = compiled(name)(spoiled(name, arrays, kept, value), kept)
    plain, _ = compiled(name)(arrays, kept)
    assert_finite(values, gradients)
    assert_near(values, plain)
    for i, gradient in enumerate(gradients):
        if gradient is not None and i not in ROWS[name].shared:
            assert not np.any(gradient[~kept])
    if values.ndim:
        assert np.all(values[~kept] == 0)
        assert_near(values[kept], compiled(name)(arrays)[0][kept])


@losing
def test_appended_padding_changes_nothing(name):
    arrays, kept = ROWS[name].make(normal(GIVEN)), np.array([True, True, True, False])
    values, gradients = compiled(name)(spoiled(name, arrays, kept, np.nan), kept)
    assert_near(values[:-1] if values.ndim else values, other_ways(name)["short"])


@losing
def test_a_mask_that_keeps_nothing_gives_zero(name):
    nothing = np.zeros(BATCH, bool)
    arrays = spoiled(name, ROWS[name].make(normal(11)), nothing, np.nan)
    values, gradients = compiled(name)(arrays, nothing)
    assert not np.any(values) and all(not np.any(g) for g in jax.tree.leaves(gradients))


def test_a_mask_of_zeros_and_ones_is_one_of_booleans():
    student, teacher = ROWS["forward_kl"].make(normal(12))

    @quick_jit
    def values(kept):
        dtypes = bool, np.int32, np.float32
        return [losses.forward_kl(student, teacher, where=kept.astype(x)) for x in dtypes]

    want, *found = values(np.array([True, False, False, True]))
    for got in found:
        np.testing.assert_array_equal(got, want)


@losing
@pytest.mark.parametrize("shape", [(BATCH + 1,), (BATCH, 2), ()])
def test_a_mask_of_another_shape_raises_with_both_shapes(name, shape):
    arrays = ROWS[name].make(normal(13))
    with pytest.raises(ValueError, match=r"where has shape .*\(.*\).*\(.*\)"):
        jax.eval_shape(lambda x: call(name, x, np.ones(shape, bool)), arrays)


def test_masked_mean_counts_every_kept_value_once():
    # (1 + 2 + 6) / 3: the two rows of unlike length are not averaged apart.
    values = np.array([[1.0, 2.0, np.nan], [6.0, np.inf, np.nan]], np.float32)
    where = np.array([[1, 1, 0], [1, 0, 0]])
    value, gradient = quick_jit(jax.value_and_grad(losses.masked_mean))(values, where)
    assert value == 3
    np.testing.assert_allclose(gradient, where / 3)
    assert losses.masked_mean(values, np.zeros((2, 3), bool)) == 0
    assert losses.masked_mean(np.zeros((0,))) == 0
    with pytest.raises(ValueError, match=r"\(2,\).*\(2, 3\)"):
        losses.masked_mean(values, np.ones(2, bool))
