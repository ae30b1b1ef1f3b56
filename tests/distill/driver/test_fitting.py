"""Students of a seed begin alike and see the same batches, whatever the method and its program."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import small_driver as small

import kd_jax as kd
from kd_jax.distill.driver import fitting
from kd_jax.distill.objective import soft_targets
from kd_jax.models import fitted

STUDENT = fitted(small.STUDENT, small.INPUTS[:2], 3)
RECIPE = kd.Recipe(optax.sgd(0.3), epochs=2, batch_size=100)
RANDOM = np.random.default_rng(0)
TAUGHT = {"teacher": small.LOGITS, "noise": 3 * RANDOM.normal(size=(300, 3)).astype(np.float32)}


def the_same(student, teacher, batch, extra):
    """Soft targets as another function, which is a program of its own."""
    return soft_targets(student, teacher, batch)


SOFT = kd.Method("soft", weights=(0.5, 1.0), temperature=2.0)
METHODS = [
    kd.labels_only(), SOFT, SOFT._replace(row="noisy", teacher="noise", weights=(1.0,)),
    SOFT._replace(row="copy", term=the_same),
]  # fmt: skip
STILL_OR_NOT = kd.Method("still or not", weights=(0.0, 1.0), label_weight=0.0)  # as at the start


def trained(base_seed, recipe=RECIPE, methods=METHODS, taught=TAUGHT):
    return fitting.fit_students(
        STUDENT, small.ALL, taught, methods, recipe=recipe, seeds=2, base_seed=base_seed
    )


@pytest.fixture(scope="module")
def found():
    return trained(0)


def params(students):
    return students.variables["params"]


def test_students_come_in_the_order_of_methods_with_a_place_per_weight(found):
    assert [each.method for each in found] == METHODS[:1] + METHODS[1:]
    shapes = [params(each)["first"].shape for each in found]
    assert shapes == [(2, 1, 4, 6), (2, 2, 4, 6), (2, 1, 4, 6), (2, 2, 4, 6)]
    assert all((each.diverged == -1).all() for each in found)


def test_a_method_in_two_programs_trains_the_same_students(found):
    _, soft, noisy, copy = map(params, found)
    for name in ("first", "last"):
        np.testing.assert_allclose(soft[name], copy[name], rtol=1e-4, atol=1e-6)
        # what tells students apart is the method's: its weight, its teacher, or the seed
        assert np.abs(soft[name][:, 0] - soft[name][:, 1]).max() > 1e-3
        assert np.abs(soft[name][:, 1] - noisy[name][:, 0]).max() > 1e-3
        assert np.abs(soft[name][0] - soft[name][1]).max() > 1e-3


def test_a_step_is_that_of_numpy():
    # one step on all rows, whose order does not matter: w ← w − η Xᵀ(softmax(Xw) − softmax(v))/N
    linear = kd.Model(lambda key: {"w": 0.1 * jax.random.normal(key, (4, 3))},
                      lambda p, x: x @ p["w"])  # fmt: skip
    whole = kd.Recipe(optax.sgd(0.3), epochs=1, batch_size=300)
    (after,) = fitting.fit_students(linear, small.ALL, TAUGHT, STILL_OR_NOT, recipe=whole, seeds=1)
    w, moved = np.float64(params(after)["w"][0])
    x = np.float64(small.INPUTS)
    softmax = lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True)  # noqa: E731
    step = x.T @ (softmax(x @ w) - softmax(np.float64(small.LOGITS))) / 300
    np.testing.assert_allclose(moved, w - 0.3 * step, rtol=1e-4, atol=1e-6)
    errors = kd.evaluate(after.model, after.variables, small.ALL)["errors"]
    assert errors.tolist() == [
        [((x @ each).argmax(-1) != small.LABELS).sum() for each in (w, moved)]
    ]


def test_everything_follows_from_the_base_seed(found):
    for one, again in zip(found, trained(0)):
        jax.tree.map(np.testing.assert_array_equal, one.variables, again.variables)
    for one, other in zip(found, trained(1)):
        assert all(np.abs(a - b).max() > 1e-2 for a, b in zip(*map(jax.tree.leaves,
                   (one.variables, other.variables))))  # fmt: skip


def test_a_recipe_augments_without_teachers_that_can_be_asked():
    # without inputs a network without biases has no gradient: students stay as they began
    blind = RECIPE._replace(augment=lambda key, x: 0 * x)
    (after,) = trained(0, blind, STILL_OR_NOT)
    for x in params(after).values():
        np.testing.assert_array_equal(x[:, 0], x[:, 1])


def explained(ours, theirs):
    """R² of features that are linear in others."""
    ours = np.c_[ours, np.ones(len(ours))]
    left = theirs - ours @ np.linalg.lstsq(ours, theirs, rcond=None)[0]
    return 1 - (left**2).sum() / ((theirs - theirs.mean(0)) ** 2).sum()


def test_a_method_of_ones_own_with_a_projector():
    theirs = np.sin(2 * small.INPUTS @ RANDOM.normal(size=(4, 2))).astype(np.float32)

    def projector(key, student, teacher):
        width = student.last.shape[-1], teacher.last.shape[-1]
        return {"kernel": 0.1 * jax.random.normal(key, width)}

    def term(student, teacher, batch, extra):
        return jnp.mean((student.last @ extra["kernel"] - teacher.last) ** 2)

    mine = kd.Method("mine", term, weights=(5.0,), label_weight=0.0, extra=projector)
    taught = fitting.Taught({"teacher": small.LOGITS}, features={"hidden": theirs})
    recipe = kd.Recipe(optax.sgd(0.3), epochs=40, batch_size=100)
    labels, own = trained(0, recipe, [kd.labels_only(), mine], taught)
    for seed in range(2):
        hidden = [np.tanh(small.INPUTS @ params(of)["first"][seed, 0]) for of in (labels, own)]
        assert explained(hidden[1], theirs) > explained(hidden[0], theirs) + 0.05


def test_one_that_heeds_no_teacher_needs_none():
    taught = fitting.Taught({"other": small.LOGITS})
    known = fitting.of_known_teachers([kd.labels_only()], taught)
    assert known[0].teacher == "other"
