"""Rounds of a training see every row once in each epoch, in an order that seeds alone change."""

import jax
import numpy as np

from kd_jax.language.decoder import rounds

KEY = jax.random.key(0)


def steps_of(rows, batch_size, epochs, seed):
    found = rounds.of(rows, batch_size, epochs)
    draw = rounds.sampler(KEY, rows, batch_size, found)
    each = jax.jit(jax.vmap(draw, in_axes=(None, 0)))(seed, np.arange(found.number))
    return found, np.asarray(each).reshape(-1, batch_size)


def test_every_row_is_seen_once_in_an_epoch_across_rounds():
    found, steps = steps_of(60, 2, 3, 0)  # 30 steps an epoch, rounds of at most 25
    assert (found.number, found.steps, found.all_steps) == (4, 23, 92)  # 90, and two of a fourth
    epochs = [steps[n * 30 : n * 30 + 30].ravel() for n in range(3)]
    assert all(sorted(each) == list(range(60)) for each in epochs)
    assert len({tuple(each) for each in epochs}) == 3
    _, others = steps_of(60, 2, 3, 1)
    assert not np.array_equal(steps, others)


def test_few_rows_are_one_round():
    found, steps = steps_of(5, 2, 1, 0)
    assert found == (1, 2) and len(set(steps.ravel().tolist())) == 4
