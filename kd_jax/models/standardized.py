"""Standardization inside a network, so that it takes images as files have them."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np

from kd_jax.models.model import Model


@dataclasses.dataclass(frozen=True)
class Standardized:
    """What the Model of `standardized` is of: a Flax module, and the constants before it."""

    net: Any
    mean: tuple[float, ...]
    scale: tuple[float, ...]


def standardized(model: Model, mean: Any, scale: Any) -> Model:
    """A network that reads (x − mean) · scale, per channel, in float32.

    Args:
        model: reads standardized inputs [B, …, C].
        mean: of each of the C channels.
        scale: likewise; the inverse of the standard deviation, say.

    Returns:
        The network for inputs [B, …, C] of any type of numbers, uint8 too. Its variables are the
        model's: the constants are no parameters.
    """
    constants = [tuple(np.asarray(x, np.float32).ravel().tolist()) for x in (mean, scale)]
    first, factor = (np.array(x, np.float32) for x in constants)

    def seen(inputs):
        return (jnp.asarray(inputs, jnp.float32) - first) * factor

    def apply(variables, inputs, train=False, key=None):
        return model.apply(variables, seen(inputs), train=train, key=key)

    def plain(variables, inputs):
        return (model.logits(variables, seen(inputs)), {}), variables["state"]

    apply.standardizes = constants  # type: ignore[attr-defined]
    network = None if model.network is None else Standardized(model.network, *constants)
    return Model(model.init, apply, network, plain=plain if model.plain else None)


def is_standardized(model: Model) -> bool:
    """Whether a network standardizes its inputs, as `standardized` has it.

    Args:
        model: As it was given, or not.
    """
    return hasattr(model.apply, "standardizes")
