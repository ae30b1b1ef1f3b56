"""Arguments that somebody gives from Python: of the type that is meant, or one line says so."""

import numbers
import os
from typing import Any

from kd_jax.errors import require


def whole(what: str, value: Any, least: int = 1, below: int = 2**31) -> int:
    """A whole number as Python has it; InputError unless it is one within bounds.

    Args:
        what: It is, like "seeds".
        value: Of any kind.
        least: The smallest.
        below: What it must not reach.
    """
    require(
        _is(value, numbers.Integral) and least <= value < below,
        f"{what}={value!r:.60}: expected a whole number, {least} or more and below {below:,}",
    )
    return int(value)


def number(what: str, value: Any) -> float:
    """A number as Python has it; InputError unless it is one.

    Args:
        what: It is.
        value: Of any kind.
    """
    require(_is(value, numbers.Real), f"{what}={value!r:.60}: expected a number")
    return float(value)


def several(value: Any) -> tuple:
    """What was given, one alone as one of several.

    Args:
        value: Of any kind; a text is one.
    """
    one = isinstance(value, str | bytes | os.PathLike) or not hasattr(value, "__iter__")
    return (value,) if one else tuple(value)


def typed(what: str, value: Any, kind: type) -> Any:
    """A value as an int, a float, a bool or a str; InputError unless it is one.

    Args:
        what: It is.
        value: Of any kind; a path is a text, a whole number a number.
        kind: Of these.
    """
    if kind is int:
        require(_is(value, numbers.Integral), f"{what}={value!r:.60}: expected a whole number")
        return int(value)
    if kind is float:
        return number(what, value)
    if kind is bool:
        fits = type(value).__name__ in ("bool", "bool_")  # NumPy's too, of any version
        require(fits, f"{what}={value!r:.60}: expected True or False")
        return bool(value)
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    require(isinstance(value, str), f"{what}={value!r:.60}: expected a text")
    return value


def _is(value, kind):
    """Whether a value is such a number: Python counts True and False among them."""
    return isinstance(value, kind) and not isinstance(value, bool)
