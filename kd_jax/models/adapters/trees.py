"""Trees of modules as nested dicts of arrays, and back: what checkpoints and optimizers expect."""

from typing import Any

import jax
import jax.numpy as jnp


def to_dict(tree: Any) -> dict:
    """The arrays of a tree as nested dicts {name: … array}, lists by their numbers.

    Args:
        tree: Any JAX tree, such as an Equinox module; without weak types afterwards.

    Returns:
        The dicts; {} where the tree has no arrays.
    """
    found: dict = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        *outer, last = _names(path)
        place = found
        for name in outer:
            place = place.setdefault(name, {})
        place[last] = jnp.asarray(leaf, leaf.dtype)
    return found


def from_dict(like: Any, named: dict) -> Any:
    """The tree of which `to_dict` made nested dicts.

    Args:
        like: A tree of the same structure.
        named: What `to_dict` gave.

    Returns:
        The tree with those arrays.
    """

    def leaf(path, _):
        place = named
        for name in _names(path):
            place = place[name]
        return place

    return jax.tree_util.tree_map_with_path(leaf, like)


def _names(path):
    return [jax.tree_util.keystr((entry,), simple=True) for entry in path]
