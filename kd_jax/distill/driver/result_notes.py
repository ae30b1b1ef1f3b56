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
    every = {row: running_averages.lagging(model, one, train) for row, one in students.items()}
    lag = {row: found for row, found in every.items() if found is not None}
    sound = {row: of for row, of in by_row.items() if row not in lag}
    found = running_averages.of_students(lag, problem.steps)
    worse = []
    if first in sound and not problem.teacher_lags:
        worse = of_worse_teacher(records, by_row[first], len(labels[0]))
        found += worse or of_teacher(records, by_row, *map(len, labels))
    found += of_one_class(sound, labels)
    return found + (of_weights(sound, by_row[first]) if first in sound and not worse else [])


def _beside(records, baseline):
    """The teacher's record and the students' that did not diverge; None where one is missing."""
    teachers = [r for r in records if "temperature" not in r and "validation_accuracy" in r]
    kept = [r for r in baseline if not lost(r)]
    return (teachers[0], kept) if teachers and kept else None


def _mean(records, metric):
    return float(np.mean([r[metric] for r in records]))


def of_worse_teacher(records: list[dict], baseline: list[dict], rows: int) -> list[str]:
    """A line where the teacher is worse than students of the baseline.

    Args:
        records: Of all, the teacher's among them.
        baseline: Of its students.
        rows: Of validation; what may be chance on so few is not said.
    """
    found = _beside(records, baseline)
    if not found:
        return []
    theirs, ours = found[0]["validation_accuracy"], _mean(found[1], "validation_accuracy")
    if ours - theirs <= 2 * np.sqrt(theirs * (1 - theirs) / rows):
        return []
    return [
        f"The teacher is right on {theirs:.1%} of the validation rows, {found[1][0]['row']} on "
        f"{ours:.1%}: does it see rows as it learned them, and in this order of classes?"
    ]


def of_teacher(
    records: list[dict], by_row: dict[str, list[dict]], rows: int, of_test: int
) -> list[str]:
    """What else is odd about the teacher beside students of the baseline, a line each.

    Args:
        records: Of all, the teacher's among them.
        by_row: Those of the students, the baseline's first.
        rows: Of validation; what may be chance on so few is not said.
        of_test: Of the test.
    """
    both = _beside(records, next(iter(by_row.values())))
    if not both:
        return []
    (theirs, kept), found = both, []
    right = theirs["validation_accuracy"]
    better = right - theirs.get("test_accuracy", 1.0)
    if better > max(SEEN, 2 * np.sqrt(right * (1 - right) * (1 / rows + 1 / of_test))):
        found.append(
            f"The teacher is {100 * better:.0f} points better on validation than on the test: was "
            "it fitted on these rows? Then what it says of them misleads the choice and students."
        )
    nll = theirs.get("validation_nll", np.inf)  # of one that excludes a label
    ece, less_sure = _mean(kept, "validation_ece"), _mean(kept, "validation_nll")
    if nll > less_sure and theirs["validation_ece"] > ece + ECE:
        advice = "" if _higher_is_no_better(by_row) else "; higher temperatures may help"
        found.append(
            f"The teacher is worse calibrated than {kept[0]['row']} on validation: ECE "
            f"{theirs['validation_ece']:.3f} and NLL {nll:.3f} against {ece:.3f} and "
            f"{less_sure:.3f}{advice}."
        )
    return found


def _higher_is_no_better(by_row):
    """Whether of rows alike but for their temperature the best is not that of the highest."""
    tried: dict = {}
    for records in by_row.values():
        kept = [r for r in records if not lost(r) and r.get("weight")]
        if kept:
            chosen = kept[0]["temperature"]
            highest = max(kept[0].get("temperatures") or [chosen])
            tried.setdefault(kept[0].get("family"), []).append((score(kept), chosen, highest))
    return any(max(rows)[1] < max(highest for *_, highest in rows) for rows in tried.values())


def of_weights(by_row: dict[str, list[dict]], baseline: list[dict]) -> list[str]:
    """A line about the methods that do much harm at their one weight beside the labels, or none.

    Args:
        by_row: Records of the students.
        baseline: Those of the baseline.
    """
    harm, level = {}, score(baseline)[0]
    for row, records in by_row.items():
        first = next((r for r in records if not lost(r)), {})
        weights, beside = first.get("weights", []), first.get("label_weight", 0)
        points = level - score(records)[0]
        if len(weights) == 1 and weights[0] and beside and points > HARM:
            harm[f"{row} at weight {weights[0]:g}"] = 100 * points
    if not harm:
        return []
    loses = f"{'loses' if len(harm) == 1 else 'lose up to'} {max(harm.values()):.0f} points"
    return [
        f"{_listed(list(harm))} {loses} on validation: let validation choose from smaller ones, "
        "method.times((0.01, 0.1, 1)) or --weights=0.01,0.1,1."
    ]


def _listed(names):
    """The first two of several names, and how many more; three are named."""
    shown = names if len(names) < 4 else [*names[:2], f"{len(names) - 2} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def of_one_class(by_row: dict[str, list[dict]], labels: list[np.ndarray]) -> list[str]:
    """A line where all students of a row are right on one class and wrong on the others.

    So they are that many times on validation and on the test; by chance that is most unlikely.

    Args:
        by_row: Records of the students.
        labels: Of validation and of the test.
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
