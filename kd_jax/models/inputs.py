"""The form of a network's inputs, and what its functions give for it without being computed."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax.errors import InputError, brief, require


class Inputs(NamedTuple):
    """The form of a batch of inputs, hashable.

    Attributes:
        structure: The tree that they are, a single array most often.
        leaves: Shape and dtype of each array, the batch first.
    """

    structure: Any
    leaves: tuple[jax.ShapeDtypeStruct, ...]

    def zeros(self) -> Any:
        """A batch of one example that is all zeros, to initialize a network with."""
        arrays = [jnp.zeros((1, *leaf.shape[1:]), leaf.dtype) for leaf in self.leaves]
        return jax.tree.unflatten(self.structure, arrays)

    def abstract(self) -> Any:
        """The whole batch as shapes and dtypes."""
        return jax.tree.unflatten(self.structure, self.leaves)

    @property
    def batch(self) -> int:
        """B, the number of examples."""
        return self.leaves[0].shape[0]

    def __str__(self):
        return ", ".join(shown(leaf) for leaf in self.leaves)


def inputs_like(example: Any) -> Inputs:
    """The form of inputs like an example.

    Args:
        example: [B, …], an array or a tree of arrays, or jax.ShapeDtypeStruct in their place.

    Returns:
        Their form, with the dtypes that JAX would give them.

    Raises:
        InputError: It is no batch of arrays.
    """
    leaves, structure = jax.tree.flatten(example)
    arrays = [x if isinstance(x, jax.ShapeDtypeStruct) else np.asarray(x) for x in leaves]
    batched = arrays and all(x.ndim and x.shape[0] and x.dtype != object for x in arrays)
    require(
        batched and len({x.shape[0] for x in arrays}) == 1,
        "the example of a network's inputs holds no batch: expected an array [B, …], or several "
        "of one B",
    )
    return Inputs(
        structure,
        tuple(
            jax.ShapeDtypeStruct(x.shape, jax.dtypes.canonicalize_dtype(x.dtype)) for x in arrays
        ),
    )


def key_like() -> jax.ShapeDtypeStruct:
    """A random key without a value."""
    return jax.eval_shape(lambda: jax.random.key(0))


def traced(function: Callable, *arguments: Any, inputs: Inputs) -> Any:
    """jax.eval_shape of a network's function; what it raises is one line.

    Args:
        function: Of the arguments.
        *arguments: Arrays or their shapes.
        inputs: What the message says that it was for.

    Returns:
        Shapes and dtypes of what it returns.

    Raises:
        InputError: The function raised something.
    """
    try:
        return jax.eval_shape(function, *arguments)
    except InputError:
        raise
    except Exception as error:  # whatever a network may raise
        first = brief(Exception(str(error).strip().partition("\n")[0]))
        raise InputError(
            f"the network raises {type(error).__name__} for {inputs.batch} inputs {inputs}: {first}"
        ) from error


def shown(x: Any) -> str:
    """The shape of an array as messages show it, [2, 7]."""
    return str(list(x.shape))


def first_inputs(inputs: Inputs | None, call: str) -> Any:
    """Zeros to initialize a network with, where its inputs are known.

    Args:
        inputs: Their form, or None.
        call: What to type in order to say it, like "from_flax(module, example)".

    Returns:
        A batch of one.

    Raises:
        InputError: It is not known.
    """
    if inputs is None:
        raise InputError(
            "the network cannot begin without an example of its inputs: "
            f"{call} or models.fitted(model, example)"
        )
    return inputs.zeros()
