"""The fingerprint of a value: of all that decides what it computes, its closures included."""

import copyreg
import dataclasses
import functools
import hashlib
import types
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from kd_jax.errors import require
from kd_jax.fingerprint import _definitions

PLAIN = type(None), bool, int, float, complex, str, bytes
OUTER: tuple[Any, ...] = (type(jax.jit(lambda: None)), type(functools.lru_cache(lambda: None)))


def value(x: Any) -> str:
    """16 hexadecimal digits of a value that holds numbers, arrays, functions, networks, settings.

    A function of the project is its code, see `code`, its defaults, and the values that it holds
    of the functions around it; one of an installed package is its name, if it stands within
    another with such values too. Any other object is its class and what pickle would keep of it.
    The order of a dict and of a set does not matter, nor whether it says 1 or 1.0.

    Args:
        x: like a teachers.NetworkRecipe, or an optax transformation.

    Returns:
        A digest that is the same in every process.

    Raises:
        InputError: it holds what cannot be seen into, as an open file or a function typed at a
            prompt.
    """
    return _Digests().of(x)[:16]


class _Digests:
    """Digests of objects, each computed once; all are kept, lest an id be given to another."""

    def __init__(self):
        self.known: dict = {}
        self.begun: list = []

    def of(self, x) -> str:
        if id(x) in self.begun:  # it holds itself
            return f"{len(self.begun) - self.begun.index(id(x))} above"
        if id(x) not in self.known:
            self.begun.append(id(x))
            text = repr(_parts(x, self.of))
            self.begun.pop()
            self.known[id(x)] = x, hashlib.sha256(text.encode()).hexdigest()
        return self.known[id(x)][1]


def _parts(x: Any, of: Callable) -> tuple:
    """What an object consists of, the parts of it as digests."""
    if type(x) is float and x.is_integer():  # 1.0 is 1: optax's schedules convert when used
        return "int", f"{x:.0f}"
    if type(x) in PLAIN:
        return type(x).__name__, repr(x)
    if isinstance(x, (np.ndarray, np.generic, jax.Array)):
        return _array(x, of)
    if type(x) in (list, tuple):
        return type(x).__name__, [of(each) for each in x]
    if type(x) is dict:
        pairs = sorted(((of(name), each) for name, each in x.items()), key=lambda pair: pair[0])
        return "dict", [(name, of(each)) for name, each in pairs]
    if type(x) in (set, frozenset):
        return type(x).__name__, sorted(of(each) for each in x)
    if isinstance(x, types.ModuleType):
        return "module", *_definitions.of_module(x)
    if name := _definitions.installed_name(x):
        return "name", *name
    if isinstance(x, type):
        name, held = _definitions.of_class(x)
        return "class", *name, of(held)
    if isinstance(x, types.FunctionType):
        name, held = _definitions.of_function(x)
        return "function", *name, of(held), of(_lasting(x, vars(x)))
    if isinstance(x, types.MethodType):
        return "method", of(x.__func__), of(x.__self__)
    if isinstance(x, OUTER):  # compiled, or cached
        return _parts(x.__wrapped__, of)
    if any(each.__module__ == "flax.linen.module" for each in type(x).__mro__):
        names = {field.name for field in dataclasses.fields(x)} - {"parent"}
        return "network", of(type(x)), of({name: getattr(x, name) for name in names})
    return _object(x, of)


def _array(x, of):
    if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
        return "key", str(jax.random.key_impl(x)), of(jax.random.key_data(x))
    weak, x = getattr(x, "weak_type", False), np.asarray(x)
    if x.dtype.hasobject:
        return "objects", x.shape, of(x.tolist())
    return "array", repr(x.dtype), x.shape, weak, hashlib.sha256(x.tobytes()).hexdigest()


def _object(x, of):
    """What pickle would keep of an object."""
    reduce = copyreg.dispatch_table.get(type(x))
    try:
        kept: Any = reduce(x) if reduce else x.__reduce_ex__(4)
    except Exception:  # each kind has its own
        kept = None
    require(
        kept is not None,
        f"a fingerprint cannot see into {repr(x)[:80]} ({type(x).__qualname__}): "
        "hand over numbers, arrays, functions or dataclasses in its place",
    )
    if isinstance(kept, str):
        return "name", getattr(x, "__module__", None), kept
    make, given, state, listed, pairs = [*kept, None, None, None][:5]
    states = state if isinstance(state, tuple) else (state,)
    states = tuple(_lasting(x, each) if type(each) is dict else each for each in states)
    return "object", of(make), of(given), of(states), of(list(listed or ())), of(dict(pairs or ()))


def _lasting(x, state):
    """An object's attributes but for Python's own, what it wraps has too, what is computed."""
    inside = getattr(state.get("__wrapped__"), "__dict__", {})
    return {
        name: each
        for name, each in state.items()
        if name == "__wrapped__" or not str(name).startswith("__")
        if name not in inside or inside[name] is not each
        if not isinstance(getattr(type(x), str(name), None), functools.cached_property)
    }
