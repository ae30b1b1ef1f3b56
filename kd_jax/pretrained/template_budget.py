"""What a template may do: each of its steps is paid for, one for an entry that it looks at.

Values may share their parts, and a few lists then stand for more letters than a disk holds; so
every operation that looks at all of a value is preceded by a walk through it, which is paid too.
"""

import threading
from collections.abc import ItemsView, Iterable, Iterator, KeysView, ValuesView
from typing import Any

from kd_jax.errors import extra

with extra("text"):
    from jinja2.exceptions import TemplateError
    from jinja2.utils import Namespace

STEPS = 5_000_000  # some seconds; and a thousand for each letter that is given
LETTERS_A_STEP = 16
BITS = 2**16  # of a whole number
TEXTS = str | bytes | bytearray


class _Budget(threading.local):
    """The steps that are left to the template that a thread renders."""

    most = left = STEPS


_budget = _Budget()


def begin(given: int = 0) -> None:
    """A template begins.

    Args:
        given: Letters that it was given.
    """
    _budget.most = _budget.left = STEPS + 1000 * given


def spend(steps: int) -> None:
    """Pay for some steps.

    Args:
        steps: Of them.

    Raises:
        TemplateError: There are not as many left.
    """
    _budget.left -= steps
    if _budget.left < 0:
        raise TemplateError(f"it would take more than {_budget.most:,} steps")


def counted(items: Iterable) -> Iterator:
    """The entries, each of which is a step.

    Args:
        items: What a loop goes through.
    """
    for item in items:
        spend(1)
        yield item


def touched(x: Any, letters: int = LETTERS_A_STEP) -> Any:
    """x, paid as what an operation copies: its entries, not what is in them.

    Args:
        x: A value.
        letters: Of a text that are one step.
    """
    if isinstance(x, TEXTS):
        spend(1 + len(x) // letters)
    else:
        spend(1 + (len(x) if isinstance(x, list | tuple | dict | range) else 0))
    return x


def walked(x: Any, letters: int = LETTERS_A_STEP) -> Any:
    """x, paid as what an operation looks at all of.

    Args:
        x: A value.
        letters: Of a text that are one step.
    """
    size(x, letters)
    return x


def size(x: Any, letters: int = LETTERS_A_STEP) -> int:
    """The letters of all texts in a value, and its entries, after a walk that is paid for.

    Args:
        x: A value.
        letters: Of a text that are one step.

    Raises:
        TemplateError: The walk is too long, or comes upon a number of more than BITS.
    """
    found, left = 0, [x]
    while left:
        part = left.pop()
        if isinstance(part, int) and not isinstance(part, bool):
            require_bits(part.bit_length())
        touched(part, letters)
        if isinstance(part, TEXTS | range):
            found += len(part)
        else:
            left += _inside(part)
            found += 1
    return found


def require_bits(count: int) -> None:
    """TemplateError if a whole number has too many.

    Args:
        count: Of its bits.
    """
    if count > BITS:
        raise TemplateError(f"it would take more than {BITS:,} bits of a number")


def _inside(x):
    """What a container holds."""
    if isinstance(x, Namespace):
        x = object.__getattribute__(x, "_Namespace__attrs")
    if isinstance(x, dict):
        return [*x, *x.values()]
    return list(x) if isinstance(x, list | tuple | KeysView | ValuesView | ItemsView) else ()
