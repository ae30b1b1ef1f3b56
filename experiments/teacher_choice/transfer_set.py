"""Self-distillation on transfer sets of several sizes: how faithful is the student?"""

from collections.abc import Iterator, Mapping

import numpy as np

from experiments.teacher_choice import common
from experiments.teacher_choice import rows as named
from experiments.teacher_choice.common import Place
from kd_jax.data import Split
from kd_jax.distill import teachers
from kd_jax.distill.students import Arm
from kd_jax.metrics import classification
from kd_jax.training import state as train_state


def everything(place: Place) -> Split:
    """All images that are not of the test: nothing is chosen here, so none are held out."""
    both = place.data.train, place.data.validation
    return Split(*(np.concatenate(pair) for pair in zip(*both)))


def teacher_of(place: Place) -> teachers.Teachers:
    """A small network of a few labels.

    Source: Stanton et al. 2021, arXiv 2106.05945, section 4, with 200 labels of MNIST.
    """
    config, whole = place.config, everything(place)
    few = common.taken(whole, place.rows(whole.labels, config.transfer_set_labels, "labels"))
    data = place.data._replace(train=few)
    return common.of_labels(
        place, named.TEACHER, config.transfer_set_width, config.transfer_set_teacher_epochs, data
    )


def record_teacher(place: Place, task) -> list[dict]:
    """The record of the teacher."""
    return common.of_teacher(place, teacher_of(place), task, ("test",), size=0)


ARMS = [
    common.labels_only(),
    Arm(named.HARD, weight=1.0, teacher="hard"),
    Arm(named.SOFT, weight=1.0),
]


def outputs(teacher: teachers.Teachers, split: Split) -> dict[str, Mapping[str, np.ndarray]]:
    """What the arms' teachers say of a transfer set and of the test: soft targets, or a class."""
    grid = train_state.one_arm(teacher.variables)
    logits = classification.predict(teacher.model.apply, grid, split.inputs)[0, 0]
    soft = {"train": logits, "test": teacher.logits["test"][0]}
    hard = common.certain(logits.argmax(-1), logits.shape[-1])
    return {"teacher": soft, "hard": {**soft, "train": hard}}


def train(place: Place, size: int, task) -> list[dict]:
    """The records of the students of a transfer set, after as many steps as those of any other."""
    config, whole = place.config, everything(place)
    split = common.taken(whole, place.rows(whole.labels, size, "transfer set"))
    rows, order = len(split.labels), place.key("student", "order")
    of_epoch = rows // min(config.batch_size, rows)
    epochs = max(1, round(config.transfer_set_steps / of_epoch))
    of = common.recipe(config, config.transfer_set_width, rows, epochs, order)
    taught, seen = outputs(teacher_of(place), split), ("train", "test")
    return common.trained(place, of, ARMS, taught, task, split=split, splits=seen)


def units(place: Place) -> Iterator[tuple]:
    """The teacher, and the students of each transfer set."""
    yield {"size": 0}, lambda task: record_teacher(place, task)
    for size in place.config.transfer_set_sizes:
        yield {"size": size}, lambda task, size=size: train(place, size, task)
