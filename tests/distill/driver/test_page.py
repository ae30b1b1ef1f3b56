"""The program that the pages show runs as it stands: arrays and logits in, a student out."""

import numpy as np
import optax
import pytest
import small_driver as small
from flax import nnx

import kd_jax as kd


@pytest.mark.slow  # the README has it too
def test_the_program_of_the_pages_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x_train, y_train, x_test, y_test = *small.TRAIN, *small.TEST
    np.save("teacher_logits.npy", small.LOGITS)

    class Student(nnx.Module):
        def __init__(self, rngs):
            self.first = nnx.Linear(4, 5, rngs=rngs)
            self.last = nnx.Linear(5, 3, rngs=rngs)

        def __call__(self, x):
            return self.last(nnx.relu(self.first(x)))

    train, test = kd.Split(x_train, y_train), kd.Split(x_test, y_test)
    teacher = np.load("teacher_logits.npy")
    student = kd.from_nnx(lambda key: Student(rngs=nnx.Rngs(key)))
    result = kd.distill(student, teacher, train, test=test, seeds=2,
                        methods=[kd.labels_only(), *kd.soft_targets(temperature=(1, 2, 4, 8))],
                        recipe=kd.Recipe(optax.adam(1e-3), epochs=1, batch_size=64))  # fmt: skip
    print(result)
    result.best.save("student/")

    again = kd.load("student/")
    np.testing.assert_array_equal(again.predict(x_test), result.best.predict(x_test))
    assert len(result.records) == 1 + 2 * 5
    assert "student.stablehlo" in result.best.export("student/", "stablehlo")
    assert "vs. labels only" in str(result)
