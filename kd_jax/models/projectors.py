"""Trainable projectors of feature losses: student features brought to the teacher's shape.

Their parameters are one more entry of the student's, and are thrown away after training. Features
are NHWC maps or [B, D] vectors; a 1×1 convolution is a Dense on the last axis. No module keeps
batch statistics: where the papers normalize over the batch (activation boundary's connector, factor
transfer), there is a bias here and nothing else.
"""

import math

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from kd_jax.models.convnet import Convolution, batch_last


class Projector(nn.Module):
    """Linear map of channels (1×1 convolution): FitNets' regressor and AB's connector.

    [..., C] -> [..., features], to be given to losses.hint or losses.activation_boundary.

    Attributes:
        features: Channels of the teacher.
    """

    features: int

    @nn.compact
    def __call__(self, x: Float[Array, "*B C"]) -> Float[Array, "*B features"]:
        # all positions are rows of one matrix: on CPUs that takes half the time of [B, H, W, C]
        projected = nn.Dense(self.features)(x.reshape(-1, x.shape[-1]))
        return projected.reshape(*x.shape[:-1], self.features)


class Regressor(nn.Module):
    """Mean and variance of the teacher's features, for losses.variational_information (VID).

    [..., C] -> ([..., features], [features]): three Dense layers with ReLU between them, and one
    free variance per channel: softplus(a) + eps is the variance for the returned a.

    Attributes:
        features: Channels of the teacher.
        initial_variance: At which the variance starts.
        eps: The loss's ε.

    Source:
        Ahn et al. 2019, arXiv 1904.05835; the layers and the 5 are RepDistiller's.
    """

    features: int
    initial_variance: float = 5.0
    eps: float = 1e-5

    @nn.compact
    def __call__(
        self, x: Float[Array, "*B C"]
    ) -> tuple[Float[Array, "*B features"], Float[Array, " features"]]:
        shape, x = (*x.shape[:-1], self.features), x.reshape(-1, x.shape[-1])
        for _ in range(2):
            x = nn.relu(nn.Dense(self.features, use_bias=False)(x))
        mean = nn.Dense(self.features, use_bias=False)(x).reshape(shape)
        start = math.log(math.expm1(self.initial_variance - self.eps))
        return mean, self.param("variance_logit", nn.initializers.constant(start), (self.features,))


class Embedding(nn.Module):
    """Linear map onto the unit sphere, for losses.contrastive (CRD): one for each side.

    [B, ...] -> [B, features], each row of length 1; inputs are flattened first.

    Attributes:
        features: Width of the embedding.
    """

    features: int = 128

    @nn.compact
    def __call__(self, x: Float[Array, " B *D"]) -> Float[Array, "B features"]:
        x = nn.Dense(self.features)(x.reshape(x.shape[0], -1))
        return x / jnp.sqrt(jnp.maximum(jnp.sum(x**2, -1, keepdims=True), 1e-12))


class Translator(nn.Module):
    """Student factors [B, H, W, C] -> [B, H, W, factors], for losses.factor_transfer (FT).

    Three convolutions with leaky ReLU (0.1). Trained with the student.

    Attributes:
        factors: Number of channels of a factor.
    """

    factors: int

    @nn.compact
    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W factors"]:
        x = batch_last(x)
        for _ in range(3):
            x = nn.leaky_relu(Convolution(self.factors)(x), 0.1)
        return batch_last(x)


class Paraphraser(nn.Module):
    """Autoencoder of teacher features, whose code is the teacher factor, for factor transfer (FT).

    [B, H, W, C] -> (factor [B, H, W, factors], reconstruction [B, H, W, C]). It is trained
    beforehand on the squared error of its reconstruction, without labels, and then kept; only the
    factor, detached, enters losses.factor_transfer. The last layer is linear, so that it reaches
    every feature. Transposed convolutions of stride 1, which the paper decodes with, are
    convolutions.

    Attributes:
        factors: Number of channels of a factor.
    """

    factors: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "B H W C"]
    ) -> tuple[Float[Array, "B H W factors"], Float[Array, "B H W C"]]:
        channels = x.shape[-1]
        factor = Translator(self.factors, name="encoder")(x)
        decoded = batch_last(factor)
        for _ in range(2):
            decoded = nn.leaky_relu(Convolution(self.factors)(decoded), 0.1)
        return factor, batch_last(Convolution(channels)(decoded))
