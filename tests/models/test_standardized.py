"""Standardization inside a network is (x − mean) · scale, for members, and survives description."""

import json

import jax
import numpy as np

from kd_jax import models
from kd_jax.models import serialization

MEAN, SCALE = (125.5, 0.1, 200.25), (1 / 63, 2.0, 1 / 51)
PLAIN = models.functional(models.MLP((), 2), (2, 1, 3))
MODEL = models.standardized(PLAIN, MEAN, SCALE)
IMAGES = np.random.default_rng(0).integers(256, size=(4, 2, 1, 3), dtype=np.uint8)
KERNELS = np.random.default_rng(1).normal(size=(2, 6, 2)).astype(np.float32)  # of two members


def logits(model, kernel):
    bias = np.zeros(2, np.float32)
    return model.logits(
        {"params": {"logits": {"kernel": kernel, "bias": bias}}, "state": {}}, IMAGES
    )


def by_hand(kernel):
    """Float64; a mean of 0.1 is that of float32."""
    mean, scale = (np.float64(np.float32(x)) for x in (MEAN, SCALE))
    return ((IMAGES - mean) * scale).reshape(4, 6) @ np.float64(kernel)


def test_each_channel_has_its_constants_in_every_member():
    found = jax.jit(jax.vmap(lambda kernel: logits(MODEL, kernel)))(KERNELS)
    np.testing.assert_allclose(found, np.stack([*map(by_hand, KERNELS)]), rtol=1e-5, atol=1e-4)


def test_its_variables_are_those_of_the_network():
    key = jax.random.key(0)
    jax.tree.map(np.testing.assert_array_equal, MODEL.init(key), PLAIN.init(key))


def test_one_number_is_for_all_channels():
    found = logits(models.standardized(PLAIN, [3.0], [0.5]), KERNELS[0])
    expected = ((IMAGES - 3.0) * 0.5).reshape(4, 6) @ np.float64(KERNELS[0])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


def test_a_description_keeps_the_constants_to_the_bit():
    written = json.loads(json.dumps(serialization.describe(MODEL.network)))
    again = serialization.model_of(serialization.build(written), IMAGES.shape[1:])
    np.testing.assert_array_equal(logits(again, KERNELS[0]), logits(MODEL, KERNELS[0]))


def test_what_describes_nothing_describes_nothing_when_standardized():
    nameless = PLAIN._replace(network=None)
    assert models.standardized(nameless, MEAN, SCALE).network is None
