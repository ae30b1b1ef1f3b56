"""Post-training quantization: kernels of dense layers as 8-bit integers with a scale per block.

A column of a kernel W [D, E] is cut into blocks of 32 weights, and block b becomes
q = round(w / s_b) with s_b = max |w| / 127 over the block, so that q s_b is within s_b/2 of w: 9
bits a weight. Activations stay float32, and so do biases, convolutions, norms and embeddings.
Kernels that stand one per layer, [layers, D, E], are cut likewise.

Source: the layout Q8_0 of the GGUF format; symmetric quantization as in Krishnamoorthi 2018, arXiv
1806.08342, section 2.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

BLOCK = 32  # weights of a column that share a scale
KERNEL, SCALE = "kernel", "kernel_scale"


def quantized(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with "kernel" of dense layers as int8, and beside it "kernel_scale".

    Args:
        params: a tree of dicts with arrays; a "kernel" [D, E] or [layers, D, E] is a dense layer's,
            one of four axes a convolution's.

    Returns:
        The same tree, kernels as int8 [..., D, E] with scales [..., ⌈D/32⌉, E] float32.
    """
    found = {}
    for name, value in params.items():
        if isinstance(value, dict):
            found[name] = quantized(value)
        elif name == KERNEL and SCALE not in params and np.ndim(value) in (2, 3):
            found[KERNEL], found[SCALE] = _rounded(np.asarray(value, np.float32))
        else:
            found[name] = value
    return found


def dequantized(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters that `quantized` made int8, as float32: q · s; others as they are."""
    found = {}
    for name, value in params.items():
        if isinstance(value, dict):
            found[name] = dequantized(value)
        elif name == KERNEL and _is_rounded(params):
            scale = jnp.repeat(params[SCALE], BLOCK, axis=-2)[..., : value.shape[-2], :]
            found[name] = value.astype(jnp.float32) * scale
        elif name != SCALE or not _is_rounded(params):  # others may call theirs so
            found[name] = value
    return found


def _is_rounded(params):
    return KERNEL in params and SCALE in params and params[KERNEL].dtype == np.int8


def _rounded(kernel):
    """(int8 [..., D, E], scales [..., ⌈D/32⌉, E]) of a kernel [..., D, E]."""
    firsts = np.arange(0, kernel.shape[-2], BLOCK)
    scale = np.maximum.reduceat(np.abs(kernel), firsts, axis=-2) / 127
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    of_each = np.repeat(scale, BLOCK, axis=-2)[..., : kernel.shape[-2], :]
    return np.round(kernel / of_each).astype(np.int8), scale
