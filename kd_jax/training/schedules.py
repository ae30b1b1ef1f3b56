"""Schedules of temperatures, loss weights and curricula over the steps of a training.

A schedule is `step -> value`; the step may be traced, so that a schedule lives inside a scanned
or compiled training. Before its ramp a schedule holds the start, after it the end. The shapes are
optax's, so that they are the ones a learning rate has.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

Number = float | Array
Schedule = Callable[[Number], Number]


def constant(value: Number) -> Schedule:
    """The same value at every step."""
    return optax.constant_schedule(value)


def _check_ramp(steps, begin):
    if not steps > 0 or begin < 0:
        raise ValueError(f"a ramp of {steps} steps from step {begin}: expected above 0, from 0 on")


def linear(start: Number, end: Number, steps: int, *, begin: int = 0) -> Schedule:
    """From start to end in equal increments.

    start + (end − start) · clip((step − begin)/steps, 0, 1).

    Args:
        start: the first value; may be traced.
        end: the last value; may be traced.
        steps: above 0.
        begin: the step at which the ramp begins, 0 or more.

    Raises:
        ValueError: steps ≤ 0 or begin < 0.
    """
    _check_ramp(steps, begin)
    return optax.linear_schedule(start, end, steps, begin)


def cosine(start: Number, end: Number, steps: int, *, begin: int = 0) -> Schedule:
    """From start to end along half a cosine, flat at both.

    end + (start − end) · ½ (1 + cos π x), x = clip((step − begin)/steps, 0, 1). Rises as well as
    it decays, and may start at 0, which optax.cosine_decay_schedule alone may not.

    Args:
        start: the first value; may be traced.
        end: the last value; may be traced.
        steps: above 0.
        begin: the step at which the ramp begins, 0 or more.

    Raises:
        ValueError: steps ≤ 0 or begin < 0.

    Source: Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5 without restarts.
    """
    _check_ramp(steps, begin)
    remaining = optax.cosine_decay_schedule(1.0, steps)

    def value(step):
        return end + (start - end) * remaining(jnp.maximum(step - begin, 0))

    return value


def reverse_gradient(x: Number, scale: Number = 1.0) -> Number:
    """x itself, whose gradient is multiplied by −scale on the way back.

    A minimizer of the loss thereby climbs it in x, at `scale` times the rate: 0 at the start of a
    curriculum leaves x alone, 1 reverses it fully.

    Args:
        x: any array.
        scale: may be traced; gets no gradient.

    Source: Ganin and Lempitsky 2015, arXiv 1409.7495 (the gradient reversal layer).
    """
    held = jax.lax.stop_gradient(x)
    return held - jax.lax.stop_gradient(scale) * (x - held)


def learned_temperature(
    parameter: Number, scale: Number, *, start: float = 1.0, span: float = 20.0
) -> Number:
    """A temperature that is trained against the student, to make its task harder by and by.

    T = start + span · sigmoid(parameter), in (start, start + span), with the parameter's gradient
    reversed and multiplied by `scale`. `parameter` is one more entry of the trained parameters (1
    at first, in the authors' code); `scale` follows a curriculum, e.g. cosine(0, 1, steps).

        scale = cosine(0.0, 1.0, 10 * steps_per_epoch)(step)
        temperature = learned_temperature(params["temperature"], scale)
        loss = jnp.mean(soft_targets(student, teacher, temperature=temperature))

    Args:
        parameter: trained.
        scale: 0 or more.
        start: above 0.
        span: 0 or more.

    Source: Li et al. 2022, arXiv 2211.16231 (CTKD, the global temperature). In the authors' code
    the sign is in the scale, which falls along a cosine. One temperature for each example is left
    to the caller: vmap over parameters.
    """
    return start + span * jax.nn.sigmoid(reverse_gradient(parameter, scale))
