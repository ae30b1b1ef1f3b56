"""Choice of weight and temperature on validation, and metrics of the chosen students on the test.

The mean over seeds decides, and only the chosen students see the test.
"""

from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax.distill import methods
from kd_jax.distill.methods import training
from kd_jax.distill.objective import Arm
from kd_jax.metrics import cka, classification, examples
from kd_jax.metrics.records import seed_records
from kd_jax.training import state as train_state


class Chosen(NamedTuple):
    """The students [S, …] of the arm that was chosen on validation, and their records."""

    variables: Any
    arm: Arm
    records: list[dict]


def choose(pair: training.TeacherStudentPair, method: methods.Method, variables: Any) -> Chosen:
    """Choose the arm with the fewest validation errors; only then the test is read.

    Args:
        pair: teacher, student and data.
        method: whose arms they are.
        variables: as `fit` returns them.

    Returns:
        The students of the arm of `best_arm`.
    """
    students = jax.tree.map(np.asarray, variables)  # slicing needs no compilation
    apply = pair.recipe.model.apply
    on_validation = classification.measure(
        classification.predict(apply, students, pair.data.validation.inputs),
        pair.data.validation.labels,
        pair.validation_logits,
    )
    best = best_arm(on_validation)
    students = jax.tree.map(lambda x: x[:, best : best + 1], students)
    found = {f"validation_{n}": np.asarray(x)[:, best] for n, x in on_validation.items()}
    arm = method.arms()[best]
    more: dict[str, Any] = {"pair": pair.name, "weight": arm.weight}
    more |= {"weights": list(method.weights), "temperature": arm.temperature}
    more["temperatures"] = list(method.temperatures)
    more["validation_errors_by_arm"] = np.asarray(on_validation["errors"]).mean(0).tolist()
    found |= test_metrics(pair, students)
    records = seed_records(method.row, found, **more)
    return Chosen(jax.tree.map(lambda x: x[:, 0], students), arm, records)


def best_arm(on_validation: dict) -> int:
    """The arm with the fewest validation errors in the mean over seeds; on a tie, lower NLL.

    Args:
        on_validation: {"errors" and "nll": [S, A], …}.
    """
    means = [np.asarray(on_validation[name]).mean(0) for name in ("errors", "nll")]
    return int(np.lexsort(means[::-1])[0])


def test_metrics(pair: training.TeacherStudentPair, students: Any) -> dict:
    """Test metrics {name: [S, …]} of students [S, 1, …], with calibration bins and layers' CKA."""
    logits = classification.predict(pair.recipe.model.apply, students, pair.data.test.inputs)[:, 0]
    measured = classification.measure(logits, pair.data.test.labels, pair.test_logits)
    found = {f"test_{name}": np.asarray(x) for name, x in measured.items()}
    found[f"test_{examples.RIGHT}"] = classification.right(logits, pair.data.test.labels)
    bins = classification.calibration(logits, pair.data.test.labels)
    found |= {f"bin_{name}": np.asarray(x) for name, x in bins.items()}
    found["cka"] = np.array([_alignment(pair, students, seed) for seed in range(len(logits))])
    return found


def _alignment(pair, students, seed):
    one = train_state.at(students, seed, 0)
    shown = pair.data.test.inputs[: training.LAYER_ROWS]
    return cka.layerwise_cka(pair.teacher_layers, training.layers(pair.recipe.model, one, shown))
