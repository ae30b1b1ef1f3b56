"""Residual networks for 32 × 32 images, with group norm: the pairs of the distillation tables.

Depths and widths are those that Tian et al. 2020 (arXiv 1910.10699) compare distillation methods
with; the design is He et al. 2015 (arXiv 1512.03385, section 4.2), with projections where the shape
changes. Published numbers are of networks with BATCH norm. These have group norm, as no model here
keeps batch statistics, so their accuracies are not directly comparable with published ones: compare
rows that were trained here. The number of parameters is the same in both.
"""

import math

import flax.linen as nn
from jaxtyping import Array, Float

from kd_jax.models.mlp import glorot_uniform

GROUPS = 8
EPSILON = 1e-5

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


def group_norm(channels: int, name: str) -> nn.GroupNorm:
    """Group norm over at most 8 groups, as many as divide the channels.

    Args:
        channels: Of the input.
        name: Of the module.

    Returns:
        The Flax module.
    """
    return nn.GroupNorm(math.gcd(GROUPS, channels), epsilon=EPSILON, name=name)


class ResidualBlock(nn.Module):
    """Basic residual block, relu(shortcut + residual): [B, H, W, C] -> [B, H/stride, W/stride, D].

    The residual is two 3×3 convolutions, each followed by group norm, with ReLU between them; the
    first has the stride. The shortcut is the input, or a 1×1 convolution of it with group norm
    where the stride or the number of channels changes the shape.

    Attributes:
        channels: D.
        stride: Of the first convolution.
    """

    channels: int
    stride: int = 1

    @nn.compact
    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w D"]:
        y = convolution(self.channels, 3, self.stride, "conv_1")(x)
        y = nn.relu(group_norm(self.channels, "norm_1")(y))
        y = convolution(self.channels, 3, 1, "conv_2")(y)
        y = group_norm(self.channels, "norm_2")(y)
        if self.stride != 1 or x.shape[-1] != self.channels:
            x = convolution(self.channels, 1, self.stride, "projection")(x)
            x = group_norm(self.channels, "projection_norm")(x)
        return nn.relu(x + y)


class ResNet(nn.Module):
    """Residual network: stem, three stages of (depth − 2) / 6 blocks, mean pooling, dense layer.

    Inputs [B, H, W, C], made for 32 × 32; the second and third stage halve height and width.
    Returns (logits [B, classes], features): "stage_1", "stage_2", "stage_3" are the maps
    [B, H, W, channels] after each stage's last ReLU, "pooled" [B, D] is the mean of the last map
    over positions. `train` changes nothing: there is neither dropout nor a batch statistic.

    Attributes:
        depth: 6n + 2, counting the convolutions of stem and residuals and the dense layer.
        widths: Channels of the stem and of the three stages.
        classes: Number of classes.

    Raises:
        ValueError: If depth is not 6n + 2 with n ≥ 1, or widths are not four.
    """

    depth: int
    widths: tuple[int, int, int, int]
    classes: int

    def __post_init__(self):
        if self.depth < 8 or self.depth % 6 != 2:
            raise ValueError(f"depth is {self.depth}: expected 6n + 2, as 8, 14, 20, 32 or 56")
        if len(self.widths) != 4:
            raise ValueError(f"widths are {self.widths}: expected four, of stem and three stages")
        super().__post_init__()

    @nn.compact
    def __call__(
        self, inputs: Float[Array, "B H W C"], train: bool
    ) -> tuple[Float[Array, "B classes"], dict[str, Array]]:
        stem, *stages = self.widths
        x = nn.relu(group_norm(stem, "stem_norm")(convolution(stem, 3, 1, "stem")(inputs)))
        features = {}
        for stage, channels in enumerate(stages, 1):
            for block in range(1, (self.depth - 2) // 6 + 1):
                stride = 2 if stage > 1 and block == 1 else 1
                x = ResidualBlock(channels, stride, name=f"stage_{stage}_block_{block}")(x)
            features[f"stage_{stage}"] = x
        pooled = features["pooled"] = x.mean((1, 2))
        return nn.Dense(self.classes, kernel_init=glorot_uniform, name="logits")(pooled), features


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
