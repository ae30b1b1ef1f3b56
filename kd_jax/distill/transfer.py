"""Transfer sets: students of some rows or classes alone, their metrics by class, bias correction.

A transfer set is what a student is distilled on (Hinton, Vinyals and Dean 2015, arXiv 1503.02531,
section 2): all of the teacher's training rows, or those that kd_jax.data.subsets chooses.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key, Shaped

from kd_jax.data import subsets
from kd_jax.data.dataset import Dataset, Split
from kd_jax.distill import bias_correction, students
from kd_jax.distill.teachers import NetworkRecipe
from kd_jax.metrics import classification, examples
from kd_jax.metrics.records import seed_records
from kd_jax.models import Model
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.training import loop, samplers
from kd_jax.training import state as train_state


class TransferRun(NamedTuple):
    """Arms that train together, on the same rows in batches of the same size.

    Attributes:
        name: what it is called in records and progress bars.
        arms: A of them.
        rows: of the training split, from kd_jax.data.subsets.
        batch_size: rows per step.
        passes: how many times the recipe's epochs.
        start: {row of an arm: {class: initial value of its bias}}, where it is not zero.
        views: what a step sees of a batch, see students.fit.
    """

    name: str
    arms: Sequence[students.Arm]
    rows: Int[np.ndarray, " n"]
    batch_size: int = 128
    passes: int = 1
    start: Mapping[str, Mapping[int, float]] = {}
    views: Callable | None = None


class StudentRecipe(NamedTuple):
    """How the students of any transfer run are trained.

    Attributes:
        model: of each student; its last layer is called "logits".
        optimizer: (steps) -> an optax transformation for a training of so many steps.
        keys: [S], one per seed.
        sampler_key: of the order of rows.
        epochs: of a run with one pass.
    """

    model: Model
    optimizer: Callable[[int], optax.GradientTransformation]
    keys: Key[Array, " S"]
    sampler_key: Key[Array, ""]
    epochs: int

    def of(self, transfer_run: TransferRun) -> NetworkRecipe:
        """The NetworkRecipe of a transfer run's students.

        Args:
            transfer_run: whose rows, batch size and passes decide the number of steps.

        Returns:
            The model, its sampler, and the optimizer for that many steps.
        """
        epochs = self.epochs * transfer_run.passes
        rows, batch_size = transfer_run.rows, transfer_run.batch_size
        sampler = samplers.shuffled(self.sampler_key, rows, batch_size)
        optimizer = self.optimizer(epochs * (len(rows) // batch_size))
        return NetworkRecipe(self.model, optimizer, sampler, epochs)


def held_out_rows(
    labels: Int[np.ndarray, " N"], per_class: int, seed: int
) -> Int[np.ndarray, " n"]:
    """The training rows that a bias or a temperature is chosen on.

    Args:
        labels: of the training split.
        per_class: rows of each class; a tenth of a class where that is fewer.
        seed: of the draw.

    Returns:
        Row numbers, ascending, always the same for the same labels and seed.
    """
    tenth = len(labels) // (10 * len(np.unique(labels)))
    return subsets.held_out(labels, min(per_class, tenth), seed)[1]


def fit(
    transfer_run: TransferRun,
    recipe: StudentRecipe,
    split: Split,
    teachers: Mapping[str, Float[np.ndarray, "N C"]],
    *,
    seed: int | None = None,
    execution: Execution = DEFAULT,
) -> Any:
    """The variables of a transfer run's students alone, see `fit_with_curves`."""
    return fit_with_curves(transfer_run, recipe, split, teachers, seed=seed, execution=execution)[0]


