"""Teachers are found by what they depend on, and by nothing else."""

import functools

import jax
import numpy as np
import optax
import pytest
from in_process import untrained

from kd_jax import models
from kd_jax.data import Dataset, Split
from kd_jax.distill import teachers
from kd_jax.storage import run_folder
from kd_jax.training import samplers

KEYS = jax.random.split(jax.random.key(7), 2)


def split(seed, rows=12):
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(rows, 3)).astype(np.float32)
    return Split(inputs, random.integers(2, size=rows).astype(np.int32))


DATA = Dataset("generated", 2, split(0), split(1), split(2), "none")


def recipe(rate=0.1):
    sampler = samplers.shuffled(jax.random.key(0), 12, 4)
    model = models.functional(models.MLP((2,), 2), (3,))
    return teachers.NetworkRecipe(model, optax.sgd(rate), sampler, 1)


def by_chance(recipe, keys, split, **options):
    """Networks in the place of trained ones."""
    return untrained(recipe.model, len(keys))


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Ask for teachers; whether that trained any."""
    monkeypatch.setattr(teachers, "fit", by_chance)
    runs = iter(range(1000))

    def asked(
        way=teachers.together, *, row="teacher", experiment="first", keys=KEYS, data=DATA, rate=0.1
    ):
        before = set(tmp_path.glob("teachers/*/params"))
        run = run_folder.Run(str(tmp_path), experiment, {"number": next(runs)})
        found = way(row, recipe(rate), keys, data, run)
        assert found.row == row and found.logits["test"].shape == (len(keys), 12, 2)
        return set(tmp_path.glob("teachers/*/params")) != before

    return asked


def test_experiments_share_the_teachers_of_a_recipe_data_and_keys(ask):
    assert ask()
    assert not ask()
    assert not ask(row="large network", experiment="second")
    others = DATA._replace(name="other", validation=split(3), test=split(4), digest="other")
    assert not ask(data=others)  # what they are measured on


def test_another_recipe_key_or_training_row_makes_another_teacher(ask):
    assert ask()
    assert ask(rate=0.2)
    assert ask(keys=KEYS[::-1])
    assert ask(data=DATA._replace(train=split(5)))


def test_each_of_several_is_found_alone_and_by_its_number(ask):
    def one(row, recipe, keys, data, run, seed=0):
        return teachers.one(row, recipe, keys[0], data, run, seed=seed)

    assert ask(one, keys=KEYS[:1])
    assert not ask(keys=KEYS[:1])  # `together` trains the same one
    assert ask(functools.partial(one, seed=1), keys=KEYS[:1])  # number 1 sees another order
    assert not ask(one, keys=KEYS[:1])


def test_options_that_change_numbers_make_another_teacher(ask):
    assert ask()
    with jax.enable_x64(True):
        assert ask()
    usual = jax.config.values["jax_disable_most_optimizations"]
    try:
        jax.config.update("jax_disable_most_optimizations", not usual)
        assert ask()
    finally:
        jax.config.update("jax_disable_most_optimizations", usual)
    assert not ask()


def test_a_teacher_that_excludes_a_label_has_no_nll():
    # softmax(0, −∞) is (1, 0): right on the first row, and of the second −log 0
    found = teachers.metrics(np.float32([[[0, -np.inf], [0, -np.inf]]]), np.array([0, 1]))
    assert found["test_accuracy"].tolist() == [0.5] and "test_nll" not in found
    assert found["test_brier"].tolist() == [1.0]  # the mean of 0 and 2
