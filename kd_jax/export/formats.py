"""A trained network as files that other programs read: StableHLO, ONNX, safetensors.

All take a batch of any size and are float32 at full precision, whatever the device: a GPU's quick
products would differ in the fourth digit.
"""

import json
import logging
import os
import pathlib
from collections.abc import Callable
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np

from kd_jax.errors import extra
from kd_jax.export import quantize
from kd_jax.models import Model, serialization

PLATFORMS = "cpu", "cuda", "tpu"


class NotConverted(Exception):
    """A network that a converter has no form for."""


def function_of(model: Model, params: Any) -> Callable[[Any], jax.Array]:
    """inputs [B, …] -> logits [B, …] of one network, with its parameters inside.

    Args:
        model: the network.
        params: its parameters, or what quantize.quantized made of them.
    """

    def logits(inputs):
        with jax.default_matmul_precision("highest"):
            exact = quantize.dequantized(jax.tree.map(jnp.asarray, params))
            return jnp.asarray(model.logits(exact, inputs), jnp.float32)

    return logits


def of_any_batch(function: Callable[[Any], Any], inputs: Any) -> Callable[[Any], Any]:
    """A function that takes a batch of any size, also where it asks for len(inputs) of its own.

    Args:
        function: inputs [B, …] -> logits [B, …].
        inputs: a tree of arrays [N, …], for their shapes.

    Returns:
        The function, or what it gives of each row alone.
    """
    try:
        jax.eval_shape(function, symbolic(inputs))
        return function
    except Exception:  # of somebody's own functions, to which no number is a size
        one = jax.vmap(lambda row: function(jax.tree.map(lambda x: x[None], row))[0])
        return lambda inputs: one(inputs)


def symbolic(inputs: Any) -> Any:
    """The shapes of a tree of inputs [N, …], with a batch b of any size."""
    (batch,) = jax.export.symbolic_shape("b")
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct((batch, *x.shape[1:]), x.dtype), inputs)


def stablehlo(path: str | os.PathLike, function: Callable[[Any], Any], inputs: Any) -> None:
    """Write a function as StableHLO for CPU, CUDA and TPU, which jax.export.deserialize reads.

    Args:
        path: of the file.
        function: inputs -> logits.
        inputs: a tree of arrays [N, …], for their shapes.
    """
    exported = jax.export.export(jax.jit(function), platforms=PLATFORMS)(symbolic(inputs))
    pathlib.Path(path).write_bytes(exported.serialize())


def onnx(path: str | os.PathLike, function: Callable[[Any], Any], inputs: Any) -> None:
    """Write a function as ONNX.

    Args:
        path: of the file.
        function: inputs -> logits.
        inputs: a tree of arrays [N, …], for their shapes; its leaves, in their order, are the
            inputs of the file.

    Raises:
        NotConverted: the converter cannot: it knows no attention over a batch of any size.
        InputError: the converter is not installed.
    """
    for noisy in ("jax2onnx", "onnx_ir"):  # about plugins for packages that are not used here
        logging.getLogger(noisy).setLevel(logging.ERROR)
    with extra("export", " && pip install --no-deps jax2onnx"):
        import jax2onnx  # here, as few need it and it takes seconds

    leaves, tree = jax.tree.flatten(symbolic(inputs))
    names = [name or "inputs" for name in names_of(inputs)]
    try:
        found = jax2onnx.to_onnx(
            lambda *flat: function(jax.tree.unflatten(tree, flat)),
            leaves,
            input_names=names,
            output_names=["logits"],
        )
    except Exception as error:  # by what it does not know
        reason = str(error).split("\n")[0]
        if "patched" in reason:  # in place of a function of Flax, with arguments by name alone
            reason += (
                "; give its arguments by name, as in nnx.max_pool(x, window_shape=(2, 2), "
                "strides=(2, 2)), of nnx.avg_pool and in linen too"
            )
        raise NotConverted(reason) from error
    pathlib.Path(path).write_bytes(found.SerializeToString())


def safetensors(folder: pathlib.Path, stem: str, model: Model, params: Any, inputs: Any) -> None:
    """Write parameters as folder/stem.safetensors, and the network as folder/stem.json.

    Args:
        folder: of the files.
        stem: of their names.
        model: the network, whose description is written.
        params: a tree of dicts with arrays.
        inputs: a tree of arrays [N, …], for their shapes.
    """
    with extra("export"):
        from safetensors.numpy import save_file

    named = jax.tree_util.tree_flatten_with_path(params)[0]
    tensors = {dotted(path): np.ascontiguousarray(leaf) for path, leaf in named}
    save_file(tensors, folder / f"{stem}.safetensors", metadata={"format": "np"})
    shapes = jax.tree.map(lambda x: list(x.shape[1:]), inputs)
    facts = {"network": serialization.describe(model.network), "inputs": shapes}
    (folder / f"{stem}.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def read_safetensors(folder: pathlib.Path, stem: str) -> tuple[Model, Any]:
    """The network and the parameters that `safetensors` wrote."""
    with extra("export"):
        from safetensors.numpy import load_file

    facts = json.loads((folder / f"{stem}.json").read_text(encoding="utf-8"))
    variables: dict[str, Any] = {"params": {}, "state": {}}
    for name, array in load_file(folder / f"{stem}.safetensors").items():
        *path, last = name.split(".")
        at = variables
        for part in path:
            at = at.setdefault(part, {})
        at[last] = array
    return serialization.model_of(serialization.build(facts["network"]), facts["inputs"]), variables


def names_of(inputs: Any) -> list[str]:
    """The names of the leaves of inputs, in their order; '' for an array alone."""
    return [dotted(path) for path, _ in jax.tree_util.tree_flatten_with_path(inputs)[0]]


def dotted(path: tuple) -> str:
    """A path in a tree of dicts as 'layers.query.kernel'."""
    return ".".join(str(part.key) for part in path)
