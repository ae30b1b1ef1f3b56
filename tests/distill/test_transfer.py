"""Transfer runs, their held-out rows, and the correction of biases, derived by hand."""

import math

import jax
import numpy as np
import optax
import pytest

from kd_jax import models
from kd_jax.data.dataset import Split
from kd_jax.distill import bias_correction, students, transfer
from kd_jax.distill.students import Arm


def test_a_student_trained_alone_is_the_one_of_its_grid():
    model = models.functional(models.MLP((5,), 10), (4,))
    random = np.random.default_rng(3)
    split = Split(random.normal(size=(60, 4)).astype("f4"), random.integers(10, size=60))
    teachers = {"teacher": random.normal(size=(60, 10)).astype("f4")}
    arms = students.arms("soft", (1.0, 4.0), weight=1.0)
    both = transfer.TransferRun("x", arms, np.arange(60), 20)
    keys = jax.random.split(jax.random.key(5), 3)
    sgd = optax.sgd(0.1)
    recipe = transfer.StudentRecipe(model, lambda steps: sgd, keys, jax.random.key(6), 2)
    together = transfer.fit(both, recipe, split, teachers)
    alone = transfer.fit(both._replace(arms=[arms[1]]), recipe, split, teachers, seed=2)
    for ours, theirs in zip(jax.tree.leaves(alone), jax.tree.leaves(together)):
        assert ours.shape[:2] == (1, 1)
        np.testing.assert_allclose(ours[0, 0], theirs[2, 1], rtol=1e-5, atol=1e-6)


def test_an_optimizer_is_made_for_the_steps_of_a_transfer_run():
    given = []
    model = models.functional(models.MLP((5,), 10), (4,))
    keys = jax.random.split(jax.random.key(5), 3)
    recipe = transfer.StudentRecipe(model, given.append, keys, jax.random.key(6), 2)
    arms = [Arm("labels only", label_weight=1.0)]
    made = recipe.of(transfer.TransferRun("x", arms, np.arange(65), 20, passes=3))
    # 3 whole batches of 20 in 65 rows, 2 epochs in each of 3 passes
    assert given == [3 * 2 * 3] and made.epochs == 6


def test_held_out_rows_are_500_of_each_class_or_a_tenth_of_a_small_one():
    for classes, rows, held in ((10, 6000, 500), (10, 300, 30), (2, 200, 20)):
        labels = np.tile(np.arange(classes), rows)
        assert (
            np.bincount(labels[transfer.held_out_rows(labels, 500, seed=0)]).tolist()
            == [held] * classes
        )
    few = transfer.held_out_rows(np.tile(np.arange(3), 50), per_class=4, seed=0)
    assert len(few) == len(set(few)) == 12


def untrained(start):
    """Students [2, 3, …] of a transfer run of no epoch, whose biases begin at `start`."""
    arms = [students.Arm(row, label_weight=1.0) for row in "abc"]
    short = transfer.TransferRun("x", arms, np.arange(4), batch_size=2, passes=0, start=start)
    model = models.functional(models.MLP((5,), 4), (3,))
    keys, sampler_key = jax.random.split(jax.random.key(0), 2), jax.random.key(1)
    recipe = transfer.StudentRecipe(model, lambda steps: optax.sgd(0.1), keys, sampler_key, 1)
    split = Split(np.zeros((4, 3), np.float32), np.arange(4))
    return transfer.fit(short, recipe, split, {"teacher": np.zeros((4, 4), np.float32)})


def test_biases_start_where_the_transfer_run_says_and_nothing_else_differs():
    plain, started = untrained({}), untrained({"b": {1: 3.5, 3: -2.0}})
    wanted = np.zeros((2, 3, 4))
    wanted[:, 1, 1], wanted[:, 1, 3] = 3.5, -2
    moved = started["params"]["logits"]
    np.testing.assert_array_equal(moved["bias"], wanted)
    moved["bias"] = plain["params"]["logits"]["bias"]
    jax.tree.map(np.testing.assert_array_equal, started, plain)


def test_of_the_whole_mnist_500_of_each_class_are_held_out():
    labels = np.tile(np.arange(10), 6000)
    assert np.bincount(labels[transfer.held_out_rows(labels, 500, seed=0)]).tolist() == [500] * 10


def test_three_ways_to_choose_a_bias_by_hand():
    def of(*seconds):  # logits 0 and those of class 1
        return np.array([(0.0, z) for z in seconds])

    # class 1 wins from 2 on, as it should in the first row, and from 5 on, as it should not in
    # the second: no error at 2, 3, 4. On the test no error at 1, 2, of which 1 is the lower middle.
    validation = of(-1.5, -4.5), np.array([1, 0])
    test = of(-0.5, -2.5), np.array([1, 0])
    shifts = np.arange(7.0)
    curve = bias_correction.errors_by_shift(*validation, [1], shifts)
    assert curve.tolist() == [1, 1, 0, 0, 0, 1, 1]
    found = bias_correction.three_ways(of(0, 0, 0), validation, test, [1], 0.25, shifts)
    # sigmoid(x) = ¼ at x = −log 3
    assert found.pop("label-free") == pytest.approx(-math.log(3), abs=1e-3)
    assert found == {"on validation": 3, "on test, as in the paper": 1}


def test_the_label_free_bias_is_matched_over_all_rows_and_bounded():
    # mean of sigmoid(x + a) and sigmoid(x − a) is ½ at x = 0 alone; with two classes of three
    # at logits x, 2eˣ / (2eˣ + 1) = ½ at x = −log 2
    found = bias_correction.match_prior(np.array([[0, 2.0], [0, -2.0]]), [1], 0.5)
    assert found == pytest.approx(0, abs=1e-3)
    assert bias_correction.match_prior(np.zeros((4, 3)), [0, 2], 0.5) == pytest.approx(
        -math.log(2), abs=1e-3
    )
    assert bias_correction.match_prior(np.array([[0, 200.0]]), [1], 0.5) == -50
