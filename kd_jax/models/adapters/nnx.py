"""Flax NNX modules as Models."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from kd_jax.errors import require
from kd_jax.models.adapters.trees import from_dict, to_dict
from kd_jax.models.contract import fitted
from kd_jax.models.conventions import check_factory, library, once, outputs, train_flags
from kd_jax.models.inputs import key_like
from kd_jax.models.model import Model


def from_nnx(create: Callable[[jax.Array], Any], example: Any = None) -> Model:
    """Turn an NNX module into a Model.

    Args:
        create: key -> the module, like `lambda key: Student(rngs=nnx.Rngs(key))`. The module
            returns logits or (logits, features); module.train() or module.eval() is called before
            it is, and its call may take one of the arguments that `from_flax` names.
        example: Inputs [B, …] that the module is checked against at once.

    Returns:
        The Model: "params" are its nnx.Param, "state" every other variable but the random
        streams, which the key given to `apply` seeds.

    Raises:
        InputError: It is no such function; with an example: the module does not fit it.
    """
    example_of = "lambda key: Student(rngs=nnx.Rngs(key))"
    check_factory("from_nnx", create, library("flax.nnx", "flax").Module, example_of)
    model = _model(create)
    return model if example is None else fitted(model, example)


@once
def _model(create: Callable) -> Model:
    nnx = library("flax.nnx", "flax")

    @functools.cache
    def template(train):  # the module's definition in this mode, and its parts without numbers
        module = nnx.eval_shape(create, key_like())
        module.train() if train else module.eval()
        return _split(nnx, module)

    def init(key):
        _, params, _, rest = _split(nnx, create(key))
        return {
            "params": to_dict(nnx.to_pure_dict(params)),
            "state": to_dict(nnx.to_pure_dict(rest)),
        }

    def apply(variables, inputs, train=False, key=None):
        definition, params, streams, rest = template(train)
        module = nnx.merge(
            definition,
            _filled(nnx, params, variables["params"]),
            _seeded(streams, train, key),
            _filled(nnx, rest, variables["state"]),
        )
        found = outputs(module(inputs, **train_flags(module.__call__, train)))
        if not train:
            return found, variables["state"]
        after = _dicts(nnx, _split(nnx, module)[-1])
        return found, _like(variables["state"], after)

    return Model(init, apply)


def _split(nnx, module):
    return nnx.split(module, nnx.Param, nnx.RngState, ...)


def _dicts(nnx, state):
    return to_dict(nnx.to_pure_dict(state))


def _filled(nnx, like, named):
    """A State with these arrays, whose variables are those of another State."""
    arrays = from_dict(nnx.to_pure_dict(like), named)
    return jax.tree.unflatten(jax.tree.structure(like), jax.tree.leaves(arrays))


def _seeded(streams, train, key):
    """The random streams with keys of their own from one key, each at its beginning."""
    leaves, structure = jax.tree.flatten(streams)
    require(
        key is not None or not (train and leaves),
        "the network draws random numbers while training: apply(…, train=True) needs key=",
    )
    key = jax.random.key(0) if key is None else key  # an evaluation draws nothing

    def seeded(number, leaf):
        if not jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jnp.zeros(leaf.shape, leaf.dtype)
        own = jax.random.fold_in(key, number)
        return jax.random.split(own, leaf.shape) if leaf.shape else own

    return jax.tree.unflatten(structure, [seeded(*each) for each in enumerate(leaves)])


def _like(before, after):
    """`after` without what a call added, such as sown values."""
    if not isinstance(before, dict):
        return after
    return {name: _like(each, after[name]) for name, each in before.items()}
