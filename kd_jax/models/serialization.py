"""JSON descriptions of networks, so that parameters on disk can say which network they are of."""

import dataclasses
import importlib
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import numpy as np

from kd_jax.models.bert import Bert, sentence_encoder
from kd_jax.models.functional import Model, functional
from kd_jax.models.llama import Llama, decoder

PACKAGE = "kd_jax.models."
OMITTED = "parent", "name", "kernel_init"  # Flax's own, and what only begins a training


def describe(network: nn.Module) -> dict[str, Any]:
    """JSON-like description of a Flax module of this package: its class and its fields.

    Args:
        network: The module.

    Returns:
        {"class": "file.Class", field: value, …}.
    """
    named = f"{type(network).__module__.removeprefix(PACKAGE)}.{type(network).__name__}"
    fields = {f.name: getattr(network, f.name) for f in dataclasses.fields(network)}
    return {"class": named} | {
        name: _plain(value) for name, value in fields.items() if name not in OMITTED
    }


def build(description: dict[str, Any]) -> nn.Module:
    """Build a Flax module from the description that `describe` gave.

    Args:
        description: JSON-like.

    Returns:
        The module.

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


def model_of(network: nn.Module, input_shape: Sequence[int]) -> Model:
    """The Model of a Flax module.

    Args:
        network: The module.
        input_shape: The shape of one input; not needed where it reads tokens.

    Returns:
        Its pure functions.
    """
    if isinstance(network, Llama):
        return decoder(network)
    if isinstance(network, Bert):
        return sentence_encoder(network)
    return functional(network, tuple(input_shape))


def _plain(value: Any) -> Any:
    if isinstance(value, nn.Module):
        return describe(value)
    if isinstance(value, tuple):
        return [_plain(x) for x in value]
    if isinstance(value, (bool, int, float, str)):
        return value
    if getattr(jax.nn, getattr(value, "__name__", ""), None) is not None:
        return {"activation": value.__name__}
    return {"dtype": np.dtype(value).name}


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        return tuple(_value(x) for x in plain)
    if not isinstance(plain, dict):
        return plain
    if "activation" in plain:
        return getattr(jax.nn, plain["activation"])
    return np.dtype(plain["dtype"]) if "dtype" in plain else build(plain)