def fit_with_curves(
    transfer_run: TransferRun,
    recipe: StudentRecipe,
    split: Split,
    teachers: Mapping[str, Float[np.ndarray, "N C"]],
    *,
    seed: int | None = None,
    epoch_metrics: loop.EpochMetrics | None = None,
    execution: Execution = DEFAULT,
) -> tuple[Any, dict]:
    """Train a transfer run's students, all seeds and arms in one program.

    Args:
        transfer_run: A arms and the rows that they see.
        recipe: how they are trained.
        split: the training split, all of its rows.
        teachers: {name: logits [N, C]}, of all rows.
        seed: train only this one of the recipe's, for large networks; up to rounding its student
            is the one of the whole grid.
        epoch_metrics: as for students.fit.
        execution: as for loop.fit.

    Returns:
        Variables, leaves [S, A, …], or [1, A, …] of one seed, and the curves of students.fit.
    """

    def adjust(params):
        first = np.array(params["logits"]["bias"])
        for a, arm in enumerate(transfer_run.arms):
            for number, value in transfer_run.start.get(arm.row, {}).items():
                first[:, a, number] = value
        return {**params, "logits": {**params["logits"], "bias": first}}

    seeds = range(len(recipe.keys)) if seed is None else [seed]
    names = ", ".join(arm.row for arm in transfer_run.arms)
    keys = train_state.at(recipe.keys, np.array(seeds))
    return students.fit(
        recipe.of(transfer_run), transfer_run.arms, split, teachers, keys,
        seeds=seeds, label=None if seed is None else f"{transfer_run.name}: {names}, seed {seed}",
        views=transfer_run.views, adjust=adjust, epoch_metrics=epoch_metrics, execution=execution,
    )  # fmt: skip


def test_metrics(
    logits: Float[np.ndarray, "S N C"],
    labels: Int[np.ndarray, " N"],
    teacher_logits: Float[np.ndarray, "N C"] | None = None,
) -> dict[str, Shaped[np.ndarray, "S ..."]]:
    """Metrics on the test set, over all classes and by class.

    Args:
        logits: of S networks.
        labels: of the test set.
        teacher_logits: what they are compared with, or None.

    Returns:
        {test_metric: [S]} of classification.measure, "test_right" of classification.right, and by
        class "test_wrong" (errors) and "test_class_accuracy", [S, C] both.
    """
    found = dict(classification.measure(logits, labels, teacher_logits))
    found[examples.RIGHT] = classification.right(logits, labels)
    metrics = {f"test_{name}": np.asarray(values) for name, values in found.items()}
    of_class = np.bincount(labels, minlength=logits.shape[-1])
    wrong = classification.errors_by_class(logits, labels)
    return metrics | {"test_wrong": wrong, "test_class_accuracy": 1 - wrong / of_class}


def corrected(
    model: Model,
    params: Any,
    data: Dataset,
    classes: Sequence[int],
    held_out: Int[np.ndarray, " n"],
) -> list[dict]:
    """Students with the bias of some classes shifted after training, chosen in three ways.

    Args:
        model: of the students.
        params: leaves [S, 1, …].
        data: whose training images choose the label-free shift, and whose test measures all.
        classes: whose bias is shifted.
        held_out: rows of the training split that the students did not see.

    Returns:
        A record per way and student, with its "shift" and the curve "errors_by_shift" on the test
        over bias_correction.SHIFTS.

    Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 3.
    """
    labels, shifts = data.train.labels, bias_correction.SHIFTS
    on_train, on_test = (
        classification.predict(model.apply, params, split.inputs)[:, 0]
        for split in (data.train, data.test)
    )
    prior = float(np.isin(labels, classes).mean())
    ways = [
        bias_correction.three_ways(
            z, (z[held_out], labels[held_out]), (seen, data.test.labels), classes, prior, shifts
        )
        for z, seen in zip(on_train, on_test)
    ]
    curves = np.array(
        [bias_correction.errors_by_shift(z, data.test.labels, classes, shifts) for z in on_test]
    )
    found = []
    for way in ways[0]:
        chosen = np.array([of_student[way] for of_student in ways])
        moved = np.stack([bias_correction.shifted(z, classes, x) for z, x in zip(on_test, chosen)])
        metrics = test_metrics(moved.astype(np.float32), data.test.labels)
        metrics |= {"shift": chosen, "errors_by_shift": curves}
        found += seed_records(f"bias corrected {way}", metrics)
    return found
