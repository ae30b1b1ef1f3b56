"""Transfer sets: students taught on some of the rows, measured by class, their bias corrected."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax.distill import bias_correction, students
from kd_jax.distill.teachers import Recipe
from kd_jax.metrics import classification
from kd_jax.metrics.records import of_metrics
from kd_jax.training import samplers

SHIFTS = np.arange(-10.0, 10.01, 0.25)  # of a bias, in logits


class TransferRun(NamedTuple):
    """Arms that train together, on the same rows in batches of the same size.

    rows: of the training split, from kd_jax.data.subsets. passes: how many times the usual
    number of epochs. start: {row: {class: first value of its bias}}, where it is not zero.
    augment_batch: what a step sees of a batch, see students.mixture.
    """

    name: str
    arms: list
    rows: np.ndarray
    batch_size: int = 128
    passes: int = 1
    start: dict = {}
    augment_batch: Callable | None = None


class StudentRecipe(NamedTuple):
    """How a student of any transfer run is trained.

    optimizer: (steps) -> an optax transformation. keys [S] of the seeds. sampler_key: of the
    order of rows. epochs: of a run with one pass.
    """

    model: Any
    optimizer: Callable
    keys: jax.Array
    sampler_key: jax.Array
    epochs: int

    def of(self, transfer_run: TransferRun) -> Recipe:
        """The Recipe of a transfer run's students."""
        epochs = self.epochs * transfer_run.passes
        rows, batch_size = transfer_run.rows, transfer_run.batch_size
        sampler = samplers.shuffled(self.sampler_key, rows, batch_size)
        return Recipe(
            self.model, self.optimizer(epochs * (len(rows) // batch_size)), sampler, epochs
        )


def fit(
    transfer_run: TransferRun,
    recipe: StudentRecipe,
    split: Any,
    teachers: Mapping[str, np.ndarray],
    snapshots: Any = None,
) -> Any:
    """Parameters [S, A, …] of a transfer run's students, all seeds and arms in one program.

    Args:
        transfer_run: A arms and the rows that they see.
        recipe: how they are trained.
        split: the training split, all of its rows.
        teachers: {name: logits [N, C] or [S, N, C]}, of all rows.
        snapshots: as for loop.fit.
    """

    def adjust(params):
        first = params["logits"]["bias"]
        for a, arm in enumerate(transfer_run.arms):
            for number, value in transfer_run.start.get(arm.row, {}).items():
                first = first.at[:, a, number].set(value)
        return {**params, "logits": {**params["logits"], "bias": first}}

    params, _ = students.fit(
        recipe.of(transfer_run), transfer_run.arms, split, teachers, recipe.keys,
        augment_batch=transfer_run.augment_batch, adjust=adjust, snapshots=snapshots,
    )  # fmt: skip
    return params


def fit_one(
    transfer_run: TransferRun,
    arm: students.Arm,
    seed: int,
    recipe: StudentRecipe,
    split: Any,
    teachers: Mapping[str, np.ndarray],
    snapshots: Any = None,
) -> Any:
    """What `fit` gives of one arm and seed, trained alone: [1, 1, …]; for networks that are large.

    The student is the one that `fit` would train, up to rounding.
    """
    params, _ = students.fit(
        recipe.of(transfer_run), [arm], split, teachers, recipe.keys[seed : seed + 1],
        seeds=[seed], label=f"{transfer_run.name}: {arm.row}, seed {seed}",
        augment_batch=transfer_run.augment_batch, snapshots=snapshots,
    )  # fmt: skip
    return params


def test_metrics(logits, labels, teacher_logits=None):
    """{metric: [S, …]} of logits [S, N, C] on the test set, by class too."""
    found = classification.measure(logits, labels, teacher_logits)
    metrics = {f"test_{name}": np.asarray(values) for name, values in found.items()}
    of_class = np.bincount(labels, minlength=logits.shape[-1])
    wrong = classification.wrong_by_class(logits, labels)
    return metrics | {"test_wrong": wrong, "test_class_accuracy": 1 - wrong / of_class}


def corrected(model, params, data, classes, held, **more):
    """Records of students [S, 1, …] with the bias of `classes` shifted, chosen in three ways.

    Args: held: rows of the training split that the students were not taught on; more: what all
      records share. Each record also has the curve `errors_by_shift` over SHIFTS, on the test.
    """
    labels = data.train.labels
    on_train, on_test = (
        classification.predict(model.apply, params, split.inputs)[:, 0]
        for split in (data.train, data.test)
    )
    prior = float(np.isin(labels, classes).mean())
    ways = [
        bias_correction.three_ways(
            taught, (taught[held], labels[held]), (seen, data.test.labels), classes, prior, SHIFTS
        )
        for taught, seen in zip(on_train, on_test)
    ]
    curves = np.array(
        [bias_correction.errors_by_shift(z, data.test.labels, classes, SHIFTS) for z in on_test]
    )
    found = []
    for way in ways[0]:
        shifts = np.array([chosen[way] for chosen in ways])
        moved = np.stack([bias_correction.shifted(z, classes, x) for z, x in zip(on_test, shifts)])
        metrics = test_metrics(moved.astype(np.float32), data.test.labels)
        metrics |= {"shift": shifts, "errors_by_shift": curves}
        found += of_metrics(f"bias corrected {way}", metrics, **more)
    return found
