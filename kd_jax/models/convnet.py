"""Convolutional networks whose convolutions are matrix products of shifted slices.

XLA's own convolution is slow inside a scan on a CPU and does not vmap over members; the product
equals it (stride 1, zero padding) and does both.
"""

import flax.linen as nn
import jax.numpy as jnp

from kd_jax.models.mlp import glorot_uniform


class Convolution(nn.Module):
    """Stride-1 convolution with zero padding: [B, H, W, C] -> [B, H, W, features].

    kernel: height and width, both odd. Parameters as nn.Conv has them: "kernel" [h, w, C, features]
    (Glorot-uniform) and "bias" [features].
    """

    features: int
    kernel: tuple[int, int] = (3, 3)

    @nn.compact
    def __call__(self, x):
        height, width = self.kernel
        weights = self.param("kernel", glorot_uniform, (height, width, x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        padded = jnp.pad(x, [(0, 0), (height // 2,) * 2, (width // 2,) * 2, (0, 0)])
        slices = [
            padded[:, i : i + x.shape[1], j : j + x.shape[2]]
            for i in range(height)
            for j in range(width)
        ]
        return jnp.concatenate(slices, -1) @ weights.reshape(-1, self.features) + bias


def max_pool(x):
    """The maximum of every 2×2 window of [B, H, W, C]; an axis of length 1 stays."""
    batch, height, width, channels = x.shape
    rows, columns = min(2, height), min(2, width)
    windows = x.reshape(batch, height // rows, rows, width // columns, columns, channels)
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
        x = inputs if inputs.ndim == 4 else inputs[..., None]
        named = {}
        for number, channels in enumerate(self.features, 1):
            x = nn.relu(Convolution(channels, name=f"conv_{number}")(x))
            named[f"conv_{number}"] = x
            x = max_pool(x) if number in self.pooled else x
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
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
