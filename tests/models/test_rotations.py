"""Scaled rotations have the frequencies of transformers, and of their papers where they are plain.

The numbers are those of transformers 5.24's functions for heads 16 wide, in float32.
"""

import math

import numpy as np
import pytest

from kd_jax.models.rotations import Linear, Llama3, Rotation, Yarn

LONG = 4096
EXPECTED = [
    (Rotation(10000.0, Linear(4.0)), 1.0,
     [0.25, 0.0790569, 0.025, 0.00790569, 0.0025, 0.000790569, 0.00025, 7.90569e-05]),
    (Rotation(500000.0, Llama3(4.0, 1.0, 8.0, 32)), 1.0,
     [0.688531, 0.0484807, 0.00940151, 0.00182317, 0.000353553, 6.8562e-05, 1.32957e-05,
      2.57835e-06]),
    (Rotation(500000.0, Llama3(32.0, 1.0, 4.0, 8192)), 1.0,
     [1.0, 0.193923, 0.037606, 0.00729267, 0.000429557, 8.57026e-06, 1.66197e-06, 3.22293e-07]),
    (Rotation(10000.0, Yarn(4.0, 16)), 1.0,
     [1.0, 0.0790569, 0.025, 0.00790569, 0.0025, 0.000790569, 0.00025, 7.90569e-05]),
    (Rotation(10000.0, Yarn(4.0, LONG, magnitude=1.25)), 1.25,
     [1.0, 0.316228, 0.1, 0.0256935, 0.00625, 0.0013835, 0.00025, 7.90569e-05]),
    (Rotation(10000.0, Yarn(4.0, LONG, 8.0, 2.0, truncate=False)), 1.0,
     [1.0, 0.316228, 0.1, 0.0316228, 0.00889243, 0.000842372, 0.00025, 7.90569e-05]),
    (Rotation(10000.0, Yarn(40.0, 10**6)), 1.0,
     [1.0, 0.316228, 0.1, 0.0316228, 0.01, 0.00316228, 0.001, 0.000316228]),
]  # fmt: skip


@pytest.mark.parametrize("rotation, magnitude, expected", EXPECTED, ids=lambda x: str(x)[:60])
def test_frequencies_are_those_of_transformers(rotation, magnitude, expected):
    found, factor = rotation.frequencies(16)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert factor == magnitude


def test_short_waves_are_left_alone_and_long_ones_slowed_down():
    """Of llama3: a wave is 2π / frequency long; the bounds are original / high and / low."""
    plain, _ = Rotation(500000.0).frequencies(128)
    found, _ = Rotation(500000.0, Llama3(8.0, 1.0, 4.0, 8192)).frequencies(128)
    waves = 2 * math.pi / plain
    np.testing.assert_array_equal(found[waves < 2048], plain[waves < 2048])
    np.testing.assert_allclose(found[waves > 8192], plain[waves > 8192] / 8, rtol=1e-12)
    between = (waves > 2048) & (waves < 8192)
    assert between.any() and (found < plain)[between].all() and (found > plain / 8)[between].all()
