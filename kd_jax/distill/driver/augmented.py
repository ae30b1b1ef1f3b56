"""Augmented batches: each step draws views of its rows, and asks the teachers about them."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax.distill.driver import named_teachers
from kd_jax.distill.objective import ordered
from kd_jax.errors import InputError, brief, require

TRIED = 8  # views about which teachers are asked before anything is trained


def views(augment: Callable, teachers: Mapping[str, Any], inputs: np.ndarray) -> Callable:
    """What a step sees of a batch, see training.loop.fit.

    Args:
        augment: (key, input) -> input.
        teachers: {name: teacher}, in the order of the rows' "teachers"; one that is saved outputs
            says of a view what it said of the row.
        inputs: Of the training rows.

    Returns:
        (rows, key) -> rows with other inputs, and what the teachers say of these.

    Raises:
        InputError: Views are unlike inputs, or a teacher fails on some that are tried.
    """
    check(augment, inputs)
    asked = {
        number: _in_step(name, teacher)
        for number, (name, teacher) in enumerate(teachers.items())
        if named_teachers.can_be_asked(teacher)
    }
    for number in asked:
        _try(augment, *list(teachers.items())[number], inputs[:TRIED])

    def see(rows, key):
        inputs, logits = rows["inputs"], jnp.asarray(rows["teachers"])
        inputs = jax.vmap(augment)(jax.random.split(key, len(inputs)), inputs)
        seen = {**rows, "inputs": inputs}
        for number, ask in asked.items():
            found, features = ask(inputs, logits.shape[-1])
            logits = logits.at[:, number].set(found)
            if number == 0 and rows.get("features"):
                seen["features"] = features
        return {**seen, "teachers": logits}

    return see


def with_features(views: Callable | None, teacher: Any) -> Callable:
    """Views, with the features of a Network for them.

    Args:
        views: (rows, key) -> rows; None for the rows as they are.
        teacher: The Network.
    """
    apply = ordered(teacher.model.apply)

    def see(rows, key):
        rows = views(rows, key) if views else rows
        (_, features), _ = apply(teacher.variables, rows["inputs"])
        return {**rows, "features": features}

    return see


def check(augment: Callable, inputs: np.ndarray) -> None:
    """InputError unless the view of an input is like it; nothing is computed.

    Args:
        augment: (key, input) -> input.
        inputs: [N, …].
    """
    one = jax.ShapeDtypeStruct(inputs.shape[1:], inputs.dtype)
    try:
        found = jax.eval_shape(augment, jax.eval_shape(lambda: jax.random.key(0)), one)
    except InputError:
        raise
    except Exception as error:  # whatever somebody's function raises
        what = f"{type(error).__name__}: {brief(error)}"
        raise InputError(f"Recipe: augment fails on an input {list(one.shape)}: {what}") from error
    same = (getattr(found, "shape", None), getattr(found, "dtype", None)) == (one.shape, one.dtype)
    got = f"{found.dtype} {list(found.shape)}" if hasattr(found, "shape") else type(found).__name__
    require(
        same,
        f"Recipe: augment makes {got} of an input {one.dtype} {list(one.shape)}: expected the same "
        "shape and type",
    )


def _try(augment, name, teacher, inputs):
    """InputError where a teacher fails on views: within a step that is no single line."""
    keys = jax.random.split(jax.random.key(0), len(inputs))
    found = np.asarray(jax.vmap(augment)(keys, inputs))
    named_teachers.answer(f"{name}: augmented", teacher, found, None)


def _in_step(name, teacher):
    """(inputs, C) -> (logits, features) within a compiled step."""
    if named_teachers.is_network(teacher):
        apply = ordered(teacher.model.apply)
        return lambda inputs, classes: apply(teacher.variables, inputs)[0]

    def ask(inputs, classes):
        def answer(several):
            """What it says of the batches [S, B, …] of all seeds, in one question."""
            rows = np.asarray(several).reshape(-1, *inputs.shape[1:])
            found = named_teachers.answer(name, teacher, rows, classes)
            return np.asarray(found, np.float32).reshape(*several.shape[: -inputs.ndim + 1], -1)

        shape = jax.ShapeDtypeStruct((len(inputs), classes), jnp.float32)
        return jax.pure_callback(answer, shape, inputs, vmap_method="expand_dims"), {}

    return ask
