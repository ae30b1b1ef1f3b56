"""Quantization-aware distillation: a student's matrices are rounded while it learns.

Every 32 numbers of an input of a layer's matrix share a scale. In llama.cpp's blocks it is d, a
float16: q8_0 keeps d · q, q from −127 to 127, d = max|x| / 127; q4_0 keeps d (q − 8), q from 0 to
15, d = x / −8 of the x farthest from 0. The other kinds are those of the library Qwix, whose scale
is a float32. The gradient passes as if nothing had been rounded. What is written has the rounded
numbers, and a GGUF file the few bits of llama.cpp's kinds.

Source: Bengio, Léonard and Courville 2013, arXiv 1308.3432 (straight-through estimator); Polino,
Pascanu and Alistarh 2018, arXiv 1802.05668 (distillation of what is quantized).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kd_jax.errors import extra, require, require_extra
from kd_jax.language.decoder.lora import MATRICES

BLOCK = 32  # numbers that share a scale
LLAMA_CPP = {"q8_0": 8.5, "q4_0": 4.5}  # bits of a number, with its part of the scale
QWIX = {"int8": 9.0, "float8_e4m3fn": 9.0, "int4": 5.0, "nf4": 5.0}
BITS = LLAMA_CPP | QWIX


def require_fits(net: Any, kind: str) -> None:
    """InputError unless blocks fill the inputs of a network's matrices.

    Args:
        net: A Llama.
        kind: One of BITS.

    Raises:
        InputError: They do not, or Qwix is asked for and is not installed.
    """
    if kind in QWIX:
        require_extra("text", "qwix")
    inputs = net.width, net.heads * net.head_dim, net.intermediate_size
    require(
        all(size % BLOCK == 0 for size in inputs), "--quantize: the matrices of the student have "
        f"{', '.join(map(str, inputs))} inputs: expected multiples of {BLOCK}",
    )  # fmt: skip


def rounded(params: Any, kind: str) -> Any:
    """Parameters with the matrices of the layers rounded, and their gradients as if not.

    Args:
        params: Of a Llama or an Unrolled one.
        kind: One of BITS.
    """
    layers = params["layers"]
    if isinstance(layers, dict):
        return params | {"layers": _of_layer(layers, kind)}
    return params | {"layers": type(layers)(_of_layer(each, kind) for each in layers)}


def _of_layer(layer, kind):
    return layer | {
        name: layer[name] | {"kernel": _straight_through(layer[name]["kernel"], kind)}
        for name in MATRICES
    }


def _straight_through(x, kind):
    return x + jax.lax.stop_gradient(in_blocks(x, kind) - x)


def in_blocks(x: Float[Array, "*L I O"], kind: str) -> Float[Array, "*L I O"]:
    """Matrices rounded.

    Args:
        x: Of I inputs, a multiple of BLOCK.
        kind: One of BITS.
    """
    if kind in QWIX:
        return _by_qwix(x, kind)
    blocks = x.reshape(*x.shape[:-2], -1, BLOCK, x.shape[-1])
    at = jnp.argmax(jnp.abs(blocks), -2, keepdims=True)
    farthest = jnp.take_along_axis(blocks, at, -2)
    if kind == "q8_0":
        scale = jnp.abs(farthest) / 127
        kept = _away_from_0(blocks * _inverse(scale))
    else:
        scale = farthest / -8
        kept = jnp.clip(jnp.trunc(blocks * _inverse(scale) + 8.5), 0, 15) - 8
    return (kept * scale.astype(jnp.float16).astype(x.dtype)).reshape(x.shape)


def _by_qwix(x, kind):
    with extra("text"):
        import qwix  # here, as nothing else needs it

    inputs = x.ndim - 2
    others = [axis for axis in range(x.ndim) if axis != inputs]
    return qwix.dequantize(
        qwix.quantize(x, kind, channelwise_axes=others, tiled_axes={inputs: BLOCK})
    )


def _inverse(scale):
    return jnp.where(scale == 0, 0, 1 / jnp.where(scale == 0, 1, scale))


def _away_from_0(x):
    """Rounded, halves away from 0."""
    return jnp.sign(x) * jnp.floor(jnp.abs(x) + 0.5)


def rounding(loss_fn: Callable, kind: str) -> Callable:
    """A loss of a decoder's parameters as one of what is rounded.

    Args:
        loss_fn: (variables, Batch, key) -> Outcome.
        kind: One of BITS.
    """

    def loss(variables, batch, key):
        return loss_fn({**variables, "params": rounded(variables["params"], kind)}, batch, key)

    return loss
