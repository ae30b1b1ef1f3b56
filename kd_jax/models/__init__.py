"""Networks as pairs of pure functions; the only room that knows Flax."""

from kd_jax.models.convnet import ColumnsAsChannels, ConvNet
from kd_jax.models.functional import Model, functional
from kd_jax.models.mlp import MLP, lecun_normal

__all__ = ["ConvNet", "MLP", "Model", "ColumnsAsChannels", "functional", "lecun_normal"]
