"""Students: what they are given must fit, before anything is trained."""

import jax
import numpy as np
import optax
import pytest

from kd_jax import models
from kd_jax.data import Split
from kd_jax.distill import students, teachers
from kd_jax.errors import InputError
from kd_jax.training import samplers

SPLIT = Split(np.zeros((12, 3), np.float32), np.zeros(12, np.int32))


@pytest.mark.parametrize("shape", [(9, 2), (2, 12, 2), (12,)])
def test_a_teacher_of_other_rows_is_refused_by_name(shape):
    sampler = samplers.shuffled(jax.random.key(0), 12, 4)
    model = models.functional(models.MLP((2,), 2), (3,))
    recipe, arm = teachers.Recipe(model, optax.sgd(0.1), sampler, 1), students.Arm("soft targets")
    given = {"teacher": np.zeros((12, 2)), "other": np.zeros(shape)}
    with pytest.raises(InputError, match=r"teacher 'other' has logits .*: expected \[12, C\]"):
        students.fit(recipe, [arm], SPLIT, given, jax.random.split(jax.random.key(1), 2))
