"""Residual networks for 32 × 32 images: the pairs of the distillation tables.

Depths and widths are those that Tian et al. 2020 (arXiv 1910.10699) compare distillation methods
with; the design is He et al. 2015 (arXiv 1512.03385, section 4.2), with projections where the shape
changes, and batch norm. With norm="group" they have group norm in its place, and an example's
logits do not depend on the others of its batch; the number of parameters is the same in both.
"""

import functools
import math

import flax.linen as nn
from jaxtyping import Array, Float

from kd_jax.models.mlp import glorot_uniform

GROUPS = 8
EPSILON = 1e-5
MOMENTUM = 0.9  # of batch norm's running statistics; PyTorch, which weighs the new ones, says 0.1

NARROW = (16, 16, 32, 64)  # channels of the stem and of the three stages
WIDE = (32, 64, 128, 256)  # what the tables call "x4"

he_normal = nn.initializers.variance_scaling(2.0, "fan_out", "normal")


def convolution(channels: int, size: int, stride: int, name: str) -> nn.Conv:
    """size × size convolution without bias; zeros on both sides, so stride 2 starts at pixel 0.

    Args:
        channels: Of the output.
        size: Height and width of the kernel.
        stride: In both directions.
        name: Of the module.

    Returns:
        The Flax module.
    """
    # nn.Conv, not convnet.Convolution: these networks are for accelerators, whose convolution is
    # fast inside a scan too, while the nine shifted slices would be written to memory. Also the
    # slices have no stride.
    return nn.Conv(
        channels,
        (size, size),
        (stride, stride),
        padding=size // 2,
        use_bias=False,
        kernel_init=he_normal,
        name=name,
    )


def batch_norm(channels: int, train: bool, name: str) -> nn.BatchNorm:
    """Batch norm: by the batch's mean and variance while training, else by the running ones.

    Args:
        channels: Of the input.
        train: Whether this is training.
        name: Of the module.

    Returns:
        The Flax module.
    """
    return nn.BatchNorm(not train, momentum=MOMENTUM, epsilon=EPSILON, name=name)


def group_norm(channels: int, train: bool, name: str) -> nn.GroupNorm:
    """Group norm over at most 8 groups, as many as divide the channels.

    Args:
        channels: Of the input.
        train: Changes nothing.
        name: Of the module.

    Returns:
        The Flax module.
    """
    return nn.GroupNorm(math.gcd(GROUPS, channels), epsilon=EPSILON, name=name)


NORMS = {"batch": batch_norm, "group": group_norm}


class ResidualBlock(nn.Module):
    """Basic residual block, relu(shortcut + residual): [B, H, W, C] -> [B, H/stride, W/stride, D].

    The residual is two 3×3 convolutions, each followed by the norm, with ReLU between them; the
    first has the stride. The shortcut is the input, or a 1×1 convolution of it with the norm
    where the stride or the number of channels changes the shape.

    Attributes:
        channels: D.
        stride: Of the first convolution.
        norm: "batch" or "group".
    """

    channels: int
    stride: int = 1
    norm: str = "batch"

    @nn.compact
    def __call__(self, x: Float[Array, "B H W C"], train: bool) -> Float[Array, "B h w D"]:
        norm = functools.partial(NORMS[self.norm], self.channels, train)
        y = convolution(self.channels, 3, self.stride, "conv_1")(x)
        y = nn.relu(norm("norm_1")(y))
        y = convolution(self.channels, 3, 1, "conv_2")(y)
        y = norm("norm_2")(y)
        if self.stride != 1 or x.shape[-1] != self.channels:
            x = convolution(self.channels, 1, self.stride, "projection")(x)
            x = norm("projection_norm")(x)
        return nn.relu(x + y)


class ResNet(nn.Module):
    """Residual network: stem, three stages of (depth − 2) / 6 blocks, mean pooling, dense layer.

    Inputs [B, H, W, C], made for 32 × 32; the second and third stage halve height and width.
    Returns (logits [B, classes], features): "stage_1", "stage_2", "stage_3" are the maps
    [B, H, W, channels] after each stage's last ReLU, "pooled" [B, D] is the mean of the last map
    over positions.

    Attributes:
        depth: 6n + 2, counting the convolutions of stem and residuals and the dense layer.
        widths: Channels of the stem and of the three stages.
        classes: Number of classes.
        norm: After each convolution, "batch" or "group".

    Raises:
        ValueError: If depth is not 6n + 2 with n ≥ 1, widths are not four, or the norm is another.
    """

    depth: int
    widths: tuple[int, int, int, int]
    classes: int
    norm: str = "batch"

    def __post_init__(self):
        if self.depth < 8 or self.depth % 6 != 2:
            raise ValueError(f"depth is {self.depth}: expected 6n + 2, as 8, 14, 20, 32 or 56")
        if len(self.widths) != 4:
            raise ValueError(f"widths are {self.widths}: expected four, of stem and three stages")
        if self.norm not in NORMS:
            raise ValueError(f"norm is {self.norm!r}: expected one of {', '.join(NORMS)}")
        super().__post_init__()

    @nn.compact
    def __call__(
        self, inputs: Float[Array, "B H W C"], train: bool
    ) -> tuple[Float[Array, "B classes"], dict[str, Array]]:
        stem, *stages = self.widths
        x = convolution(stem, 3, 1, "stem")(inputs)
        x = nn.relu(NORMS[self.norm](stem, train, "stem_norm")(x))
        features = {}
        for stage, channels in enumerate(stages, 1):
            for block in range(1, (self.depth - 2) // 6 + 1):
                stride = 2 if stage > 1 and block == 1 else 1
                name = f"stage_{stage}_block_{block}"
                x = ResidualBlock(channels, stride, self.norm, name=name)(x, train)
            features[f"stage_{stage}"] = x
        pooled = features["pooled"] = x.mean((1, 2))
        return nn.Dense(self.classes, kernel_init=glorot_uniform, name="logits")(pooled), features


def resnet8(classes: int) -> ResNet:
    """ResNet-8 with 16, 16, 32 and 64 channels, the smallest student of the tables.

    Args:
        classes: Number of classes.

    Returns:
        The Flax module.
    """
    return ResNet(8, NARROW, classes)


def resnet20(classes: int) -> ResNet:
    """ResNet-20 with 16, 16, 32 and 64 channels, the usual student of resnet56.

    Args:
        classes: Number of classes.

    Returns:
        The Flax module.
    """
    return ResNet(20, NARROW, classes)


def resnet56(classes: int) -> ResNet:
    """ResNet-56 with 16, 16, 32 and 64 channels, the usual teacher of resnet20.

    Args:
        classes: Number of classes.

    Returns:
        The Flax module.
    """
    return ResNet(56, NARROW, classes)


def resnet8x4(classes: int) -> ResNet:
    """ResNet-8×4 with 32, 64, 128 and 256 channels, the usual student of resnet32x4.

    Args:
        classes: Number of classes.

    Returns:
        The Flax module.
    """
    return ResNet(8, WIDE, classes)


def resnet32x4(classes: int) -> ResNet:
    """ResNet-32×4 with 32, 64, 128 and 256 channels, the usual teacher of resnet8x4.

    Args:
        classes: Number of classes.

    Returns:
        The Flax module.
    """
    return ResNet(32, WIDE, classes)
