"""Students: the loss, the teacher and the records of each arm by hand; what they are given fits."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import special

from kd_jax import models
from kd_jax.data import Split
from kd_jax.distill import objective, students, teachers
from kd_jax.errors import InputError
from kd_jax.training import samplers
from kd_jax.training.state import Batch, Outcome

SPLIT = Split(np.zeros((12, 3), np.float32), np.zeros(12, np.int32))


@pytest.mark.parametrize("shape", [(9, 2), (2, 12, 2), (12,)])
def test_a_teacher_of_other_rows_is_refused_by_name(shape):
    sampler = samplers.shuffled(jax.random.key(0), 12, 4)
    model = models.functional(models.MLP((2,), 2), (3,))
    recipe, arm = (
        teachers.NetworkRecipe(model, optax.sgd(0.1), sampler, 1),
        students.Arm("soft targets"),
    )
    given = {"teacher": np.zeros((12, 2)), "other": np.zeros(shape)}
    with pytest.raises(InputError, match=r"teacher 'other' has logits .*: expected \[12, C\]"):
        students.fit(recipe, [arm], SPLIT, given, jax.random.split(jax.random.key(1), 2))


def test_the_loss_of_an_arm_is_the_mixture():
    """weight · T² KL(p ‖ q) + label_weight · CE(labels smoothed by ε, q), in float64."""
    random = np.random.default_rng(6)
    logits, teachers_logits = random.normal(size=(5, 4)), random.normal(size=(5, 3, 4)) * 2
    labels, t, soft, hard, epsilon = np.array([0, 3, 1, 1, 2]), 3.0, 0.7, 0.4, 0.2
    p = special.softmax(teachers_logits[:, 2] / t, -1)
    divergence = (p * (np.log(p) - special.log_softmax(logits / t, -1))).sum(-1)
    smooth = (1 - epsilon) * np.eye(4)[labels] + epsilon / 4
    entropy = -(smooth * special.log_softmax(logits, -1)).sum(-1)
    expected = np.mean(soft * t**2 * divergence + hard * entropy)
    numbers = {"temperature": t, "weight": soft, "label_weight": hard, "smoothing": epsilon}
    rows = {"inputs": np.float32(logits), "labels": labels, "teachers": teachers_logits}
    loss_fn = objective.objective(lambda variables, x, train, key: ((x, {}), {}))
    variables = {"params": {"student": {}, "extra": {}}, "state": {}}
    batch = Batch(rows, numbers | {"source": 2})
    found = jax.jit(lambda *given: loss_fn(variables, *given).loss)(batch, jax.random.key(0))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_each_arm_learns_from_the_teacher_that_it_names():
    def told(apply):
        """A loss that says which constant the arm's teacher has, and its weight of the labels."""

        def loss_fn(variables, batch, key):
            of_arm = jnp.take(batch.rows["teachers"], batch.numbers["source"], axis=1)
            more = {"teacher": jnp.mean(of_arm), "weight": batch.numbers["label_weight"]}
            return Outcome(0.0 * sum(jnp.sum(x) for x in jax.tree.leaves(variables)), more)

        return loss_fn

    sampler = samplers.shuffled(jax.random.key(0), 12, 4)
    model = models.functional(models.MLP((), 2), (3,))
    recipe = teachers.NetworkRecipe(model, optax.sgd(0.1), sampler, 1)
    arms = [students.Arm(x, label_weight=w, teacher=x) for x, w in (("b", 3), ("a", 4), ("c", 5))]
    given = {name: np.full((12, 2), n) for n, name in enumerate("abc", 1)}
    keys = jax.random.split(jax.random.key(1), 2)
    _, curves = students.fit(recipe, arms, SPLIT, given, keys, loss=told)
    np.testing.assert_allclose(curves["teacher"], [[[2, 1, 3]] * 2], rtol=1e-6)
    np.testing.assert_allclose(curves["weight"], [[[3, 4, 5]] * 2])


def test_records_are_of_each_arm_and_seed():
    arms = [students.Arm("x"), students.Arm("y, T=2", 2.0, family="y")]
    errors = np.array([[1, 2], [3, 4], [5, 6]])  # three seeds, two arms
    diverged = np.array([[-1, -1], [-1, 7], [-1, -1]])
    found = students.records(arms, diverged, test={"errors": errors}, validation={"nll": -errors})
    assert [(r["row"], r["seed"], r["family"], r["temperature"]) for r in found] == [
        *(("x", seed, "x", 1.0) for seed in range(3)),
        *(("y, T=2", seed, "y", 2.0) for seed in range(3)),
    ]
    assert [r.get("test_errors") for r in found] == [1, 3, 5, 2, None, 6]
    assert [r.get("validation_nll") for r in found] == [-1, -3, -5, -2, None, -6]
    assert [r.get("diverged") for r in found] == [None] * 4 + [7, None]
