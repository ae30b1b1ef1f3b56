"""Batch norm whose averages lag behind: found by its losses, said in place of what misleads."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import kd_jax as kd
from kd_jax.distill.driver import running_averages

RANDOM = np.random.default_rng(2)
LABELS = np.arange(400) % 4
INPUTS = (20 + 3 * np.eye(4)[LABELS] + RANDOM.normal(size=(400, 4))).astype(np.float32)
TRAIN = kd.Split(INPUTS[:300], LABELS[:300])
PARTS = {"test": kd.Split(INPUTS[300:], LABELS[300:]), "seeds": 2}
RECIPE = kd.Recipe(optax.adam(0.03), epochs=10, batch_size=50)


class Linen(nn.Module):
    momentum: float

    @nn.compact
    def __call__(self, x, train=False):
        return nn.Dense(4)(nn.BatchNorm(not train, momentum=self.momentum)(x))


class InNNX(nnx.Module):
    def __init__(self, momentum, rngs):
        self.norm = nnx.BatchNorm(4, momentum=momentum, rngs=rngs)
        self.out = nnx.Linear(4, 4, rngs=rngs)

    def __call__(self, x):
        return self.out(self.norm(x))


def network(library, momentum):
    if library == "linen":
        return kd.from_flax(Linen(momentum))
    return kd.from_nnx(lambda key: InNNX(momentum, nnx.Rngs(key)))


def test_both_losses_are_those_by_hand():
    mean, scale = np.array([[3.0, -1.0]]), np.array([[2.0, 0.5]])
    rows = RANDOM.normal(size=(40, 2)).astype(np.float32)
    labels = (rows[:, 0] > 0).astype(np.int32)

    def apply(variables, inputs, train=False, key=None):
        used = jnp.mean(inputs, 0) if train else variables["state"]["mean"]
        return ((inputs - used) * variables["params"]["scale"], {}), {"mean": used}

    variables = {"params": {"scale": scale}, "state": {"mean": mean}}
    model = kd.Model(lambda key: variables, apply)
    found = running_averages.lagging(model, variables, kd.Split(rows, labels))
    used_by_both = np.float64(rows).mean(0), mean[0]
    for got, right, used in zip(found.losses, found.right, used_by_both):
        logits = (np.float64(rows) - used) * scale[0]
        each = np.log(np.exp(logits).sum(-1)) - logits[np.arange(40), labels]
        np.testing.assert_allclose(got, each.mean(), rtol=1e-5)
        np.testing.assert_allclose(right, np.mean(logits.argmax(-1) == labels), rtol=1e-5)
    same = {**variables, "state": {"mean": rows.mean(0)[None]}}
    assert running_averages.lagging(model, same, kd.Split(rows, labels)) is None
    assert running_averages.lagging(model, {"params": {}, "state": {}}, TRAIN) is None


@pytest.mark.parametrize("library", ["linen", "nnx"])
def test_a_teacher_and_students_of_few_steps_are_told_alone(library, capfd):
    teacher = kd.fit_teacher(network(library, 0.99), TRAIN, recipe=RECIPE)
    assert "The teacher has running averages that lag behind" in capfd.readouterr().err
    result = kd.distill(network(library, 0.99), teacher, TRAIN, recipe=RECIPE, **PARTS)
    teachers, students = [x for x in result.comparison.notes if "lag behind" in x]
    assert teachers.startswith("The teacher has running averages that lag behind: of training rows")
    assert students.startswith("Running averages lag behind after 50 steps in students of labels")
    misleading = "order", "temperatures", "learning rate", "smaller ones", "calibrated"
    assert not [x for x in result.comparison.notes if any(word in x for word in misleading)]


def test_nothing_is_said_of_averages_that_follow(capfd):
    teacher = kd.fit_teacher(network("linen", 0.5), TRAIN, recipe=RECIPE)
    assert "lag behind" not in capfd.readouterr().err
    result = kd.distill(network("linen", 0.5), teacher, TRAIN, recipe=RECIPE, **PARTS)
    assert not [x for x in result.comparison.notes if "lag behind" in x]
    assert jax.tree.leaves(teacher.variables["state"])
