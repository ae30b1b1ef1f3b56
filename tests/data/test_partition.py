"""Partitions of rows among clients: every row once, skewed as the Dirichlet distribution says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kd_jax.data import partition
from kd_jax.errors import InputError

LABELS = np.repeat(np.arange(10), 200)


def test_a_partition_gives_every_row_to_one_client():
    for alpha in (0.1, 1, 100):
        parts = partition.dirichlet(LABELS, 7, alpha, seed=3, least=5)
        assert sorted(np.concatenate(parts).tolist()) == list(range(2000))
        assert min(map(len, parts)) >= 5


def test_small_alphas_give_few_classes_and_large_ones_all_alike():
    def shares(alpha):
        parts = partition.dirichlet(LABELS, 10, alpha, seed=0)
        return np.array([np.bincount(LABELS[rows], minlength=10) for rows in parts]) / 200

    # Dirichlet shares of K clients have variance (1/K)(1 − 1/K)/(Kα + 1)
    for alpha in (0.1, 1, 100):
        found, expected = shares(alpha).var(), 0.09 / (10 * alpha + 1)
        assert 0.6 < found / expected < 1.5  # 100 shares; rounding to rows adds little
    assert (shares(0.1) > 0.05).sum(1).mean() < 5 and (shares(100) > 0.05).all()


def test_bad_partitions_are_one_line():
    with pytest.raises(InputError, match="alpha is 0"):
        partition.dirichlet(LABELS, 3, 0.0, seed=0)
    with pytest.raises(InputError, match="fewer than 900; take more rows"):
        partition.dirichlet(LABELS, 3, 0.1, seed=0, least=900)


def test_padding_is_never_drawn():
    rows, counts = partition.padded([np.array([4, 7, 9]), np.array([2])], 6)
    assert rows.tolist() == [[4, 7, 9, -1, -1, -1], [2, -1, -1, -1, -1, -1]]
    assert counts.tolist() == [3, 1]
    for own, count, known in zip(rows, counts, ({4, 7, 9}, {2})):
        found = partition.sample(jax.random.key(0), jnp.asarray(own), count, 900)
        assert set(np.asarray(found).tolist()) == known
    shares = np.bincount(np.asarray(partition.sample(jax.random.key(1), rows[0], 3, 9000)))
    np.testing.assert_allclose(shares[[4, 7, 9]] / 9000, 1 / 3, atol=0.02)  # s.d. 0.005
