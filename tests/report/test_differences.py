"""Differences on every test example are those of right and wrong, in the units of the metric."""

import numpy as np
import pytest

from kd_jax.metrics import examples, statistics
from kd_jax.report import contrasts, differences, grouped

# two students of each of two teachers on four examples
OURS = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 1, 1], [1, 1, 1, 1]], bool)
THEIRS = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 1], [0, 1, 1, 1]], bool)
# ours − theirs, means of each teacher's students, by hand
BY_TEACHER = np.array([[0.5, 0.5, 0, 0], [0.5, 0, 0.5, 0]])


def records(row, right, teachers=(0, 0, 1, 1)):
    texts = map(str, examples.packed(right))
    return [
        {"row": row, "teacher_seed": teacher, "seed": seed, "test_right": text,
         "test_errors": int((~bits).sum()), "test_accuracy": float(bits.mean())}
        for teacher, seed, text, bits in zip(teachers, (0, 1, 0, 1), texts, right)
    ]  # fmt: skip


def test_a_unit_is_a_teacher_or_its_student():
    ours, theirs = records("ours", OURS), records("theirs", THEIRS)
    found = differences.by_example(ours, theirs, "test_accuracy")
    assert found.tolist() == BY_TEACHER.tolist()
    errors = differences.by_example(ours, theirs, "test_errors")
    assert errors.tolist() == (-4 * BY_TEACHER).tolist()  # whose mean is that of the errors
    assert errors.mean() == OURS.shape[1] * (THEIRS.mean() - OURS.mean())
    percent = [list(map(grouped.in_percent, row)) for row in (ours, theirs)]
    found = differences.by_example(*percent, "test_accuracy")
    assert found.tolist() == (100 * BY_TEACHER).tolist()
    one = [records(name, x[:2], (0, 0)) for name, x in (("ours", OURS), ("theirs", THEIRS))]
    found = differences.by_example(*one, "test_accuracy")
    assert found.tolist() == (OURS[:2].astype(int) - THEIRS[:2]).tolist()


def test_a_table_compares_by_example_where_all_rows_say_which_are_right():
    every = [*records("theirs", THEIRS), *records("ours", OURS)]
    (_, line) = contrasts.compare(every, "test_errors", "theirs")
    assert line.paired == statistics.crossed(-4 * BY_TEACHER)
    without = [{name: x for name, x in r.items() if name != "test_right"} for r in every]
    (_, line) = contrasts.compare(without, "test_errors", "theirs")
    # errors 1, 2, 1, 0 against 2, 3, 2, 1: the teachers' means 1.5 and 0.5 against 2.5 and 1.5
    assert line.paired == statistics.paired([1.5, 0.5], [2.5, 1.5])


@pytest.mark.parametrize("metric", ["test_nll", "validation_errors", "right"])
def test_of_other_metrics_there_are_no_examples(metric):
    both = records("ours", OURS), records("theirs", THEIRS)
    assert differences.by_example(*both, metric) is None


def test_how_many_test_examples_errors_are_of_is_said_where_all_records_know_it():
    few, more = ({"test_right": str(examples.packed(np.ones(n, bool)))} for n in (8, 1200))
    assert differences.of_how_many([few, few]) == " of 8"
    assert differences.of_how_many([more]) == " of 1,200"
    assert differences.of_how_many([few, more]) == differences.of_how_many([few, {}]) == ""
