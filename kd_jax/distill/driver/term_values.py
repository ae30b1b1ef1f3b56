"""Whether a term of one's own is a finite number at all: what is never one trains no student."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax.distill.methods import Method
from kd_jax.errors import require

RANGES = (0.0, 1.0), (1.0, 10.0), (-3.0, 3.0)  # a term may be for numbers of one of them alone
OURS = __name__.partition(".")[0]


def check(method: Method, term: Callable, *like: Any) -> None:
    """Compute a term on a few numbers of every kind; those of this package are not tried.

    Args:
        method: Whose term it is.
        term: (key, numbers, *arrays) -> a float.
        *like: Shapes and types of the arrays.

    Raises:
        InputError: It is finite on none of them.
    """
    if _is_ours(method.term) and _is_ours(method.extra):
        return
    program, key = jax.jit(term), jax.random.key(0)
    numbers = {
        "temperature": float(method.temperatures[0]), "weight": float(method.weights[0]),
        "label_weight": float(method.label_weight), "smoothing": float(method.smoothing),
    }  # fmt: skip
    found = [float(program(key, numbers, *_drawn(like, *limits))) for limits in RANGES]
    require(
        np.isfinite(found).any(),
        f"method {method.row} has a term that is {found[0]:g} on whatever was tried: expected a "
        "finite number",
    )


def _is_ours(function):
    """Whether this package defines a function and those that it was made of."""
    cells = getattr(function, "__closure__", None) or ()
    parts = [function, *(cell.cell_contents for cell in cells)]
    places = [getattr(part, "__module__", None) or OURS for part in parts]  # a number has none
    return all(place.partition(".")[0] == OURS for place in places)


def _drawn(like, low, high):
    """Arrays of these shapes; whole numbers are 0 and 1 by turns, so that no class is alone."""
    random = np.random.default_rng(0)

    def draw(x):
        if jnp.issubdtype(x.dtype, jnp.floating):
            return random.uniform(low, high, x.shape).astype(x.dtype)
        turns = np.arange(len(x)) % 2 if x.dtype != bool else np.ones(len(x))
        return np.broadcast_to(turns.reshape(-1, *[1] * (x.ndim - 1)), x.shape).astype(x.dtype)

    return jax.tree.map(draw, like)
