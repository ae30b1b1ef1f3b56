"""Multilayer perceptrons: the teachers and students of Hinton, Vinyals and Dean 2015."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
from jax import lax
from jaxtyping import Array, Float

glorot_uniform = nn.initializers.glorot_uniform()
lecun_normal = nn.initializers.lecun_normal()
WIDE_KERNEL = 64  # columns; a narrower one is quickly transposed


class MLP(nn.Module):
    """Multilayer perceptron: dense layers with an activation after each but the last.

    Inputs [B, …] are flattened. Returns (logits [B, classes], features), where features has
    "hidden_1", "hidden_2", …: the activations [B, width] before dropout. Biases start at zero.

    Attributes:
        hidden: Widths of the hidden layers.
        classes: Number of classes.
        activation: Of the hidden layers.
        dropout: Fraction dropped of hidden activations while training.
        input_dropout: Fraction dropped of inputs while training.
        kernel_init: Of the hidden layers; the last layer is Glorot-uniform.
    """

    hidden: tuple[int, ...]
    classes: int
    activation: Callable = nn.relu
    dropout: float = 0.0
    input_dropout: float = 0.0
    kernel_init: Callable = glorot_uniform

    @nn.compact
    def __call__(
        self, inputs: Float[Array, " B *D"], train: bool
    ) -> tuple[Float[Array, "B classes"], dict[str, Float[Array, "B _"]]]:
        x = inputs.reshape(inputs.shape[0], -1)
        x = nn.Dropout(self.input_dropout, deterministic=not train)(x)
        features = {}
        for number, width in enumerate(self.hidden, 1):
            name, start = f"hidden_{number}", self.kernel_init
            x = nn.Dense(width, kernel_init=start, dot_general=dot_general, name=name)(x)
            x = features[name] = self.activation(x)
            x = nn.Dropout(self.dropout, deterministic=not train)(x)
        return nn.Dense(self.classes, kernel_init=glorot_uniform, name="logits")(x), features


@jax.custom_vjp
def matmul(x: Float[Array, "B D"], kernel: Float[Array, "D E"]) -> Float[Array, "B E"]:
    """Matrix product whose kernel gradient is formed as xᵀ δ, which is faster on CPUs.

    JAX forms the kernel's gradient as (δᵀ x)ᵀ, and a CPU then reads it against the grain in every
    array of the optimizer: a quarter of a step of 1200 × 1200.

    Args:
        x: Inputs.
        kernel: Weights.

    Returns:
        x kernel.
    """
    return x @ kernel


def _forwards(x, kernel):
    return x @ kernel, (x, kernel)


def _backwards(residuals, delta):
    x, kernel = residuals
    of_x = lax.dot_general(delta, kernel, (((1,), (1,)), ((), ())))
    return of_x, lax.dot_general(x, delta, (((0,), (0,)), ((), ())))


matmul.defvjp(_forwards, _backwards)


def dot_general(
    x: Array, kernel: Array, dimensions: Any, precision: Any = None, **options: Any
) -> Array:
    """`matmul` as nn.Dense's dot_general; narrow kernels are multiplied as usual.

    Args:
        x: Inputs.
        kernel: Weights.
        dimensions: As lax.dot_general takes them.
        precision: Likewise.
        **options: Likewise.

    Returns:
        The product.
    """
    if x.ndim == 2 and kernel.shape[1] >= WIDE_KERNEL:
        return matmul(x, kernel)
    return lax.dot_general(x, kernel, dimensions, precision=precision, **options)
