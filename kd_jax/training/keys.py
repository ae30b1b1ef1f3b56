"""Random keys by name: every random choice of a run follows from its base seed.

    key(base_seed, "teacher", 2)                    # of the third teacher
    keys(base_seed, "student", 2, count=10)         # of its ten students
    number(base_seed, "draw", "labels")             # for what NumPy draws

A choice that is added, left out or made earlier leaves all others as they were.
"""

import functools
import hashlib
import json

import jax
import numpy as np
from jaxtyping import Array, Key

from kd_jax.runtime import compilation


def key(base_seed: int, *names: str | int) -> Key[Array, ""]:
    """The key of what is named: `jax.random.key(base_seed)`, each name folded into it.

    Args:
        base_seed: from 0 to 2³² − 1.
        names: words, of which the first 4 bytes of their SHA-256 are folded in, and counts, which
            are folded in as they are.
    """
    found = jax.random.key(np.uint32(base_seed))
    for name in names:
        found = _folded(found, np.uint32(name if isinstance(name, int) else _word(name)))
    return found


def keys(base_seed: int, *names: str | int, count: int) -> Key[Array, " count"]:
    """The keys of so many that bear one name: the i-th is `key(base_seed, *names, i)`.

    More of them begin with those that there were.

    Args:
        base_seed: as for `key`.
        names: as for `key`.
        count: how many.
    """
    return _each_folded(key(base_seed, *names), np.arange(count, dtype=np.uint32))


_folded = compilation.quick_jit(jax.random.fold_in)
_each_folded = compilation.quick_jit(jax.vmap(jax.random.fold_in, in_axes=(None, 0)))


@functools.partial(compilation.quick_jit, static_argnames="count")
def split_each(keys: Key[Array, " S"], count: int = 2) -> tuple[Key[Array, " S"], ...]:
    """`count` keys of each key, as so many arrays.

    Args:
        keys: of which each is split.
        count: how many it becomes.
    """
    return tuple(jax.vmap(lambda key: jax.random.split(key, count), out_axes=1)(keys))


def number(base_seed: int, *names: str | int) -> int:
    """The seed of a NumPy generator for what is named: 8 bytes of the SHA-256 of both.

    Args:
        base_seed: as for `key`.
        names: as for `key`.
    """
    text = json.dumps([base_seed, *names])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


def _word(name):
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
