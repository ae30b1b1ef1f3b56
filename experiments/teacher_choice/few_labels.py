"""Soft targets as regularizers: few images, and a teacher that saw all of them."""

import functools
from collections.abc import Iterator

import numpy as np

from experiments.teacher_choice import common, smoothing
from experiments.teacher_choice import rows as named
from experiments.teacher_choice.common import Place
from kd_jax.data import Split
from kd_jax.distill import controls, students, teachers
from kd_jax.distill.students import Arm
from kd_jax.metrics import by_epoch, classification, examples
from kd_jax.training import keys, loop

SEEN = "train", "validation", "test"


def teacher_of(place: Place) -> teachers.Teachers:
    """A network like its students, of the labels of all images.

    These are moved, so that it does not know them by heart: like the paper's, it has about as
    many of them right as of the test's, and its targets are soft.
    """
    return smoothing.jittered(place, row=named.TEACHER)


def arms(place: Place) -> list[Arm]:
    """The students that a teacher has taught."""
    temperatures = place.config.few_labels_temperatures
    return [
        Arm(named.HARD, weight=1.0, teacher="hard"),
        *students.arms(named.SOFT, temperatures, weight=1.0),
        *students.arms(named.PERMUTED, temperatures, weight=1.0, teacher="permuted"),
    ]


def outputs(place: Place, teacher: teachers.Teachers, rows: np.ndarray) -> dict:
    """What the arms' teachers say of the few images, and of those that nobody learns from."""
    labels, said = place.data.train.labels[rows], common.outputs(teacher)
    few = said["train"][rows]
    seed = keys.number(place.config.base_seed, "draw", "permuted", place.teacher)
    altered = {
        "hard": common.certain(few.argmax(-1), few.shape[-1]),
        "permuted": controls.permuted(few, labels, seed),
    }
    return {name: {**said, "train": x} for name, x in {"teacher": few, **altered}.items()}


def right_by_epoch(model, variables, arrays: dict) -> dict:
    """The accuracies of one network, and which test images it has right."""
    chosen = classification.most_probable(model.logits(variables, arrays["test"]["inputs"]))
    right = {f"test_{examples.RIGHT}": chosen == arrays["test"]["labels"]}
    return by_epoch.accuracies(model, variables, arrays) | right


def of_labels(place: Place, of: teachers.NetworkRecipe, split: Split, task) -> list[dict]:
    """The records of students of labels alone, after all epochs and stopped early on validation."""
    arrays = {"train": split, "validation": place.data.validation, "test": place.data.test}
    measure = loop.EpochMetrics(
        functools.partial(right_by_epoch, of.model), {n: x._asdict() for n, x in arrays.items()}
    )
    smoothed = named.smoothed(place.config.smoothing)
    wanted = {smoothed: place.config.smoothing, named.LABELS: 0.0}
    none, found = {"teacher": np.zeros((len(split.labels), place.data.classes), np.float32)}, []
    _, curves = common.fit(
        place, of, [common.labels_only(row=row, smoothing=x) for row, x in wanted.items()], split,
        none, task.execution.part(named.LABELS), epoch_metrics=measure,
    )  # fmt: skip
    for a, row in enumerate(wanted):
        of_arm = {name: curves[name][:, :, a].swapaxes(0, 1) for name in curves if name in WANTED}
        last = np.full(place.config.seeds, of.epochs - 1)
        found += at_epochs(row, of_arm, last)
    return found + at_epochs(named.STOPPED, of_arm, of_arm["validation"].argmax(1))


WANTED = (*SEEN, f"test_{examples.RIGHT}")


def at_epochs(row: str, curves: dict, epochs: np.ndarray) -> list[dict]:
    """Records of a row at one epoch [S] of its curves {name: [S, epochs, …]}."""
    bits = f"test_{examples.RIGHT}"
    right = curves[bits][np.arange(len(epochs)), epochs]
    more = zip(examples.packed(right), (~right).sum(-1))
    found = by_epoch.at_epochs(row, {n: curves[n] for n in SEEN}, epochs)
    return [
        {**r, bits: str(text), "test_errors": int(wrong)} for r, (text, wrong) in zip(found, more)
    ]


def train(place: Place, task) -> list[dict]:
    """The records of the teacher, and of the students of few images."""
    config, whole = place.config, place.data.train
    rows = place.rows(
        whole.labels, round(config.few_labels_fraction * len(whole.labels)), "few images"
    )
    split, order = common.taken(whole, rows), place.key("student", "order")
    of = common.recipe(config, config.width, len(rows), config.few_labels_epochs, order)
    teacher = teacher_of(place)
    found = common.of_teacher(place, teacher, task, SEEN)
    found += of_labels(place, of, split, task)
    taught, others = outputs(place, teacher, rows), arms(place)
    return found + common.trained(place, of, others, taught, task, split=split, splits=SEEN)


def units(place: Place) -> Iterator[tuple]:
    """One teacher and its students."""
    yield {}, functools.partial(train, place)
