"""Coefficients as functions of the step: temperatures, weights of losses, curricula.

A schedule is `step -> value`; the step may be traced, so that a schedule lives inside a scanned
or compiled training. Before its ramp a schedule holds the start, after it the end. The shapes are
optax's, so that they are the ones a learning rate has.
"""

import jax
import jax.numpy as jnp
import optax


def constant(value):
    """The same value at every step."""
    return optax.constant_schedule(value)


def _check_ramp(steps, begin):
    if not steps > 0 or begin < 0:
        raise ValueError(f"a ramp of {steps} steps from step {begin}: expected above 0, from 0 on")


def linear(start, end, steps, *, begin=0):
    """From start to end in equal increments.

    start + (end − start) · clip((step − begin)/steps, 0, 1).

    Args: start and end, numbers that may be traced; steps > 0 and begin ≥ 0, in steps.
    Raises: ValueError on steps ≤ 0 or begin < 0 (optax logs a message and holds the start).
    """
    _check_ramp(steps, begin)
    return optax.linear_schedule(start, end, steps, begin)


def cosine(start, end, steps, *, begin=0):
    """From start to end along half a cosine, flat at both.

    end + (start − end) · ½ (1 + cos π x), x = clip((step − begin)/steps, 0, 1). Rises as well as
    it decays, and may start at 0, which optax.cosine_decay_schedule alone may not.

    Args: start and end, numbers that may be traced; steps > 0 and begin ≥ 0, in steps.
    Raises: ValueError on steps ≤ 0 or begin < 0.
    Source: Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5 without restarts.
    """
    _check_ramp(steps, begin)
    remaining = optax.cosine_decay_schedule(1.0, steps)

    def value(step):
        return end + (start - end) * remaining(jnp.maximum(step - begin, 0))

    return value


def reverse_gradient(x, scale=1.0):
    """x itself, whose gradient is multiplied by −scale on the way back.

    A minimiser of the loss thereby climbs it in x, at `scale` times the rate: 0 at the start of a
    curriculum leaves x alone, 1 reverses it fully.

    Args: x, an array; scale, a number that may be traced and gets no gradient.
    Source: Ganin and Lempitsky 2015, arXiv 1409.7495 (the gradient reversal layer).
    """
    held = jax.lax.stop_gradient(x)
    return held - jax.lax.stop_gradient(scale) * (x - held)


def learned_temperature(parameter, scale, *, start=1.0, span=20.0):
    """A temperature that is trained against the student, to make its task harder by and by.

    T = start + span · sigmoid(parameter), in (start, start + span), with the parameter's gradient
    reversed and multiplied by `scale`. `parameter` is one more entry of the trained parameters (1
    at first, in the authors' code); `scale` follows a curriculum, e.g. cosine(0, 1, steps).

        scale = cosine(0.0, 1.0, 10 * steps_per_epoch)(step)
        temperature = learned_temperature(params["temperature"], scale)
        loss = jnp.mean(soft_targets(student, teacher, temperature=temperature))

    Args: parameter, a number; scale ≥ 0; start > 0; span ≥ 0.
    Source: Li et al. 2022, arXiv 2211.16231 (CTKD, the global temperature). In the authors' code
      the sign is in the scale, which falls along a cosine. One temperature for each example is
      left to the caller: vmap over parameters.
    """
    return start + span * jax.nn.sigmoid(reverse_gradient(parameter, scale))
