"""Schedules against numbers worked out by hand, and the reversed gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kd_jax import losses
from kd_jax.training import schedules

from .quick import quick_jit


def values(schedule, steps):
    return np.array(quick_jit(lambda steps: [schedule(step) for step in steps])(list(steps)))


def test_constant():
    np.testing.assert_array_equal(values(schedules.constant(4.0), (0, 1, 10**6)), [4, 4, 4])


def test_linear_holds_both_ends():
    # From 20 to 4 in 8 steps, 2 at a time, after 3 steps of waiting.
    schedule = schedules.linear(20.0, 4.0, 8, begin=3)
    np.testing.assert_allclose(
        values(schedule, (0, 3, 4, 7, 10, 11, 500)), [20, 20, 18, 12, 6, 4, 4]
    )


def test_cosine_holds_both_ends_and_may_start_at_zero():
    # ½ (1 − cos π x) at x = 0, 1/3, 1/2, 2/3, 1 is 0, 1/4, 1/2, 3/4, 1.
    schedule = schedules.cosine(0.0, 2.0, 6, begin=1)
    got = values(schedule, (0, 1, 3, 4, 5, 7, 900))
    np.testing.assert_allclose(got, [0, 0, 0.5, 1, 1.5, 2, 2], atol=1e-6)
    falling = schedules.cosine(2.0, 0.5, 6)
    np.testing.assert_allclose(values(falling, (0, 3, 6)), [2, 1.25, 0.5], atol=1e-6)


@pytest.mark.parametrize("make", [schedules.linear, schedules.cosine])
def test_steps_and_ends_may_be_traced(make):
    schedule = make(1.0, 3.0, 4)
    scan = quick_jit(lambda x: jax.lax.scan(lambda _, step: (None, schedule(step)), None, x)[1])
    scanned = scan(np.arange(-2, 8))
    known = [float(schedule(step)) for step in range(-2, 8)]
    np.testing.assert_allclose(scanned, known, rtol=1e-6)
    assert scanned[0] == 1 and scanned[-1] == 3
    members = quick_jit(jax.vmap(lambda end: make(1.0, end, 4)(2)))(np.array([3.0, 5.0]))
    np.testing.assert_allclose(members, [2, 3], rtol=1e-6)


@pytest.mark.parametrize("make", [schedules.linear, schedules.cosine])
@pytest.mark.parametrize("steps, begin", [(0, 0), (-3, 0), (5, -1)])
def test_a_ramp_without_length_raises(make, steps, begin):
    with pytest.raises(ValueError, match="ramp"):
        make(1.0, 2.0, steps, begin=begin)


@pytest.mark.parametrize("scale", [0.0, 0.25, 1.0])
def test_reverse_gradient(scale):
    def loss(x, scale):
        return jnp.sum(jnp.array([2.0, 3.0]) * schedules.reverse_gradient(x, scale) ** 2)

    x = jnp.array([0.3, -1e4])
    assert jnp.all(schedules.reverse_gradient(x, scale) == x)
    slope = quick_jit(jax.grad(loss, argnums=(0, 1)))(x, scale)
    # d/dx of 2 x² and 3 x² is 4 x and 6 x.
    np.testing.assert_allclose(slope[0], -scale * jnp.array([4.0, 6.0]) * x, rtol=1e-6)
    assert slope[1] == 0


def test_learned_temperature_climbs_the_loss_that_the_student_descends():
    student, teacher = np.array([[[1.0, -1.0, 0.5]], [[3.0, 0.0, -2.0]]], np.float32)

    def at(temperature):
        return jnp.sum(losses.soft_targets(student, teacher, temperature=temperature))

    # sigmoid(0) = ½: T = 1 + 20/2, and dT/dparameter = 20/4.
    assert schedules.learned_temperature(0.0, 1.0) == 11
    learned = jax.grad(lambda x, scale: at(schedules.learned_temperature(x, scale)))
    slope, climbed, still = quick_jit(
        lambda x: (jax.grad(at)(x + 11), learned(x, 0.5), learned(x, 0.0))
    )(0.0)
    np.testing.assert_allclose(climbed, -0.5 * 5 * slope, rtol=1e-5)
    assert still == 0
