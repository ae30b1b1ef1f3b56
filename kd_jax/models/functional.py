"""From a Flax module to pure functions."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp


class Model(NamedTuple):
    """A network as two pure functions.

    init: key -> params.
    apply: (params, inputs [B, …], train=False, key=None) -> (logits [B, C], features).
      `features` is a dict of named arrays; `key` is needed where train=True draws dropout.
    network: the Flax module that they are of, where they are of one.
    """

    init: Callable
    apply: Callable
    network: Any = None


def functional(module, input_shape):
    """The Model of a Flax module called as module(inputs, train) for inputs [B, *input_shape]."""

    def init(key):
        return module.init(key, jnp.zeros((1, *input_shape)), False)["params"]

    def apply(params, inputs, train=False, key=None):
        rngs = None if key is None else {"dropout": key}
        return module.apply({"params": params}, inputs, train, rngs=rngs)

    return Model(init, apply, module)
