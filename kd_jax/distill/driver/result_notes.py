"""What a result says beside its table: of the teacher, of weights, of what learned little."""

from typing import TYPE_CHECKING, Any

import numpy as np

from kd_jax.distill.driver import running_averages
from kd_jax.models import Model
from kd_jax.report.comparison import lost, score

if TYPE_CHECKING:
    from kd_jax.distill.driver.problem import Problem

SEEN = 0.05  # of accuracy, by which a teacher may be better on validation than on the test
HARM = 0.05  # of accuracy, from which a method's weight is doubted
ECE = 0.01  # by which a teacher may be worse calibrated without a word


def notes(
    model: Model, students: dict[str, Any], records: list[dict], problem: "Problem"
) -> list[str]:
    """What a person would want to know after the training, a line each.

    Where running averages lag behind that is said in place of what would follow from it.

    Args:
        model: Of the students.
        students: {row: variables [S, …]}, the baseline first.
        records: Of all of them, and perhaps of the teacher.
        problem: That they were trained on.
    """
    by_row = {row: [r for r in records if r["row"] == row] for row in students}
    labels = [problem.splits[part].labels for part in ("validation", "test")]
    first, train = next(iter(students)), problem.splits["train"]
    lag = {row: running_averages.lagging(model, one, train) for row, one in students.items()}
    lag = {row: found for row, found in lag.items() if found is not None}
    sound = {row: of for row, of in by_row.items() if row not in lag}
    found = running_averages.of_students(lag, problem.steps)
    if first in sound and not problem.teacher_lags:
        found += of_teacher(records, by_row[first], *map(len, labels))
    found += of_one_class(sound, labels)
    return found + (of_weights(sound, by_row[first]) if first in sound else [])


def of_teacher(records, baseline, rows, of_test):
    """What is odd about the teacher beside students of the baseline, a line each.

    rows: of validation; of_test: of the test. What may be chance on so few is not said.
    """
    teachers = [r for r in records if "temperature" not in r and "validation_accuracy" in r]
    kept = [r for r in baseline if not lost(r)]
    if not (teachers and kept):
        return []
    row, theirs = kept[0]["row"], teachers[0]

    def mean(metric):
        return float(np.mean([r[metric] for r in kept]))

    found = []
    right = theirs["validation_accuracy"], mean("validation_accuracy")
    spread = right[0] * (1 - right[0])  # of one row
    if right[1] - right[0] > 2 * np.sqrt(spread / rows):
        found.append(
            f"The teacher is right on {right[0]:.1%} of the validation rows, {row} on "
            f"{right[1]:.1%}: does it see rows as it learned them, and in this order of classes?"
        )
    better = theirs["validation_accuracy"] - theirs.get("test_accuracy", 1.0)
    if better > max(SEEN, 2 * np.sqrt(spread * (1 / rows + 1 / of_test))):
        found.append(
            f"The teacher is {100 * better:.0f} points better on validation than on the test: was "
            "it fitted on these rows? Then what it says of them misleads the choice and students."
        )
    nll = theirs.get("validation_nll", np.inf)  # of one that excludes a label
    if nll > mean("validation_nll") and theirs["validation_ece"] > mean("validation_ece") + ECE:
        found.append(
            f"The teacher is worse calibrated than {row} on validation: ECE "
            f"{theirs['validation_ece']:.3f} and NLL {nll:.3f} against "
            f"{mean('validation_ece'):.3f} and {mean('validation_nll'):.3f}; higher temperatures "
            "may help."
        )
    return found


def of_weights(by_row, baseline):
    """A line for each method that does much harm at its one weight beside the labels."""
    found, level = [], score(baseline)[0]
    for row, records in by_row.items():
        first = next((r for r in records if not lost(r)), {})
        weights, beside = first.get("weights", []), first.get("label_weight", 0)
        harm = level - score(records)[0]
        if len(weights) == 1 and weights[0] and beside and harm > HARM:
            found.append(
                f"{row} at weight {weights[0]:g} loses {100 * harm:.0f} points on validation: let "
                "it choose from smaller ones, method.times((0.01, 0.1, 1)) or "
                "--weights=0.01,0.1,1."
            )
    return found


def of_one_class(by_row, labels):
    """A line where all students of a row are right on one class and wrong on the others.

    So they are that many times on validation and on the test; by chance that is most unlikely.
    """
    counts = [np.bincount(each, minlength=max(map(np.max, labels)) + 1) for each in labels]
    wrong = set(zip(*(len(of) - count for of, count in zip(labels, counts))))
    rows = []
    for row, records in by_row.items():
        errors = {(r["validation_errors"], r["test_errors"]) for r in records if not lost(r)}
        if len(errors) == 1 and errors <= wrong:
            rows.append(row)
    return [
        f"All students of {row} seem to name one class for every row: train longer, or with "
        "another learning rate."
        for row in rows
    ]
