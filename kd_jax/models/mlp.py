"""Fully connected networks: the teachers and students of the 2015 paper."""

from collections.abc import Callable

import flax.linen as nn
import jax
from jax import lax

glorot_uniform = nn.initializers.glorot_uniform()
lecun_normal = nn.initializers.lecun_normal()
NARROW = 64  # columns of a kernel that is quickly transposed


class MLP(nn.Module):
    """Dense layers with an activation after each but the last.

    Inputs [B, …] are flattened. Returns (logits [B, classes], features), where features has
    "hidden_1", "hidden_2", …: the activations [B, width] before dropout.

    hidden: widths of the hidden layers. dropout, input_dropout: fraction dropped of hidden
    activations and of inputs while training. kernel_init: of the hidden layers; the last layer
    is Glorot-uniform. Biases start at zero.
    """

    hidden: tuple[int, ...]
    classes: int
    activation: Callable = nn.relu
    dropout: float = 0.0
    input_dropout: float = 0.0
    kernel_init: Callable = glorot_uniform

    @nn.compact
    def __call__(self, inputs, train):
        x = inputs.reshape(inputs.shape[0], -1)
        x = nn.Dropout(self.input_dropout, deterministic=not train)(x)
        features = {}
        for number, width in enumerate(self.hidden, 1):
            name, start = f"hidden_{number}", self.kernel_init
            x = nn.Dense(width, kernel_init=start, dot_general=dense_product, name=name)(x)
            x = features[name] = self.activation(x)
            x = nn.Dropout(self.dropout, deterministic=not train)(x)
        return nn.Dense(self.classes, kernel_init=glorot_uniform, name="logits")(x), features


@jax.custom_vjp
def product(x, kernel):
    """x kernel, for x [B, D] and kernel [D, E]: [B, E].

    JAX forms the kernel's gradient as (δᵀ x)ᵀ, and a CPU then reads it against the grain in every
    array of the optimiser: a quarter of a step of 1200 × 1200. Here it is formed as xᵀ δ.
    """
    return x @ kernel


def _forwards(x, kernel):
    return x @ kernel, (x, kernel)


def _backwards(kept, delta):
    x, kernel = kept
    of_x = lax.dot_general(delta, kernel, (((1,), (1,)), ((), ())))
    return of_x, lax.dot_general(x, delta, (((0,), (0,)), ((), ())))


product.defvjp(_forwards, _backwards)


def dense_product(x, kernel, dimensions, precision=None, **options):
    """`product` as nn.Dense takes it; narrow kernels are multiplied as usual."""
    if x.ndim == 2 and kernel.shape[1] >= NARROW:
        return product(x, kernel)
    return lax.dot_general(x, kernel, dimensions, precision=precision, **options)
