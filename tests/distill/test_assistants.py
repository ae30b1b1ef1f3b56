"""Networks that something else than plain labels has taught are found by all that taught them."""

import jax
import numpy as np
import optax
import pytest

from kd_jax import models
from kd_jax.data import Dataset, Split
from kd_jax.distill import assistants, students, teachers
from kd_jax.distill.students import Arm
from kd_jax.storage import run_folder
from kd_jax.training import samplers

KEY, LOGITS = jax.random.key(5), np.random.default_rng(3).normal(size=(12, 2)).astype(np.float32)
SOFT, LABELS = Arm("soft", 2.0, weight=1.0), Arm("labels", label_weight=1.0)


def split(seed):
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(12, 3)).astype(np.float32)
    return Split(inputs, random.integers(2, size=12).astype(np.int32))


DATA = Dataset("generated", 2, split(0), split(1), split(2), "none")


def flipped(key, x):
    return -x


def recipe(augment=None):
    sampler = samplers.shuffled(jax.random.key(0), 12, 4)
    model = models.functional(models.MLP((2,), 2), (3,))
    return teachers.NetworkRecipe(model, optax.sgd(0.1), sampler, 2, augment)


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Ask for an assistant: (Teachers, whether it was trained)."""
    runs, calls, fit = iter(range(100)), [], students.fit

    def counted(*arguments, **options):
        calls.append(arguments)
        return fit(*arguments, **options)

    monkeypatch.setattr(students, "fit", counted)

    def asked(arm=SOFT, logits=LOGITS, key=KEY, augment=None, seed=0):
        run = run_folder.Run(str(tmp_path), "first", {"number": next(runs)})
        before = len(calls)
        found = assistants.one("assistant", recipe(augment), arm, key, DATA, logits, run, seed=seed)
        return found, len(calls) > before

    return asked


def test_an_assistant_is_the_student_of_its_arm_and_is_stored(ask):
    found, trained = ask()
    assert trained and not ask()[1]
    assert not ask(SOFT._replace(row="by another name", teacher="another"))[1]
    expected, _ = students.fit(recipe(), [SOFT], DATA.train, {"teacher": LOGITS}, KEY[None])
    jax.tree.map(lambda x, y: np.testing.assert_array_equal(x, y[:, 0]), found.variables, expected)
    one = jax.tree.map(lambda x: x[0], found.variables)
    logits = found.model.logits(one, DATA.test.inputs)
    np.testing.assert_allclose(found.logits["test"][0], logits, rtol=1e-5)


@pytest.mark.parametrize("other", [
    {"arm": SOFT._replace(temperature=3.0)}, {"arm": LABELS}, {"logits": 2 * LOGITS},
    {"key": jax.random.key(6)}, {"augment": flipped}, {"seed": 1},
])  # fmt: skip
def test_whatever_taught_it_makes_another_one(ask, other):
    ask()
    assert ask(**other)[1]


def test_one_of_labels_alone_needs_no_teacher_and_sees_what_augments(ask):
    """Of mirrored inputs it learns what a network of mirrored training rows learns."""
    found, _ = ask(LABELS, None, augment=flipped)
    mirrored = DATA.train._replace(inputs=-DATA.train.inputs)
    none = {"teacher": np.zeros((12, 2), np.float32)}
    expected, _ = students.fit(recipe(), [LABELS], mirrored, none, KEY[None])
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y[:, 0], rtol=1e-6), found.variables, expected
    )
