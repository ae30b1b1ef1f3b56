"""Black-box outputs and queries by hand: what is shown of a teacher, and of which images."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.black_box import outputs, queries
from experiments.black_box import run as black_box
from experiments.black_box.config import Config
from kd_jax import losses
from kd_jax.errors import InputError

P = np.array([0.16, 0.04, 0.5, 0.24, 0.06])


def test_outputs_by_hand():
    np.testing.assert_array_equal(outputs.hard_label(P), [0, 0, 1, 0, 0])
    # 1, 1/2, 1/3 sum to 11/6
    np.testing.assert_allclose(outputs.ranked(P, 3), np.array([2, 0, 6, 3, 0]) / 11)
    # 0.5 + 0.24 are known; 0.26 is left for three classes
    np.testing.assert_allclose(
        outputs.top_k(P, 2), [0.26 / 3, 0.26 / 3, 0.5, 0.24, 0.26 / 3], rtol=1e-12
    )
    # 0.2, 0, 0.5, 0.2, 0.1 happen to sum to 1; 0.333, 0.333, 0.334 round to 0.3 each
    np.testing.assert_allclose(outputs.rounded(P, 1), [0.2, 0, 0.5, 0.2, 0.1], atol=1e-12)
    np.testing.assert_allclose(outputs.rounded([0.333, 0.333, 0.334], 1), [1 / 3] * 3)
    np.testing.assert_array_equal(outputs.probabilities(P), P)


def test_outputs_are_distributions_and_the_least_restricted_is_the_whole():
    p = np.random.default_rng(0).dirichlet(np.full(10, 0.3), size=(4, 50))
    for output in black_box.outputs_of(Config()).values():
        target = output(p)
        assert target.shape == p.shape and (target >= 0).all()
        np.testing.assert_allclose(target.sum(-1), 1, rtol=1e-6)
    np.testing.assert_allclose(outputs.top_k(p, 10), p)
    np.testing.assert_allclose(outputs.rounded(p, 12), p, atol=1e-11)
    np.testing.assert_array_equal(outputs.ranked(p, 1), outputs.hard_label(p))


def test_of_equal_probabilities_the_first_comes_first():
    even = np.full(4, 0.25)
    np.testing.assert_array_equal(outputs.hard_label(even), [1, 0, 0, 0])
    np.testing.assert_allclose(outputs.ranked(even, 2), [2 / 3, 1 / 3, 0, 0])
    np.testing.assert_allclose(outputs.top_k(even, 2), even)


def test_outputs_without_information_are_refused():
    with pytest.raises(ValueError, match="k is 6: expected 1 to 5"):
        outputs.ranked(P, 6)
    with pytest.raises(ValueError, match="k is 0"):
        outputs.top_k(P, 0)
    with pytest.raises(ValueError, match="0 decimals may leave none of 5"):
        outputs.rounded(P, 0)


def test_an_output_is_learned_by_its_cross_entropy():
    target = np.stack([outputs.hard_label(P), outputs.top_k(P, 2), outputs.rounded(P, 1)])
    logits = np.random.default_rng(1).normal(size=target.shape)
    q = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    entropy = -np.sum(np.where(target > 0, target * np.log(np.where(target > 0, target, 1)), 0), -1)

    def loss(z):
        return losses.soft_targets(z, losses.as_logits(target))

    np.testing.assert_allclose(loss(logits), -(target * np.log(q)).sum(-1) - entropy, atol=1e-5)
    # the gradient of a cross-entropy is q − target
    gradient = jax.grad(lambda z: loss(z).sum())(jnp.asarray(logits, jnp.float32))
    np.testing.assert_allclose(gradient, q - target, atol=1e-6)


def test_rows_are_named_by_what_is_cut_off():
    shown = black_box.outputs_of(Config(top=2, decimals=2))
    assert [*shown][1:4] == [
        "top-2 labels, ranked", "top-2 probabilities", "probabilities, 2 decimals",
    ]  # fmt: skip
    assert [(output(P) > 0).sum() for output in shown.values()] == [1, 2, 5, 5, 5]
    # 0.26 is left for three classes
    np.testing.assert_allclose(shown["top-2 probabilities"](P)[0], 0.26 / 3)


def test_the_quarters_of_a_mix_are_those_of_images_in_their_places():
    images = np.random.default_rng(3).random((5, 4, 6), np.float32)
    mixed = queries.mixes(images, 30, seed=0)
    assert mixed.shape == (30, 4, 6)
    places = [np.s_[top : top + 2, left : left + 3] for top in (0, 2) for left in (0, 3)]
    sources = [
        [n for one in mixed for n, x in enumerate(images) if np.array_equal(x[place], one[place])]
        for place in places
    ]
    # each quarter is of exactly one image, any of the five, and not all four of the same
    assert [(len(of_place), set(of_place)) for of_place in sources] == [(30, set(range(5)))] * 4
    assert sum(len(set(of_image)) > 1 for of_image in zip(*sources)) > 20


def test_noise_is_uniform():
    found = queries.noise(2000, (4, 4), seed=0)
    assert found.dtype == np.float32 and found.min() >= 0 and found.max() < 1
    np.testing.assert_allclose(
        np.quantile(found, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.01
    )  # s.d. 0.0028


def test_fewer_queries_are_the_first_of_more_and_seeds_have_their_own():
    many, few = queries.random(range(3), 50, 40), queries.random(range(3), 50, 10)
    np.testing.assert_array_equal(many[:, :10], few)
    assert all(len(set(rows)) == 40 and set(rows) <= set(range(50)) for rows in many.tolist())
    assert len({tuple(rows) for rows in few.tolist()}) == 3
    with pytest.raises(InputError, match="51 queries of a pool of 50"):
        queries.random([0], 50, 51)


def test_the_rows_of_smallest_margin_that_were_not_queried_come_next():
    # margins 0.5 − 0.24 and 0.4 − 0.35
    np.testing.assert_allclose(queries.margin([P, [0.4, 0.35, 0.25, 0, 0]]), [0.26, 0.05])
    margins = np.array([[0.9, 0.1, 0.5, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4, 0.5]])
    found = queries.smallest_margin(np.array([[1, 0], [0, 4]]), margins, 4)
    assert found.tolist() == [[1, 0, 3, 4], [0, 4, 1, 2]]
    assert queries.smallest_margin(found, margins, 4).tolist() == found.tolist()


def test_a_sampler_shows_each_seed_every_row_of_its_own_once_per_epoch():
    rows = np.random.default_rng(4).permutation(100)[:60].reshape(2, 30)
    sampler = queries.sampler(jax.random.key(0), rows, 10)
    for seed in range(2):
        seen = [np.asarray(sampler(seed, epoch)) for epoch in range(2)]
        assert [x.shape for x in seen] == [(3, 10)] * 2
        assert all(sorted(x.ravel()) == sorted(rows[seed]) for x in seen)
        assert not np.array_equal(*seen)
    with pytest.raises(InputError, match="30 rows do not fill a batch of 31"):
        queries.sampler(jax.random.key(0), rows, 31)
