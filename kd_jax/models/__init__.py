"""Networks as pairs of pure functions (init, apply); Flax is used here only."""

from kd_jax.models.adapters import from_equinox, from_flax, from_haiku, from_nnx, functional
from kd_jax.models.contract import fitted
from kd_jax.models.convnet import ColumnsAsChannels, ConvNet, HalfResolution
from kd_jax.models.mlp import MLP, lecun_normal
from kd_jax.models.model import Model
from kd_jax.models.resnet import ResNet, resnet8, resnet8x4, resnet20, resnet32x4, resnet56
from kd_jax.models.standardized import is_standardized, standardized

__all__ = [
    "ConvNet",
    "MLP",
    "Model",
    "ColumnsAsChannels",
    "HalfResolution",
    "ResNet",
    "fitted",
    "from_equinox",
    "from_flax",
    "from_haiku",
    "from_nnx",
    "functional",
    "lecun_normal",
    "resnet20",
    "resnet32x4",
    "resnet56",
    "resnet8",
    "resnet8x4",
    "is_standardized",
    "standardized",
]
