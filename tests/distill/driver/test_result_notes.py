"""What a result says of its teacher: worse than labels, seen rows, worse calibrated; or nothing."""

import numpy as np
import pytest

from kd_jax.distill.driver import result_notes

STUDENTS = [
    {"row": "labels only", "temperature": 1.0, "validation_accuracy": x, "validation_ece": 0.02,
     "validation_nll": 0.4} for x in (0.79, 0.81)
]  # fmt: skip
SOUND = {
    "row": "teacher", "validation_accuracy": 0.85, "test_accuracy": 0.84,
    "validation_ece": 0.025, "validation_nll": 0.3,
}  # fmt: skip


@pytest.mark.parametrize(
    "odd, said",
    [
        ({}, []),
        ({"test_accuracy": 0.74}, ["11 points better on validation than on the test"]),
        ({"validation_ece": 0.05}, []),  # its NLL is better
        (
            {"validation_ece": 0.05, "validation_nll": 0.5},
            ["worse calibrated than labels only on validation: ECE 0.050"],
        ),
        (
            {"validation_ece": 0.05, "validation_nll": None},  # infinite: it excludes a label
            ["worse calibrated than labels only on validation: ECE 0.050 and NLL inf against"],
        ),
    ],
)
def test_a_line_for_each_thing_that_is_odd(odd, said):
    teacher = {name: x for name, x in {**SOUND, **odd}.items() if x is not None}
    lines = result_notes.of_teacher([teacher, *STUDENTS], {"labels only": STUDENTS}, 1000, 1000)
    assert len(lines) == len(said) and all(x in line for x, line in zip(said, lines))


def test_without_a_teacher_or_with_students_that_diverged_nothing_is_said():
    assert result_notes.of_teacher(STUDENTS, {"labels only": STUDENTS}, 1000, 1000) == []
    diverged = [{**STUDENTS[0], "diverged": 3}]
    assert result_notes.of_teacher([SOUND], {"labels only": diverged}, 1000, 1000) == []
    assert result_notes.of_worse_teacher([SOUND], diverged, 1000) == []


def test_a_teacher_that_is_worse_than_labels_only():
    worse = {**SOUND, "validation_accuracy": 0.70}
    (line,) = result_notes.of_worse_teacher([worse, *STUDENTS], STUDENTS, 1000)
    assert "right on 70.0% of the validation rows, labels only on 80.0%" in line
    assert result_notes.of_worse_teacher([SOUND, *STUDENTS], STUDENTS, 1000) == []


def soft(temperature, accuracy, temperatures=()):
    measured = {"validation_accuracy": accuracy, "validation_nll": 0.4, "weight": 1.0}
    alike = {"family": "soft targets", "temperature": temperature}
    return [{**alike, **measured, "temperatures": list(temperatures) or [temperature]}]


@pytest.mark.parametrize(
    "rows, advised",
    [
        ([], True),
        ([soft(1.0, 0.8), soft(4.0, 0.82)], True),
        ([soft(1.0, 0.82), soft(4.0, 0.8)], False),
        ([soft(2.0, 0.82, (1.0, 2.0, 8.0))], False),  # chosen on validation
        ([soft(8.0, 0.82, (1.0, 2.0, 8.0))], True),
    ],
)
def test_higher_temperatures_are_advised_where_the_table_has_none_that_is_no_better(rows, advised):
    teacher = {**SOUND, "validation_ece": 0.05, "validation_nll": 0.5}
    by_row = {"labels only": STUDENTS, **dict(enumerate(rows))}
    (line,) = result_notes.of_teacher([teacher], by_row, 1000, 1000)
    assert ("higher temperatures may help" in line) == advised


def test_what_may_be_chance_on_few_rows_is_not_said():
    # 0.75 of 24 rows: 2 √(0.75 · 0.25/24) = 0.18 above the 0.05 that it lacks
    of_24 = [{**SOUND, "validation_accuracy": 0.75, "test_accuracy": 0.75}, *STUDENTS]
    assert result_notes.of_worse_teacher(of_24, STUDENTS, 24) == []
    # 0.85 against 0.74: 2 √(0.85 · 0.15 (1/24 + 1/24)) = 0.21 above 0.11
    records = [{**SOUND, "test_accuracy": 0.74}, *STUDENTS]
    assert result_notes.of_teacher(records, {"labels only": STUDENTS}, 24, 24) == []


def test_a_weight_that_does_much_harm_is_doubted():
    def row(accuracy, weights, label_weight=1.0):
        measured = {"validation_accuracy": accuracy, "validation_nll": 0.5}
        return [{"weights": weights, "label_weight": label_weight, **measured}]

    baseline = row(0.9, [0.0])
    alone = row(0.62, [1000.0], 0.0)  # a term without labels is the same at any weight
    assert result_notes.of_weights({"soft": alone}, baseline) == []
    (line,) = result_notes.of_weights({"at": row(0.62, [1000.0]), "kd": row(0.88, [1.0])}, baseline)
    assert line.startswith("at at weight 1000 loses 28 points on validation")
    assert result_notes.of_weights({"at": row(0.62, [10.0, 1000.0])}, baseline) == []
    several = {f"soft, T={t}": row(0.7, [1.0]) for t in (1, 2, 4, 8)}
    (line,) = result_notes.of_weights(several, baseline)
    assert line.startswith("soft, T=1 at weight 1, soft, T=2 at weight 1 and 2 more lose up to 20")


def test_students_that_name_one_class_for_every_row():
    # 5, 3 and 2 rows of the classes on validation; 4, 4 and 2 on the test
    labels = [np.repeat([0, 1, 2], [5, 3, 2]), np.repeat([0, 1, 2], [4, 4, 2])]

    def said(*errors):
        records = [{"validation_errors": v, "test_errors": t} for v, t in errors]
        return result_notes.of_one_class({"mine": records}, labels)

    assert "students of mine seem to name one class" in said((7, 6), (7, 6))[0]  # class 1
    assert said((7, 6), (5, 6)) == []  # of two classes
    assert said((7, 5), (7, 5)) == []  # of no class: it would be wrong 6 times on the test
    assert result_notes.of_one_class({"mine": [{"diverged": 3}]}, labels) == []
