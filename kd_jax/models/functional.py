"""Networks as two pure functions, init and apply."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp


class Model(NamedTuple):
    """A network as two pure functions.

    Attributes:
        init: key -> variables {"params": what training moves, "state": running statistics such as
            those of batch norm, {} where there are none}.
        apply: (variables, inputs [B, …], train=False, key=None) -> ((logits [B, C], features),
            state): features is a dict of named arrays, state what the running statistics are after
            this batch, as they were unless train=True; `key` is needed where train=True draws
            dropout.
        network: The Flax module that they are of, or None.
    """

    init: Callable
    apply: Callable
    network: Any = None

    def logits(self, variables: Any, inputs: Any) -> Any:
        """The logits [B, C] of trained variables alone."""
        (found, _), _ = self.apply(variables, inputs)
        return found


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
        collections = dict(module.init(key, jnp.zeros((1, *input_shape)), False))
        return {"params": collections.pop("params", {}), "state": collections}

    def apply(variables, inputs, train=False, key=None):
        rngs = None if key is None else {"dropout": key}
        collections = {"params": variables["params"], **variables["state"]}
        changing = list(variables["state"]) if train else False
        found = module.apply(collections, inputs, train, rngs=rngs, mutable=changing)
        return found if train else (found, variables["state"])

    return Model(init, apply, module)


_kept = functools.lru_cache(maxsize=64)(_functional)
