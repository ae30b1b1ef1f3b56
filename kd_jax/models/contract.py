"""Whether a network fits its inputs: what a Model must give, checked without computing anything."""

from typing import Any

import jax
import jax.numpy as jnp

from kd_jax.errors import InputError, require
from kd_jax.models.conventions import once, outputs
from kd_jax.models.handwritten import completed, same_structure
from kd_jax.models.inputs import Inputs, inputs_like, key_like, shown, traced
from kd_jax.models.model import Model


def fitted(
    model: Model, example: Any, classes: int | None = None, name: str = "the network"
) -> Model:
    """A Model that is ready for inputs like an example, after a check of what it gives.

    Args:
        model: Any Model, a hand-written one too, which may leave out what can be told: see
            `handwritten`.
        example: Inputs [B, …]: an array or a tree of arrays, or jax.ShapeDtypeStruct in their
            place.
        classes: C, the columns that the logits must have; None for any.
        name: What messages call the network, like "the student".

    Returns:
        The Model; the same one for equal arguments.

    Raises:
        InputError: It does not fit: what was expected and what it gives. Whether its numbers are
            finite is not checked.
    """
    inputs = inputs_like(example)
    try:
        return _fitted(model, inputs, classes)
    except InputError as error:
        raise InputError(str(error).replace("the network", name, 1)) from error.__cause__


@once
def _fitted(model: Model, inputs: Inputs, classes: int | None) -> Model:
    if model.for_inputs is not None:
        model = model.for_inputs(inputs)
    model, variables, found = completed(model, inputs)
    _check(variables, found, inputs, classes)

    def step(variables, batch, key):
        return model.apply(variables, batch, train=True, key=key)

    found = traced(step, variables, inputs.abstract(), key_like(), inputs=inputs)
    _check(variables, found, inputs, classes)
    return model


def _check(variables, found, inputs, classes):
    pair = isinstance(found, tuple) and len(found) == 2
    require(pair, "the network's apply returns no pair ((logits, features), state)")
    logits, features = outputs(found[0])
    _check_logits(logits, inputs, classes)
    _check_features(features, inputs.batch)
    _check_state(variables["state"], found[1])


def _check_logits(logits, inputs, classes):
    expected = f"[{inputs.batch}, {'C' if classes is None else classes}]"
    fits = len(logits.shape) == 2 and logits.shape[0] == inputs.batch
    require(
        fits and classes in (None, logits.shape[1]),
        f"the network gives logits {shown(logits)} for {inputs.batch} inputs {inputs}: "
        f"expected {expected}, one for each class",
    )
    require(
        jnp.issubdtype(logits.dtype, jnp.floating),
        f"the network gives logits of {logits.dtype}: expected floats",
    )


def _check_features(features, count):
    for name, value in features.items():
        is_array = hasattr(value, "shape")
        got = shown(value) if is_array else f"a {type(value).__name__}"
        require(
            isinstance(name, str) and is_array and value.shape[:1] == (count,),
            f"the network gives a feature {name!r} that is {got}: "
            f"expected a name and an array [{count}, …]",
        )


def _check_state(before, after):
    forms = [[(x.shape, x.dtype) for x in jax.tree.leaves(tree)] for tree in (before, after)]
    require(
        same_structure(before, after) and forms[0] == forms[1],
        "the network gives a state that is not like the one it was given: "
        f"expected {_listed(before)}, got {_listed(after)}",
    )


def _listed(tree):
    """The arrays of a tree by name, for a message."""
    pairs = jax.tree_util.tree_leaves_with_path(tree)
    names = [
        f"{jax.tree_util.keystr(path, simple=True, separator='/')} {x.dtype}{shown(x)}"
        for path, x in pairs
    ]
    return ", ".join(names[:4] + ["…"] * (len(names) > 4)) or "no arrays"
