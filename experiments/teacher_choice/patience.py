"""Patient and consistent teaching: long trainings on views that the teacher is asked about."""

import functools
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp

from experiments.teacher_choice import common, smoothing
from experiments.teacher_choice import rows as named
from experiments.teacher_choice.common import Place
from kd_jax.data import augment
from kd_jax.distill import teachers
from kd_jax.distill.students import Arm
from kd_jax.training import state as train_state

ASKED, KEPT, TRUTH = range(3)  # places of the teachers of views
NAMES = "asked", "kept", "labels"
OF_VIEWS = [
    Arm(named.LABELS_OF_VIEWS, weight=1.0, teacher="labels"),
    Arm(named.KEPT_OF_VIEWS, weight=1.0, teacher="kept"),
    Arm(named.CONSISTENT, weight=1.0, teacher="asked"),
]
OF_CLEAN = [common.labels_only(teacher="kept"), Arm(named.CLEAN, weight=1.0, teacher="kept")]


def views(teacher: teachers.Teachers) -> Callable:
    """What a step sees: images moved by up to 2 pixels and mixed in pairs, and their targets.

    The teacher is asked about the very views. What it said of the clean images, and the labels,
    are mixed as the images are.

    Source: Beyer et al. 2021, arXiv 2106.05237, figure 2: "consistent" and "fixed" teachers.

    Args:
        teacher: One.
    """
    variables, model = train_state.at(teacher.variables, 0), teacher.model

    def see(rows, key):
        of_jitter, of_mixup = jax.random.split(key)
        each = jax.random.split(of_jitter, len(rows["inputs"]))
        moved = jax.vmap(augment.jitter)(each, rows["inputs"])
        known = jax.nn.softmax(rows["teachers"])
        inputs, known = augment.mixup(of_mixup, (moved, known))
        said = jnp.log(known).at[:, ASKED].set(model.logits(variables, inputs))
        return {**rows, "inputs": inputs, "teachers": said}

    return see


def train(place: Place, epochs: int, task) -> list[dict]:
    """The records of students of so many epochs, on views and on clean images."""
    place = smoothing.fewer(place)
    teacher, data = smoothing.jittered(place), place.data
    said = common.outputs(teacher)
    truth = {**said, "train": common.certain(data.train.labels, data.classes)}
    taught = dict(zip(NAMES, (said, said, truth)))
    rows, order = len(data.train.labels), place.key("student", "order")
    of = common.recipe(place.config, place.config.patience_width, rows, epochs, order)
    views_task = task._replace(execution=task.execution.part("views"))
    found = common.trained(place, of, OF_VIEWS, taught, views_task, views=views(teacher))
    kept, clean_task = {"kept": said}, task._replace(execution=task.execution.part("clean"))
    return found + common.trained(place, of, OF_CLEAN, kept, clean_task)


def record_teacher(place: Place, task) -> list[dict]:
    """The record of the teacher."""
    place = smoothing.fewer(place)
    return common.of_teacher(place, smoothing.jittered(place), task)


def units(place: Place) -> Iterator[tuple]:
    """The teacher, and the students of each length, the longest first."""
    yield {"epochs": 0}, functools.partial(record_teacher, place)
    for epochs in sorted(place.config.patience_epochs, reverse=True):
        yield {"epochs": epochs}, functools.partial(train, place, epochs)
