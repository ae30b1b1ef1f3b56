"""Convolutional networks whose convolutions are matrix products of shifted slices.

XLA's own convolution is slow inside a scan on a CPU and does not vmap over members; the product
equals it (stride 1, zero padding) and does both. Inside, the batch is the last axis: with few
channels that is what a processor's vectors are filled with, and a slice is copied in long runs.
"""

import flax.linen as nn
import jax.numpy as jnp

from kd_jax.models.mlp import glorot_uniform


def convolve(x, kernel):
    """Stride-1 convolution with zero padding: x [C, H, W, B], kernel [h, w, C, D] -> [D, H, W, B].

    h and w are odd. Slices that lie in the padding alone are left out.
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
    """`convolve` with a bias: [C, H, W, B] -> [features, H, W, B].

    kernel: height and width, both odd. Parameters as nn.Conv has them: "kernel" [h, w, C, features]
    (Glorot-uniform) and "bias" [features].
    """

    features: int
    kernel: tuple[int, int] = (3, 3)

    @nn.compact
    def __call__(self, x):
        weights = self.param("kernel", glorot_uniform, (*self.kernel, x.shape[0], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return convolve(x, weights) + bias[:, None, None, None]


def batch_last(x):
    """[B, H, W, C] -> [C, H, W, B], and back."""
    return x.transpose(3, 1, 2, 0)


def max_pool(x):
    """The maximum of every 2×2 window of [C, H, W, B]; an axis of length 1 stays."""
    channels, height, width, batch = x.shape
    rows, columns = min(2, height), min(2, width)
    windows = x.reshape(channels, height // rows, rows, width // columns, columns, batch)
    return windows.max((2, 4))


class ConvNet(nn.Module):
    """3×3 convolutions with ReLU and pooling, dropout, and a dense layer.

    Inputs [B, H, W] or [B, H, W, C]. features: channels of each convolution. pooled: after which of
    them (counted from 1) a 2×2 maximum follows. Returns (logits [B, classes], features "conv_1", …,
    each [B, H, W, C] before pooling).
    """

    features: tuple[int, ...]
    pooled: tuple[int, ...]
    classes: int
    dropout: float = 0.0

    @nn.compact
    def __call__(self, inputs, train):
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
    """A ConvNet that reads an image [H, W] as one row of H positions with W channels.

    Its 3×3 kernels see zero padding above and below, so they act along one axis of the image alone:
    what an input (1, 28, 28) becomes where channels stand last.
    """

    net: ConvNet

    @nn.compact
    def __call__(self, inputs, train):
        return self.net(inputs[:, None], train)
