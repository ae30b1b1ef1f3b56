"""Coefficients of losses: each is one number, in the range in which float32 computes with it.

A number may be known only at run time (an axis of vmap, an argument of jit); nothing can be raised
then, and each check says what such a value counts as, so that it is never NaN.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from kd_jax.errors import FINITE, TEMPERATURES

Scalar = float | Float[Array, ""]


def _single(name: str, value: Any) -> Scalar:
    """`value` as a float if it is known, else in 32 bits at least; ValueError unless it is one.

    An array [B] would be spread over the classes, and silently where there are B of them.
    """
    shape, known = np.shape(value), not isinstance(value, jax.core.Tracer)
    kind = np.asarray(value).dtype if known else value.dtype
    if shape:
        raise ValueError(
            f"{name} is an array of shape {shape}: expected one number; jax.vmap over the examples "
            "gives each its own"
        )
    if not jnp.issubdtype(kind, jnp.number):
        raise ValueError(f"{name} is {value!r:.60}: expected a number")
    if known:
        return float(value)
    return value.astype(jnp.promote_types(kind, jnp.float32))


def _in_range(name: str, value: Any, ends: tuple[float, float], expected: str) -> Scalar:
    number, (low, high) = _single(name, value), ends
    if isinstance(number, jax.core.Tracer):
        return jnp.where((number >= low) & (number <= high), number, 1)
    if not low <= number <= high:
        raise ValueError(f"{name} is {value}: expected {expected}")
    return number


def check_positive(name: str, value: Any) -> Scalar:
    """`value`; ValueError if it is known while tracing and not finite and above 0, in float32 too.

    One known only at run time counts as 1 where it is not.
    """
    return _in_range(name, value, FINITE, "a finite number above 0, in float32 too")


def check_temperature(value: Any) -> Scalar:
    """A temperature, as in check_positive; its square and that of its inverse are finite too."""
    low, high = TEMPERATURES
    expected = f"a finite number above 0, from {low:.0e} to {high:.0e}: its square is taken"
    return _in_range("temperature", value, TEMPERATURES, expected)


def check_fraction(name: str, value: Any) -> Scalar:
    """`value`; ValueError if it is known while tracing and not in [0, 1].

    One known only at run time counts as the nearer end where it is outside.
    """
    number = _single(name, value)
    if isinstance(number, jax.core.Tracer):
        return jnp.clip(number, 0, 1)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} is {value}: expected a number in [0, 1]")
    return number


def check_weight(name: str, value: Any) -> Scalar:
    """`value`, of any sign; ValueError if it is known while tracing and not finite."""
    number = _single(name, value)
    if not isinstance(number, jax.core.Tracer) and not -FINITE[1] <= number <= FINITE[1]:
        raise ValueError(f"{name} is {value}: expected a finite number")
    return number


def static_int(name: str, value: int, low: int, high: int | None = None) -> int:
    """`value` as an int in [low, high]; ValueError otherwise. It shapes the program."""
    if isinstance(value, (jax.core.Tracer, bool)) or int(value) != value or value < low:
        raise ValueError(f"{name} is {value}: expected a whole number, at least {low}, not traced")
    if high is not None and value > high:
        raise ValueError(f"{name} is {value}: expected at most {high}")
    return int(value)
