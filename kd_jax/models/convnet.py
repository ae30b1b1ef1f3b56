"""Convolutional networks for CPUs: convolutions as matrix products of shifted slices.

XLA's own convolution is slow inside a scan on a CPU and does not vmap over members; the product
equals it (stride 1, zero padding) and does both. Inside, the batch is the last axis: with few
channels that is what a processor's vectors are filled with, and a slice is copied in long runs.
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from kd_jax.models.mlp import glorot_uniform


def convolve(
    x: Float[Array, "C H W B"], kernel: Float[Array, "h w C D"]
) -> Float[Array, "D H W B"]:
    """Stride-1 convolution with zero padding, the batch last.

    Slices that lie in the padding alone are left out.

    Args:
        x: Images.
        kernel: Weights; h and w are odd.

    Returns:
        Images of the same height and width with D channels.
    """
    (_, height, width, batch), (rows, columns) = x.shape, kernel.shape[:2]
    down, right = (range(-min(n // 2, m - 1), min(n // 2, m - 1) + 1)
                   for n, m in ((rows, height), (columns, width)))  # fmt: skip
    top, left = -down[0], -right[0]
    padded = jnp.pad(x, [(0, 0), (top, top), (left, left), (0, 0)])
    slices = [
        padded[:, top + i : top + i + height, left + j : left + j + width]
        for i in down
        for j in right
    ]
    used = kernel[rows // 2 - top : rows // 2 + top + 1, columns // 2 - left :]
    used = used[:, : 2 * left + 1].reshape(-1, kernel.shape[-1])
    product = used.T @ jnp.concatenate(slices).reshape(len(used), -1)
    return product.reshape(-1, height, width, batch)


class Convolution(nn.Module):
    """Convolution with bias, the batch last: [C, H, W, B] -> [features, H, W, B].

    Parameters as nn.Conv has them: "kernel" [h, w, C, features] (Glorot-uniform) and "bias"
    [features].

    Attributes:
        features: Number of output channels.
        kernel: Height and width, both odd.
    """

    features: int
    kernel: tuple[int, int] = (3, 3)

    @nn.compact
    def __call__(self, x: Float[Array, "C H W B"]) -> Float[Array, "features H W B"]:
        weights = self.param("kernel", glorot_uniform, (*self.kernel, x.shape[0], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return convolve(x, weights) + bias[:, None, None, None]


def batch_last(x: Shaped[Array, "B H W C"]) -> Shaped[Array, "C H W B"]:
    """Move the batch to the last axis, or back: [B, H, W, C] -> [C, H, W, B].

    Args:
        x: Images, channels last.

    Returns:
        The axes reversed, which are channels first and the batch last.
    """
    return x.transpose(3, 1, 2, 0)


def max_pool(x: Shaped[Array, "C H W B"]) -> Shaped[Array, "C h w B"]:
    """2×2 max pooling with stride 2, the batch last; an axis of length 1 stays.

    Args:
        x: Images of even height and width, or 1.

    Returns:
        Images of half the height and width.
    """
    channels, height, width, batch = x.shape
    rows, columns = min(2, height), min(2, width)
    windows = x.reshape(channels, height // rows, rows, width // columns, columns, batch)
    return windows.max((2, 4))


class ConvNet(nn.Module):
    """Convolutional network: 3×3 convolutions with ReLU and pooling, dropout, a dense layer.

    Inputs [B, H, W] or [B, H, W, C]. Returns (logits [B, classes], features "conv_1", …, each
    [B, H, W, C] before pooling).

    Attributes:
        features: Channels of each convolution.
        pooled: After which convolutions (counted from 1) a 2×2 maximum follows.
        classes: Number of classes.
        dropout: Fraction dropped before the dense layer while training.
    """

    features: tuple[int, ...]
    pooled: tuple[int, ...]
    classes: int
    dropout: float = 0.0

    @nn.compact
    def __call__(
        self, inputs: Float[Array, "B H W *C"], train: bool
    ) -> tuple[Float[Array, "B classes"], dict[str, Array]]:
        x = batch_last(inputs if inputs.ndim == 4 else inputs[..., None])
        named = {}
        for number, channels in enumerate(self.features, 1):
            x = nn.relu(Convolution(channels, name=f"conv_{number}")(x))
            named[f"conv_{number}"] = batch_last(x)
            x = max_pool(x) if number in self.pooled else x
        x = nn.Dropout(self.dropout, deterministic=not train)(batch_last(x))
        x = x.reshape(x.shape[0], -1)
        return nn.Dense(self.classes, kernel_init=glorot_uniform, name="logits")(x), named


class ColumnsAsChannels(nn.Module):
    """ConvNet that reads an image [H, W] as one row of H positions with W channels.

    Its 3×3 kernels see zero padding above and below, so they act along one axis of the image alone:
    what an input (1, 28, 28) becomes where channels stand last.

    Attributes:
        net: The network that reads it.
    """

    net: ConvNet

    @nn.compact
    def __call__(
        self, inputs: Float[Array, "B H W"], train: bool
    ) -> tuple[Float[Array, "B classes"], dict[str, Array]]:
        return self.net(inputs[:, None], train)


class HalfResolution(nn.Module):
    """ConvNet that reads means of 2×2 pixels, as on a device where pixels cost too much.

    Attributes:
        net: The network that reads images [B, H / 2, W / 2], H and W even.
    """

    net: ConvNet

    @nn.compact
    def __call__(
        self, inputs: Float[Array, "B H W"], train: bool
    ) -> tuple[Float[Array, "B classes"], dict[str, Array]]:
        batch, height, width = inputs.shape
        windows = inputs.reshape(batch, height // 2, 2, width // 2, 2)
        return self.net(windows.mean((2, 4)), train)
