"""Flax linen modules as Models."""

import difflib
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from kd_jax.errors import InputError, require
from kd_jax.models.contract import fitted
from kd_jax.models.conventions import once, outputs, train_flags
from kd_jax.models.inputs import Inputs, first_inputs, inputs_like
from kd_jax.models.model import Model

CAPTURED = "intermediates"  # where Flax puts what submodules return


def from_flax(module: nn.Module, example: Any = None, *, features: Sequence[str] = ()) -> Model:
    """Turn a Flax linen module into a Model.

    Args:
        module: It returns logits or (logits, features), and may take one of the arguments train,
            training, is_training, deterministic and use_running_average.
        example: Inputs [B, …]; without one `init` can run after `models.fitted` alone.
        features: Names of submodules whose outputs are features too, like "Conv_0" or
            "Block_0/Conv_0".

    Returns:
        The Model; of equal modules the same one. "state" holds every collection but "params".

    Raises:
        InputError: It is no linen module; with an example: it does not fit it, or has no submodule
            of a name.
    """
    got = f"{module!r:.60}" if isinstance(module, type) else type(module).__name__
    fits = isinstance(module, nn.Module)
    require(fits, f"kd.from_flax is given {got}: expected a linen module, like Student()")
    model = _model(module, tuple(features), None)
    return model if example is None else fitted(model, example)


def functional(module: nn.Module, input_shape: Sequence[int]) -> Model:
    """The Model of a linen module that is known to fit: nothing is checked.

    Args:
        module: As `from_flax` takes it.
        input_shape: The shape of one input, without the batch.

    Returns:
        The Model, for inputs [B, *input_shape]; of equal modules the same one, so that what is
        compiled for it is compiled once.
    """
    one = jax.ShapeDtypeStruct((1, *input_shape), jnp.float32)
    return _model(module, (), inputs_like(one))


@once
def _model(module: nn.Module, features: tuple[str, ...], form: Inputs | None) -> Model:
    def init(key):
        one = first_inputs(form, "from_flax(module, example)")
        flags: Any = train_flags(module.__call__, False)
        collections = dict(module.init(key, one, **flags))
        return {"params": collections.pop("params", {}), "state": collections}

    def apply(variables, inputs, train=False, key=None):
        collections = {"params": variables["params"], **variables["state"]}
        # a stream of any other name than dropout's falls back to Flax's "params"
        rngs = None if key is None else {"dropout": key, "params": jax.random.fold_in(key, 1)}
        capture = Capture(features)
        flags: Any = train_flags(module.__call__, train)
        found, after = module.apply(
            collections,
            inputs,
            rngs=rngs,
            mutable=[*(variables["state"] if train else ()), *((CAPTURED,) if features else ())],
            capture_intermediates=capture if features else False,
            **flags,
        )
        logits, named = outputs(found)
        named = named | capture.found(after)
        state = {name: after[name] for name in variables["state"]} if train else variables["state"]
        return (logits, named), state

    def for_inputs(inputs):
        return _model(module, features, inputs)

    plain = _model(module, (), form).apply if features else None
    return Model(init, apply, module, for_inputs if form is None else None, plain)


class Capture:
    """Flax's filter of what to capture: the named submodules' outputs.

    Args:
        names: Like "Block_0/Conv_0".
    """

    def __init__(self, names: tuple[str, ...]):
        self.names = names
        self.seen: list[str] = []

    def __call__(self, module, method):
        name = "/".join(module.path)
        if method != "__call__" or not name:
            return False
        self.seen.append(name)
        return name in self.names

    def found(self, after: Any) -> dict[str, Any]:
        """{name: output}, the last one where a submodule was called several times."""
        found = {}
        for name in self.names:
            self.require_seen(name)
            place = after[CAPTURED]
            for part in name.split("/"):
                place = place[part]
            found[name] = place["__call__"][-1]
        return found

    def require_seen(self, name: str) -> None:
        """InputError unless a submodule of this name was called."""
        if name not in self.seen:
            known = list(dict.fromkeys(self.seen))
            near = difflib.get_close_matches(name, known, 1)
            guess = f"; did you mean {near[0]}?" if near else ""
            raise InputError(
                f"features={name!r}: the network calls no submodule of this name{guess} "
                f"(it calls {', '.join(known) or 'none'})"
            )
