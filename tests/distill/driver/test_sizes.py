"""Parameters and multiply-adds of a student and its teacher, counted by hand."""

import numpy as np

from kd_jax import models
from kd_jax.distill.driver import sizes
from kd_jax.export.network import Network

ROWS = np.zeros((3, 4), np.float32)


def test_a_network_of_one_hidden_layer():
    # 4 × 5 + 5 and 5 × 2 + 2 parameters; 20 and 10 multiply-adds
    assert sizes.of(models.functional(models.MLP((5,), 2), (4,)), ROWS) == (37, 30)


def test_the_line_says_how_much_larger_a_network_is_that_teaches():
    small, large = (models.functional(models.MLP((n,), 2), (4,)) for n in (5, 50))
    teacher = Network(large, None, [], (), "", {})
    said = "A student has 37 parameters, 30 multiply-adds a row"
    assert sizes.line(small, np.zeros, ROWS) == f"{said}."
    # 250 + 102 parameters over 37, 300 multiply-adds over 30
    assert sizes.line(small, teacher, ROWS) == f"{said}; the teacher 9.51 and 10 times as many."


def test_a_teacher_smaller_than_its_student_is_counted():
    small, large = (models.functional(models.MLP((n,), 2), (4,)) for n in (5, 50))
    said = "A student has 352 parameters, 300 multiply-adds a row"
    teacher = Network(small, None, [], (), "", {})
    assert sizes.line(large, teacher, ROWS) == f"{said}; the teacher 37 and 30."
