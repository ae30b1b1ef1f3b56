"""The 2015 paper's section on MNIST: its parts by hand, and the whole at its smallest."""

import json
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.mnist_2015 import rows as named
from experiments.mnist_2015 import run as mnist_2015
from kd_jax import models
from kd_jax.data.dataset import Split
from kd_jax.distill import students, transfer
from kd_jax.distill.students import Arm
from kd_jax.training import optimizers

ROOT = pathlib.Path(__file__).parents[2]
LABELS = np.repeat(np.arange(10), 300)


def test_max_norm_scales_long_columns_back_and_leaves_short_ones_and_biases():
    # columns (3, 4) of norm 5 and (0, 1) of norm 1; a step adds (3, 4), norm 10, and nothing
    params = {"kernel": jnp.array([[3.0, 0.0], [4.0, 1.0]]), "bias": jnp.array([9.0, 0.0])}
    step = {"kernel": jnp.array([[3.0, 0.0], [4.0, 0.0]]), "bias": jnp.array([1.0, 0.0])}
    optimizer = optimizers.max_norm(2.5)
    updates, _ = optimizer.update(step, optimizer.init(params), params)
    found = optax.apply_updates(params, updates)
    np.testing.assert_allclose(found["kernel"], [[1.5, 0], [2, 1]], rtol=1e-6)
    np.testing.assert_allclose(found["bias"], [10, 0])


def test_max_norm_of_a_convolution_is_over_all_axes_but_the_last():
    kernel = jax.random.normal(jax.random.key(0), (3, 3, 4, 5))
    optimizer = optimizers.max_norm(1.0)
    updates, _ = optimizer.update({"k": 0 * kernel}, optimizer.init(None), {"k": kernel})
    norms = np.linalg.norm(np.asarray(kernel + updates["k"]).reshape(-1, 5), axis=0)
    np.testing.assert_allclose(norms, 1, rtol=1e-5)


def test_max_norm_refuses_a_limit_that_is_not_positive():
    with pytest.raises(ValueError, match="limit is 0: expected above 0"):
        optimizers.max_norm(0)


def test_a_student_trained_alone_is_the_one_of_its_grid():
    model = models.functional(models.MLP((5,), 10), (4,))
    random = np.random.default_rng(3)
    split = Split(random.normal(size=(60, 4)).astype("f4"), random.integers(10, size=60))
    teachers = {"teacher": random.normal(size=(60, 10)).astype("f4")}
    arms = students.arms("soft", (1.0, 4.0), soft_weight=1.0)
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
        assert np.bincount(labels[transfer.held_out_rows(labels)]).tolist() == [held] * classes
    few = transfer.held_out_rows(np.tile(np.arange(3), 50), per_class=4)
    assert len(few) == len(set(few)) == 12


def test_the_teacher_is_queried_on_the_very_images_that_the_student_sees():
    net = mnist_2015.network(8)
    params = net.init(jax.random.key(0))
    images = jax.random.uniform(jax.random.key(1), (6, 28, 28)) + 0.1
    batch = {"inputs": images, "labels": jnp.zeros(6, int), "teachers": jnp.zeros((6, 2, 10))}
    seen = mnist_2015.jitter_and_query(net, params)(batch, jax.random.key(2))
    np.testing.assert_allclose(seen["teachers"][:, 0], net.apply(params, seen["inputs"])[0])
    for before, after in zip(np.asarray(images), np.asarray(seen["inputs"])):
        shifts = [(y, x) for y in range(-2, 3) for x in range(-2, 3)]
        # the middle of the image is the middle of one shift of the original
        assert any(
            np.array_equal(after[2:26, 2:26], before[2 - y : 26 - y, 2 - x : 26 - x])
            for y, x in shifts
        )


def test_transfer_runs_leave_out_their_digits_and_the_validation_rows():
    held = transfer.held_out_rows(LABELS)
    found = mnist_2015.transfer_runs(LABELS)
    counts = {one.name: np.bincount(LABELS[one.rows], minlength=10).tolist() for one in found}
    assert counts["all"] == [300] * 10
    assert counts["no 3"] == [270, 270, 270, 0, *[270] * 6]
    assert counts["7 and 8"] == [0] * 7 + [270, 270, 0]
    assert not set(held) & {row for one in found if one.name != "all" for row in one.rows}
    for one in found:
        assert {arm.temperature for arm in one.arms if arm.soft_weight} == {20}
        mixed = [arm for arm in one.arms if arm.soft_weight and arm.label_weight]
        assert not mixed  # soft targets are the only regularizer


def test_a_smoke_run_has_every_row_of_every_seed(tmp_path):
    command = [sys.executable, "-m", "experiments", "mnist_2015", "--preset=smoke"]
    command += [f"--workdir={tmp_path}", "--seeds=1", "--student_epochs=1", "--sweep_epochs=1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "mnist_2015").iterdir()
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    base = {named.LABELS, named.SMOOTHED, named.SOFT, named.PERMUTED}
    corrected = {named.FREE, named.VALIDATED, named.ON_TEST}
    rows = {(r["part"], r["row"]) for r in records if r["part"] != "width"}
    assert rows == {
        *(("all", row) for row in base | {named.TEACHER, named.AUGMENTED}),
        *((part, row) for part in ("no 3", "7 and 8") for row in base | corrected),
    }
    swept = [r for r in records if r["part"] == "width"]
    assert len(records) == len(rows) + len(swept) == 20 + 6 + 8
    assert {r["width"] for r in swept} == {20, 5}
    assert {path.name for path in folder.glob("*.png")} == {
        "no_3_bias.png", "no_3_accuracy.png", "7_and_8_bias.png", "7_and_8_accuracy.png",
        "errors_by_temperature.png",
    }  # fmt: skip
