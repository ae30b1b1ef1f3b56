"""Orders without a sort are permutations drawn evenly; members are cut as the memory asks."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from kd_jax.errors import InputError
from kd_jax.runtime import memory
from kd_jax.training import chunking, optimizers, samplers


@pytest.mark.parametrize("count", [1, 2, 3, 10, 900, 2917])
def test_every_row_comes_once(count):
    """Also where the base's square is the count, 30², or as far above it as can be, 55²."""
    keys = jax.random.split(jax.random.key(count), 8)
    found = jax.jit(jax.vmap(lambda key: samplers.permutation(key, count)))(keys)
    np.testing.assert_array_equal(np.sort(found), np.tile(np.arange(count), (8, 1)))


def test_the_order_is_the_same_where_numbers_are_64_bits_wide():
    found = samplers.permutation(jax.random.key(0), 10)
    with jax.enable_x64(True):
        np.testing.assert_array_equal(samplers.permutation(jax.random.key(0), 10), found)


def test_all_orders_of_four_rows_are_as_likely():
    """24 orders, 24,000 draws: χ² with 23 degrees of freedom exceeds its bound once in 1,000."""
    keys = jax.random.split(jax.random.key(0), 24_000)
    found = np.asarray(jax.jit(jax.vmap(lambda key: samplers.permutation(key, 4)))(keys))
    _, counts = np.unique(found @ [64, 16, 4, 1], return_counts=True)
    assert len(counts) == 24
    assert np.sum((counts - 1000) ** 2 / 1000) < stats.chi2.ppf(0.999, 23)


def test_places_neighbours_and_cycles_are_those_of_even_draws():
    """Of 251 rows: rows 0 and 125 go anywhere, neighbours part, one row stays on average."""
    keys = jax.random.split(jax.random.key(1), 4000)
    found = np.asarray(jax.jit(jax.vmap(lambda key: samplers.permutation(key, 251)))(keys))
    for row in (0, 125):
        where = np.argmax(found == row, axis=1)
        assert stats.kstest(where / 251, "uniform").pvalue > 1e-3
    # |a − b| of two rows drawn without replacement from n has the mean (n + 1)/3
    apart = np.abs(np.diff(found.astype(int), axis=1)).mean()
    assert abs(apart - 252 / 3) < 0.125
    # the number of fixed points has mean and variance 1: the mean of 4000 is within 4/√4000
    fixed = (found == np.arange(251)).sum(1)
    assert abs(fixed.mean() - 1) < 4 / np.sqrt(4000)


def test_an_order_scatters_the_rows_that_it_is_given_anew_for_each_seed_and_epoch():
    order = jax.jit(samplers.scattered(jax.random.key(0), np.array([3, 5, 8, 13, 21]), 2))
    drawn = np.stack([[order(s, e) for e in range(20)] for s in range(2)]).reshape(40, 4)
    assert set(drawn.ravel()) == {3, 5, 8, 13, 21}
    assert all(len(set(rows)) == 4 for rows in drawn.tolist())
    assert len({rows.tobytes() for rows in drawn}) > 30
    with pytest.raises(InputError, match="5 rows do not fill a batch of 6"):
        samplers.scattered(jax.random.key(0), 5, 6)


@pytest.mark.parametrize(
    "seeds, arms, most", [(5, 3, 15), (5, 3, 7), (5, 3, 3), (5, 3, 2), (1, 9, 4)]
)
def test_pieces_cover_the_grid_once_and_none_is_too_large(seeds, arms, most):
    covered = np.zeros((seeds, arms), int)
    for piece in chunking.chunks(seeds, arms, most):
        assert covered[piece].size <= most
        covered[piece] += 1
    assert (covered == 1).all()


def test_rows_of_like_length_share_batches():
    lengths = np.random.default_rng(0).integers(1, 30, 200)
    order = jax.jit(samplers.by_length(jax.random.key(0), lengths, (10, 20), 8))
    drawn = np.asarray(order(0, 0))
    assert drawn.shape == (25, 8) and len(set(drawn.ravel())) == 200
    groups = np.digitize(lengths[drawn], [10, 20], right=True)
    assert sum(len(set(batch)) > 1 for batch in groups) <= 2  # where one group ends
    assert not np.array_equal(groups[:, 0], np.sort(groups[:, 0]))  # short and long batches mix
    assert not np.array_equal(drawn, order(0, 1))


