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
    # 90, and two more: 4 times 23, a prime number, of which ten rounds or more have 1 step each
    assert (found.number, found.steps, found.all_steps) == (92, 1, 92)
    epochs = [steps[n * 30 : n * 30 + 30].ravel() for n in range(3)]
    assert all(sorted(each) == list(range(60)) for each in epochs)
    assert len({tuple(each) for each in epochs}) == 3
    _, others = steps_of(60, 2, 3, 1)
    assert not np.array_equal(steps, others)


def test_rows_that_fill_no_batch_are_others_in_each_epoch():
    """Of 18 rows in batches of four two are left out of each of 200 epochs: each in 22 ± 4."""
    _, steps = steps_of(18, 4, 200, 0)
    seen = steps[:800].reshape(200, 16)
    assert all(len(set(each.tolist())) == 16 for each in seen)
    left_out = 200 - np.bincount(seen.ravel(), minlength=18)
    assert left_out.sum() == 400 and left_out.min() > 4 and left_out.max() < 40


def test_few_rows_are_a_round_for_each_step():
    found, steps = steps_of(5, 2, 1, 0)
    assert found == (2, 1) and len(set(steps.ravel().tolist())) == 4


def test_ten_rounds_or_more_show_how_far_a_training_is():
    """42 steps were two rounds of 21: now 14 of 3; 200 stay 8 of 25, which are 5 times 5 each."""
    assert rounds.of(42, 1, 1) == (14, 3) and rounds.of(200, 1, 1) == (40, 5)
    assert rounds.of(2500, 1, 1) == (100, 25)
    for steps in range(1, 300):
        found = rounds.of(steps, 1, 1)
        before = -(-steps // 25)
        assert found.all_steps == before * -(-steps // before)
        assert found.number >= min(10, steps) and found.steps <= 25


def test_few_steps_are_told_of_a_given_student_too():
    assert rounds.of(200, 1, 1).few() == rounds.of(200, 1, 1).few(given=True) == []
    (cut,), (given,) = (rounds.of(8, 1, 1).few(given=x) for x in (False, True))
    assert "takes 8 steps, and likely writes nothing of use then: expected 200 or more" in cut
    assert "takes 8 steps, and is changed little by them: expected 200 or more" in given
