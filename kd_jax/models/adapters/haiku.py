"""Haiku functions as Models."""

from collections.abc import Callable
from typing import Any

from kd_jax.models.contract import fitted
from kd_jax.models.conventions import library, once, outputs, train_flags
from kd_jax.models.inputs import Inputs, first_inputs
from kd_jax.models.model import Model


def from_haiku(function: Callable, example: Any = None) -> Model:
    """Turn a function of Haiku modules into a Model.

    Args:
        function: What hk.transform_with_state takes: function(inputs) or function(inputs,
            is_training), which returns logits or (logits, features).
        example: Inputs [B, …]; without one `init` can run after `models.fitted` alone.

    Returns:
        The Model: "params" and "state" are Haiku's.

    Raises:
        InputError: Haiku is not installed; with an example: the function does not fit it.
    """
    model = _model(function, None)
    return model if example is None else fitted(model, example)


@once
def _model(function: Callable, form: Inputs | None) -> Model:
    transformed = library("haiku", "dm-haiku").transform_with_state(function)

    def init(key):
        one = first_inputs(form, "from_haiku(function, example)")
        # as if training: Haiku's batch norm creates its statistics only then
        params, state = transformed.init(key, one, **train_flags(function, True))
        return {"params": params, "state": state}

    def apply(variables, inputs, train=False, key=None):
        params, state = variables["params"], variables["state"]
        found, after = transformed.apply(params, state, key, inputs, **train_flags(function, train))
        return outputs(found), after if train else state

    def for_inputs(inputs):
        return _model(function, inputs)

    return Model(init, apply, None, for_inputs if form is None else None)
