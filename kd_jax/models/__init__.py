"""Networks as pairs of pure functions (init, apply); Flax is used here only."""

from kd_jax.models.convnet import ColumnsAsChannels, ConvNet
from kd_jax.models.functional import Model, functional
from kd_jax.models.mlp import MLP, lecun_normal
from kd_jax.models.resnet import ResNet, resnet8x4, resnet20, resnet32x4, resnet56

__all__ = [
    "ConvNet",
    "MLP",
    "Model",
    "ColumnsAsChannels",
    "ResNet",
    "functional",
    "lecun_normal",
    "resnet20",
    "resnet32x4",
    "resnet56",
    "resnet8x4",
]
