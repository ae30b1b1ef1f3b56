"""A network of any library as bytes: its function of variables and inputs, without its code."""

from typing import Any

import jax
import jax.export
import jax.numpy as jnp

from kd_jax.export import formats
from kd_jax.models import Model


def written(model: Model, variables: Any, inputs: Any) -> bytes:
    """The logits of a network as a StableHLO function of its variables and any number of rows.

    Args:
        model: The network.
        variables: Of it; their shapes and types count.
        inputs: [N, …], for their shapes.
    """

    def logits(variables, inputs):
        return formats.of_any_batch(formats.function_of(model, variables), inputs)(inputs)

    like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), variables)
    exported = jax.export.export(jax.jit(logits), platforms=formats.PLATFORMS)
    return bytes(exported(like, formats.symbolic(inputs)).serialize())


def read(content: bytes) -> Model:
    """The Model of what `written` gave: its logits are the network's, it has no features.

    Args:
        content: The bytes.
    """
    exported = jax.export.deserialize(bytearray(content))
    (variables, _), _ = jax.tree.unflatten(exported.in_tree, exported.in_avals)

    def init(key):
        return jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), variables)

    def apply(variables, inputs, train=False, key=None):
        return (exported.call(variables, inputs), {}), variables["state"]

    return Model(init, apply)
