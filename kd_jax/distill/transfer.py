"""Lessons: students of one transfer set, what they do on the test, and their bias corrected."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from kd_jax.distill import bias_correction, students
from kd_jax.metrics import classification, records
from kd_jax.training import samplers

SHIFTS = np.arange(-10.0, 10.01, 0.25)  # of a bias, in logits


class Lesson(NamedTuple):
    """Arms that train together, on the same rows in batches of the same size.

    rows: of the training split, from kd_jax.data.subsets. passes: how many times the usual
    number of epochs. start: {row: {class: first value of its bias}}, where it is not zero.
    view: what a step sees of a batch, see students.mixture.
    """

    name: str
    arms: list
    rows: np.ndarray
    batch: int = 128
    passes: int = 1
    start: dict = {}
    view: Callable | None = None


class Pupils(NamedTuple):
    """How a student is made and trained: model, optimiser, keys [S] of its seeds, order key."""

    model: Any
    optimizer: Any
    keys: Any
    order_key: Any
    epochs: int


def fit(lesson, pupils, split, teachers, snapshots=None):
    """Parameters [S, A, …] of a lesson's students. Args: teachers [S, N, K, C], of all rows."""

    def adjust(params):
        first = params["logits"]["bias"]
        for a, arm in enumerate(lesson.arms):
            for number, value in lesson.start.get(arm.row, {}).items():
                first = first.at[:, a, number].set(value)
        return {**params, "logits": {**params["logits"], "bias": first}}

    own, data = {"teachers": teachers}, split._asdict()
    return _fit(lesson, pupils, pupils.keys, data, own, snapshots, adjust=adjust)


def fit_one(lesson, arm, seed, pupils, split, teachers, snapshots=None):
    """What `fit` gives of one arm and seed, trained alone: [1, 1, …]; for networks that are large.

    The student is the one that `fit` would train, up to rounding.
    Args: teachers [N, K, C], of all rows.
    """
    more = {"label": f"{lesson.name}: {arm.row}, seed {seed}", "seeds": [seed]}
    split = {**split._asdict(), "teachers": teachers}
    alone = lesson._replace(arms=[arm])
    return _fit(alone, pupils, pupils.keys[seed : seed + 1], split, {}, snapshots, **more)


def _fit(lesson, pupils, keys, data, own, snapshots, **more):
    params, _ = students.fit(
        pupils.model,
        pupils.optimizer,
        lesson.arms,
        keys,
        data,
        samplers.shuffled(pupils.order_key, lesson.rows, lesson.batch),
        epochs=pupils.epochs * lesson.passes,
        own=own,
        view=lesson.view,
        snapshots=snapshots,
        **more,
    )
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
        found += records.of_metrics(f"bias corrected {way}", metrics, **more)
    return found
