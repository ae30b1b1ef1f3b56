"""Equinox modules as Models."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from kd_jax.errors import InputError, brief
from kd_jax.models.adapters.trees import from_dict, to_dict
from kd_jax.models.contract import fitted
from kd_jax.models.conventions import check_factory, library, once, outputs
from kd_jax.models.inputs import key_like
from kd_jax.models.model import Model

BATCH = "batch"  # the axis over which Equinox's batch norm is to take its means


def from_equinox(create: Callable[[jax.Array], Any], example: Any = None) -> Model:
    """Turn an Equinox module into a Model.

    Args:
        create: key -> the module, or (module, State) as eqx.nn.make_with_state gives them. The
            module takes ONE example, then the State if there is one, and may take `key`; it returns
            logits [C] or (logits, features), and the State after that. Batch norm's axis_name is
            "batch".
        example: Inputs [B, …] that the module is checked against at once.

    Returns:
        The Model: "params" are the module's arrays of floats, "state" its other arrays and the
        State; with train=False it is in inference mode.

    Raises:
        InputError: Equinox is not installed; with an example: the module does not fit it.
    """
    module = library("equinox", "equinox").Module
    check_factory("from_equinox", create, module, "lambda key: Student(key=key)")
    model = _model(create)
    return model if example is None else fitted(model, example)


@once
def _model(create: Callable) -> Model:
    eqx = library("equinox", "equinox")

    @functools.cache
    def template():  # the parts without numbers, and what is no array
        made = _pair(eqx.filter_eval_shape(create, key_like()))
        return *_split(eqx, made), eqx.filter(made[0], _is_array, inverse=True)

    def init(key):
        params, rest = _split(eqx, _pair(create(key)))
        return {"params": to_dict(params), "state": to_dict(rest)}

    def apply(variables, inputs, train=False, key=None):
        params, rest, static = template()
        params = from_dict(params, variables["params"])
        rest = from_dict(rest, variables["state"])
        module = eqx.combine(params, rest["arrays"], static)
        module = eqx.nn.inference_mode(module, not train)
        found, after = _over_batch(module, inputs, rest["running"], train, key)
        state = to_dict(rest | {"running": after}) if train else variables["state"]
        return found, state

    return Model(init, apply)


def _over_batch(module, inputs, state, train, key):
    """((logits, features), State) of a module that takes one example."""
    takes_key = "key" in inspect.signature(module.__call__).parameters

    def drawn(key):  # of a batch whose size is no number, as exports have it, nothing is drawn
        return jax.random.split(key, len(jax.tree.leaves(inputs)[0]))

    def one(x, state, key):
        given = (x,) if state is None else (x, state)
        try:
            found = module(*given, **({"key": key} if takes_key else {}))
        except ValueError as error:  # as convolutions raise for another number of channels
            if jnp.ndim(x) != 3:
                raise
            raise InputError(
                f"the network raises {type(error).__name__} for one image {list(x.shape)} "
                f"({brief(error)}): it gets [H, W, C], and Equinox's convolutions take [C, H, W]: "
                "begin with x.transpose(2, 0, 1)"
            ) from error
        logits, after = (found, None) if state is None else found
        return outputs(logits), after

    def every(keys):
        over = 0, None, None if keys is None else 0
        return jax.vmap(one, over, (0, None), axis_name=BATCH)(inputs, state, keys)

    if key is not None:
        return every(drawn(key))
    try:
        return every(None)
    except Exception:  # an evaluation draws nothing, but some split a key nevertheless
        if train:
            raise
        return every(drawn(jax.random.key(0)))


def _pair(made):
    """(module, State or None)."""
    return made if isinstance(made, tuple) else (made, None)


def _split(eqx, made):
    """(the arrays that training moves, the other arrays and the State)."""
    module, state = made
    params, arrays = eqx.partition(eqx.filter(module, _is_array), _is_inexact)
    return params, {"arrays": arrays, "running": state}


def _is_array(x):
    return isinstance(x, (jax.Array, jax.ShapeDtypeStruct))


def _is_inexact(x):
    return _is_array(x) and jnp.issubdtype(x.dtype, jnp.inexact)
