"""Hand-written networks whose two functions leave out what a Model has: put in where one can tell.

Accepted: an apply without train or key, or with one of the names of `conventions.FLAGS` and "rng";
an init that gives the parameters alone, or {"params": …, other collections}; an apply that returns
logits, (logits, features) or (logits, state). Refused: any other argument, any other output.
"""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from kd_jax.errors import require
from kd_jax.models.conventions import FLAGS, outputs, train_flags
from kd_jax.models.inputs import Inputs, key_like, traced
from kd_jax.models.model import Model

KEYS = "key", "rng"


class Form(NamedTuple):
    """A form of variables.

    Attributes:
        split: Variables of this form -> {"params", "state"}.
        join: And back.
    """

    split: Callable
    join: Callable


AS_IT_IS = Form(lambda found: found, lambda variables: variables)
PARAMETERS = Form(
    lambda found: {"params": found, "state": {}}, lambda variables: variables["params"]
)
COLLECTIONS = Form(
    lambda found: {
        "params": found["params"],
        "state": {name: each for name, each in found.items() if name != "params"},
    },
    lambda variables: {"params": variables["params"], **variables["state"]},
)


def completed(model: Model, inputs: Inputs) -> tuple[Model, Any, Any]:
    """The Model whose functions have the form that `Model` describes, and what they give.

    Args:
        model: Its functions may leave some of it out.
        inputs: What it is to be called with.

    Returns:
        (Model, the shapes of its variables, those of what its apply gives with train=False): the
        same Model where nothing is left out.

    Raises:
        InputError: What its functions take or return is none of the forms that are understood.
    """
    found = traced(model.init, key_like(), inputs=inputs)
    form, call = _form(found), _call(model.apply)
    variables = form.split(found)

    def given(variables, inputs, train=False, key=None):
        return call(form.join(variables), inputs, train=train, key=key)

    raw = traced(given, variables, inputs.abstract(), inputs=inputs)
    gives = _whole(raw, variables["state"])
    if form is AS_IT_IS and call is model.apply and gives is raw:
        return model, variables, gives

    def init(key):
        return form.split(model.init(key))

    def apply(variables, inputs, train=False, key=None):
        return _whole(given(variables, inputs, train, key), variables["state"])

    return model._replace(init=init, apply=apply), variables, gives


def _form(found: Any) -> Form:
    if not isinstance(found, dict) or "params" not in found:
        return PARAMETERS
    return AS_IT_IS if found.keys() == {"params", "state"} else COLLECTIONS


def _call(apply: Callable) -> Callable:
    """`apply` as a function of (variables, inputs, train=, key=)."""
    taken = inspect.signature(apply).parameters
    kinds = {parameter.kind for parameter in taken.values()}
    if {"train", "key"} <= taken.keys() or inspect.Parameter.VAR_KEYWORD in kinds:
        return apply
    others = [
        name
        for name, parameter in list(taken.items())[2:]
        if name not in {*FLAGS, *KEYS} and parameter.default is inspect.Parameter.empty
        if parameter.kind is not inspect.Parameter.VAR_POSITIONAL
    ]
    require(
        len(taken) >= 2 and not others,
        f"the network's apply takes ({', '.join(taken)}): "
        "expected (variables, inputs, train=False, key=None)",
    )
    keys = [name for name in KEYS if name in taken]

    def call(variables, inputs, train=False, key=None):
        flags = train_flags(apply, train)
        return apply(variables, inputs, **flags, **{name: key for name in keys})

    return call


def _whole(found: Any, state: Any) -> Any:
    """What apply returned, as ((logits, features), state); `state` is the one before."""
    if isinstance(found, tuple) and len(found) == 2:
        if not hasattr(found[0], "shape"):
            return found
        if state and same_structure(found[1], state):
            return outputs(found[0]), found[1]
    return outputs(found), state


def same_structure(one: Any, other: Any) -> bool:
    """Whether two trees have the same names at the same places.

    Args:
        one: A tree.
        other: A tree.

    Returns:
        Whether they do.
    """
    structure: Any = jax.tree.structure(one)
    return structure == jax.tree.structure(other)