def program(arguments, temporary, output, alias):
    found = types.SimpleNamespace(
        argument_size_in_bytes=arguments, temp_size_in_bytes=temporary,
        output_size_in_bytes=output, alias_size_in_bytes=alias,
    )  # fmt: skip
    return types.SimpleNamespace(memory_analysis=lambda: found)


def test_members_that_fit_are_counted_from_what_the_program_needs(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1000)
    # 10 members: 300 bytes lie there, 100 of them data; 500 more fit into 0.9 · 1000
    assert memory.most(10, program(300, 500, 200, 200), 100) == 10
    # 2700 more do not: a member needs (300 + 2700 − 100)/10 = 290 of 0.9 · 1000 + 300 − 100
    assert memory.most(10, program(300, 2700, 200, 200), 100) == 1100 // 290
    assert memory.most(10, program(300, 10**9, 200, 200), 100) == 1
    monkeypatch.setattr(memory, "available", lambda: None)
    assert memory.most(10, program(300, 10**9, 200, 200), 100) == 10


def test_this_machine_says_what_is_free():
    free = memory.available()
    assert free is None or free > 2**20


def test_an_exhausted_device_is_recognised():
    with pytest.raises(jax.errors.JaxRuntimeError) as raised:
        jax.jit(lambda x: (x[:, None] * x).sort(0))(jax.numpy.ones(2**23)).block_until_ready()
    assert memory.exhausted(raised.value)
    assert not memory.exhausted(ValueError("RESOURCE_EXHAUSTED"))


@pytest.mark.parametrize("steps, rates", [(1, [0.0]), (2, [0.0, 1.0]), (20, [0.0, 0.5, 1.0])])
def test_a_warm_up_of_a_tenth_of_the_steps_also_where_there_is_one(steps, rates):
    """Adam's first steps have the length of the rate: 0 on step 0, the peak after the warm-up."""
    optimizer = optimizers.adamw_warmup_cosine(1.0, steps)
    params, step = jnp.zeros(3), jax.jit(optimizer.update)
    state = optimizer.init(params)
    for rate in rates:
        update, state = step(jnp.ones(3), state, params)
        np.testing.assert_allclose(-update, rate, atol=1e-4)


def test_muon_moves_matrices_by_orthogonal_ones_and_the_rest_as_nadam_does():
    """Two layers of [3, 5]: U Vᵀ of the gradient's singular vectors, times √(5/3) (optax scales by
    √max(1, out/in)); five Newton-Schulz steps bring singular values into 0.7 to 1.2.

    NAdam's second step on a gradient of 1 is 0.9 m / (1 − 0.9³) + 0.1 / (1 − 0.9²) = 1.1573 where
    m = 0.1 + 0.9 · 0.1 = 0.19.
    """
    optimizer = optimizers.muon_warmup_cosine(1.0, 2)
    gradients = {"layers": jax.random.normal(jax.random.key(3), (2, 3, 5)), "norm": jnp.ones(4)}
    params = jax.tree.map(jnp.zeros_like, gradients)
    step = jax.jit(optimizer.update)
    _, state = step(gradients, jax.jit(optimizer.init)(params), params)  # at a rate of 0
    update, _ = step(gradients, state, params)
    np.testing.assert_allclose(update["norm"], -1.1573, atol=1e-4)
    for moved, gradient in zip(update["layers"], np.asarray(gradients["layers"], float)):
        left, _, right = np.linalg.svd(gradient, full_matrices=False)
        inside = left.T @ -np.asarray(moved, float) @ right.T  # diagonal: the same singular vectors
        np.testing.assert_allclose(inside, np.diag(np.diag(inside)), atol=1e-5)
        assert np.all(np.abs(np.diag(inside) / np.sqrt(5 / 3) - 0.95) < 0.26)
