"""Networks as JSON, so that parameters on disk can say which network they are of."""

import dataclasses
import importlib

import flax.linen as nn
import jax
import numpy as np

from kd_jax.models.bert import Bert, sentence_encoder
from kd_jax.models.functional import functional
from kd_jax.models.llama import Llama, decoder

ROOM = "kd_jax.models."
NOT_OURS = "parent", "name", "kernel_init"  # Flax's own, and what only begins a training


def describe(network):
    """The JSON-like description of a Flax module of this room: its class and its fields."""
    named = f"{type(network).__module__.removeprefix(ROOM)}.{type(network).__name__}"
    fields = {f.name: getattr(network, f.name) for f in dataclasses.fields(network)}
    return {"class": named} | {
        name: _plain(value) for name, value in fields.items() if name not in NOT_OURS
    }


def built(description):
    """The Flax module of a description that `describe` gave.

    Raises: ValueError when it describes none.
    """
    fields = dict(description)
    try:
        file, name = fields.pop("class").split(".")
        kind = getattr(importlib.import_module(ROOM + file), name)
        return kind(**{name: _value(value) for name, value in fields.items()})
    except (AttributeError, ImportError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{description} describes no network ({error})") from None


def model_of(network, input_shape):
    """The Model of a Flax module, for inputs [B, *input_shape] where it reads no tokens."""
    if isinstance(network, Llama):
        return decoder(network)
    if isinstance(network, Bert):
        return sentence_encoder(network)
    return functional(network, tuple(input_shape))


def _plain(value):
    if isinstance(value, nn.Module):
        return describe(value)
    if isinstance(value, tuple):
        return [_plain(x) for x in value]
    if isinstance(value, (bool, int, float, str)):
        return value
    if getattr(jax.nn, getattr(value, "__name__", ""), None) is not None:
        return {"activation": value.__name__}
    return {"dtype": np.dtype(value).name}


def _value(plain):
    if isinstance(plain, list):
        return tuple(_value(x) for x in plain)
    if not isinstance(plain, dict):
        return plain
    if "activation" in plain:
        return getattr(jax.nn, plain["activation"])
    return np.dtype(plain["dtype"]) if "dtype" in plain else built(plain)
