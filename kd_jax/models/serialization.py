"""JSON descriptions of networks, so that parameters on disk can say which network they are of."""

import dataclasses
import importlib
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import numpy as np

from kd_jax.models.adapters import functional
from kd_jax.models.bert import Bert, sentence_encoder
from kd_jax.models.llama import Llama, decoder
from kd_jax.models.model import Model
from kd_jax.models.modernbert import ModernBert
from kd_jax.models.standardized import Standardized, standardized

PACKAGE = "kd_jax.models."
OMITTED = "parent", "name", "kernel_init"  # Flax's own, and what only begins a training


def describe(network: Any) -> dict[str, Any]:
    """JSON-like description of a network of this package: its class and its fields.

    Args:
        network: Of a Model; or a NamedTuple of this package that is a field of one.

    Returns:
        {"class": "file.Class", field: value, …}.
    """
    named = f"{type(network).__module__.removeprefix(PACKAGE)}.{type(network).__name__}"
    own = network._fields if _is_named(network) else [f.name for f in dataclasses.fields(network)]
    fields = {name: getattr(network, name) for name in own}
    return {"class": named} | {
        name: _plain(value) for name, value in fields.items() if name not in OMITTED
    }


def build(description: dict[str, Any]) -> nn.Module | Standardized:
    """Build a network from the description that `describe` gave.

    Args:
        description: JSON-like.

    Returns:
        What was described.

    Raises:
        ValueError: If it describes none.
    """
    fields = dict(description)
    try:
        file, name = fields.pop("class").split(".")
        kind = getattr(importlib.import_module(PACKAGE + file), name)
        return kind(**{name: _value(value) for name, value in fields.items()})
    except (AttributeError, ImportError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{description} describes no network ({error})") from None


def is_described(network: Any) -> bool:
    """Whether `build` gives a network again from what `describe` says of it.

    Args:
        network: Of a Model; one that was defined elsewhere is not, nor is None.
    """
    try:
        return type(build(describe(network))) is type(network)
    except (AttributeError, TypeError, ValueError):
        return False


def model_of(network: nn.Module | Standardized, input_shape: Sequence[int]) -> Model:
    """The Model of a network that was described.

    Args:
        network: Of `build`.
        input_shape: The shape of one input; not needed where it reads tokens.

    Returns:
        Its pure functions.
    """
    if isinstance(network, Standardized):
        return standardized(model_of(network.net, input_shape), network.mean, network.scale)
    if isinstance(network, Llama):
        return decoder(network)
    if isinstance(network, (Bert, ModernBert)):
        return sentence_encoder(network)
    return functional(network, tuple(input_shape))


def _is_named(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _plain(value: Any) -> Any:
    if isinstance(value, nn.Module) or _is_named(value):
        return describe(value)
    if isinstance(value, tuple):
        return [_plain(x) for x in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if getattr(jax.nn, getattr(value, "__name__", ""), None) is not None:
        return {"activation": value.__name__}
    return {"dtype": np.dtype(value).name}


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        return tuple(_value(x) for x in plain)
    if not isinstance(plain, dict):
        return plain
    if "class" in plain:  # first: its fields may be called as the others are
        return build(plain)
    if "activation" in plain:
        return getattr(jax.nn, plain["activation"])
    return np.dtype(plain["dtype"])
