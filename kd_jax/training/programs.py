"""Compiled programs, kept for trainings that differ by their keys, data and numbers alone."""

import weakref
from collections.abc import Callable, Hashable
from typing import Any

import jax

OPTIONS = (  # of jax, which a program compiled under others does not heed
    "jax_default_matmul_precision", "jax_enable_x64", "jax_threefry_partitionable",
)  # fmt: skip
_kept: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def compiled(owner: Callable, known: Hashable, jitted: Any, *arguments: Any) -> Any:
    """The compiled program of a function for arguments like these, compiled at most once.

    Args:
        owner: with which the program is forgotten, as a loss that is trained no more.
        known: whatever else decides the program.
        jitted: of jax.jit.
        arguments: of which shapes, dtypes and places count.
    """
    leaves, structure = jax.tree.flatten(arguments)
    like = tuple((jax.typeof(x), getattr(x, "sharding", None)) for x in leaves)
    options = tuple(getattr(jax.config, name) for name in OPTIONS)
    key = known, options, structure, like
    try:
        programs = _kept.setdefault(owner, {})
        found = programs.get(key)
    except TypeError:  # it cannot be told from others: nothing is kept
        return jitted.lower(*arguments).compile()
    if found is None:
        found = programs[key] = jitted.lower(*arguments).compile()
    return found
