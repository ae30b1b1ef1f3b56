"""Bootstrap intervals by hand."""

import numpy as np
import pytest

from kd_jax.metrics import bootstrap


def test_bootstrap_of_two_seeds_by_hand():
    # resampled pairs of 0 and 1 have mean 0, ½, ½, 1, each with probability ¼
    found = bootstrap.percentile([0.0, 1.0], np.mean)
    assert found == (0.5, 0.0, 1.0)
    # the 30 % and 70 % quantiles both lie in the middle half
    assert bootstrap.percentile([0.0, 1.0], np.mean, level=0.4) == (0.5, 0.5, 0.5)


def test_bootstrap_is_seeded_and_keeps_seeds_whole():
    values = np.random.default_rng(0).normal(size=(5, 3))
    assert bootstrap.percentile(values, np.mean) == bootstrap.percentile(values, np.mean)
    shifted = np.stack([values[:, 0], values[:, 0] + 1], axis=1)
    difference = bootstrap.percentile(shifted, lambda v: np.mean(v[:, 1] - v[:, 0]))
    assert difference == pytest.approx((1, 1, 1))  # paired in every resample


def test_bootstrap_of_one_seed_has_no_interval():
    found = bootstrap.percentile([[3.0]], np.mean)
    assert found.value == 3 and np.isnan(found.low) and np.isnan(found.high)
    with pytest.raises(ValueError, match="no seed"):
        bootstrap.percentile([], np.mean)
