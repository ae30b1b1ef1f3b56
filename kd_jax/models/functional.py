"""Networks as two pure functions, init and apply."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp


class Model(NamedTuple):
    """A network as two pure functions.

    Attributes:
        init: key -> params.
        apply: (params, inputs [B, …], train=False, key=None) -> (logits [B, C], features), with
            features a dict of named arrays; `key` is needed where train=True draws dropout.
        network: The Flax module that they are of, or None.
    """

    init: Callable
    apply: Callable
    network: Any = None


def functional(module: nn.Module, input_shape: Sequence[int]) -> Model:
    """Turn a Flax module into a Model.

    Args:
        module: Called as module(inputs, train); it returns (logits, features).
        input_shape: The shape of one input, without the batch.

    Returns:
        The Model, for inputs [B, *input_shape]; of equal modules the same one, so that what is
        compiled for it is compiled once.
    """
    try:
        return _kept(module, tuple(input_shape))
    except TypeError:  # a field of the module cannot be hashed
        return _functional(module, tuple(input_shape))


def _functional(module, input_shape):
    def init(key):
        return module.init(key, jnp.zeros((1, *input_shape)), False)["params"]

    def apply(params, inputs, train=False, key=None):
        rngs = None if key is None else {"dropout": key}
        return module.apply({"params": params}, inputs, train, rngs=rngs)

    return Model(init, apply, module)


_kept = functools.lru_cache(maxsize=64)(_functional)
