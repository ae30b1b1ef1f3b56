"""LoRA: low-rank changes of a decoder's matrices are trained, all else stays as it was.

W + (α/r) A B for each matrix W [in, out] of every layer, A [in, r], B [r, out]

A is drawn, B begins with zeros, and so a student begins as it is. Afterwards the sum is its matrix:
the folder knows nothing of it.

Source: Hu et al. 2021, arXiv 2106.09685, section 4.1.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

MATRICES = "query", "key", "value", "attended", "gate", "up", "down"


def adapters(params: Any, rank: int, seed: int) -> dict[str, dict[str, np.ndarray]]:
    """Adapters that change nothing yet.

    Args:
        params: Of a Llama.
        rank: r, of every change.
        seed: Of A, which is normal with variance 1/in.

    Returns:
        {matrix: {"a": [layers, in, r], "b": [layers, r, out]}}.
    """
    random = np.random.default_rng(seed)
    found = {}
    for name in MATRICES:
        layers, inputs, outputs = params["layers"][name]["kernel"].shape
        a = random.normal(scale=inputs**-0.5, size=(layers, inputs, rank)).astype(np.float32)
        found[name] = {"a": a, "b": np.zeros((layers, rank, outputs), np.float32)}
    return found


def merged(params: Any, adapters: Any, scale: float) -> Any:
    """Parameters with the changes of adapters.

    Args:
        params: Of a Llama.
        adapters: Of `adapters`.
        scale: α/r.
    """
    changed = {}
    for name, each in adapters.items():
        own = params["layers"][name]
        change = scale * jnp.matmul(each["a"], each["b"])
        changed[name] = own | {"kernel": own["kernel"] + change}
    return params | {"layers": params["layers"] | changed}


def adapted(loss_fn: Callable, scale: float) -> Callable:
    """A loss of a decoder's parameters as one of adapters.

    Args:
        loss_fn: (variables, Batch, key) -> Outcome.
        scale: α/r.

    Returns:
        The same of variables whose params are adapters; the Batch's shared has "base", the
        parameters that stay.
    """

    def loss(variables, batch, key):
        base = jax.lax.stop_gradient(batch.shared["base"])
        whole = merged(base, variables["params"], scale)
        return loss_fn({**variables, "params": whole}, batch, key)

    return loss
