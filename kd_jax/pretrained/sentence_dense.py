"""A linear layer behind a sentence's pooling: the Dense module of sentence-transformers."""

import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax.errors import require
from kd_jax.models.sentence import Dense
from kd_jax.pretrained import model_folder, safetensors_files
from kd_jax.pretrained.settings import Settings, shown
from kd_jax.pretrained.weights import Weights

# what a module reads and what it writes: nothing else is implemented
NAMES: dict[str, tuple] = dict.fromkeys(
    ["module_input_name", "module_output_name"], ("sentence_embedding",)
)


def _gelu(x):
    return jax.nn.gelu(x, approximate=False)


ACTIVATIONS = {
    "torch.nn.modules.linear.Identity": jnp.asarray,
    "torch.nn.modules.activation.Tanh": jnp.tanh,
    "torch.nn.modules.activation.ReLU": jax.nn.relu,
    "torch.nn.modules.activation.GELU": _gelu,
    "torch.nn.modules.activation.Sigmoid": jax.nn.sigmoid,
    "torch.nn.modules.activation.SiLU": jax.nn.silu,
}
TANH = "torch.nn.modules.activation.Tanh"  # where a Dense does not say its activation


def read(folder: pathlib.Path, width: int) -> tuple[Dense, dict[str, np.ndarray], int]:
    """The step of a Dense module.

    Args:
        folder: of the module.
        width: of the vectors that it is given.

    Returns:
        (Step, its params, the width of its vectors).

    Raises:
        InputError: its files are damaged, of another width, or say what is not implemented.
    """
    path = folder / "config.json"
    found = Settings(model_folder.config(folder), path)
    inputs, outputs = found.whole("in_features"), found.whole("out_features")
    require(inputs == width, f"{path}: in_features is {inputs}, but vectors have {width} numbers")
    name = found.get("activation_function", TANH)
    require(
        isinstance(name, str) and name in ACTIVATIONS,
        f"{path}: activation_function is {shown(name)}, expected one of {', '.join(ACTIVATIONS)}",
    )
    bias = found.truth("bias", True)
    found.neutral(NAMES | {"use_residual": (False,)})
    found.accounted([])
    weights = Weights(folder, safetensors_files.read(folder))
    params = {"kernel": weights.take("linear.weight", outputs, inputs).T}
    params |= {"bias": weights.take("linear.bias", outputs)} if bias else {}
    weights.accounted({})
    return Dense(ACTIVATIONS[name]), params, outputs


def write(folder: pathlib.Path, step: Dense, params: dict[str, Any]) -> dict[str, Any]:
    """Write the tensors of a Dense module.

    Args:
        folder: of the module; is made when missing.
        step: one that `read` gave.
        params: its params.

    Returns:
        The settings of its config.json.
    """
    kernel = np.asarray(params["kernel"])
    (name,) = (name for name, activation in ACTIVATIONS.items() if activation is step.activation)
    arrays = {"linear.weight": np.ascontiguousarray(kernel.T)}
    arrays |= {"linear.bias": np.asarray(params["bias"])} if "bias" in params else {}
    folder.mkdir(parents=True, exist_ok=True)
    safetensors_files.write(folder, arrays)
    return {
        "in_features": kernel.shape[0], "out_features": kernel.shape[1], "bias": "bias" in params,
        "activation_function": name,
    }  # fmt: skip
