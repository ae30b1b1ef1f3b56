"""What the parts share: the digits, networks and their training, and the students of an arm."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.teacher_choice.config import Config
from experiments.teacher_choice.rows import LABELS
from kd_jax import models
from kd_jax.data import Dataset, Split, mnist, subsets
from kd_jax.distill import students, teachers
from kd_jax.distill.students import Arm
from kd_jax.export import saved_models
from kd_jax.storage import run_folder
from kd_jax.training import keys, samplers

NARROW = 100  # units; from here on down networks take --narrow_learning_rate
HELD_OUT = "validation", "test"


class Place(NamedTuple):
    """Where a unit of work stands: its settings, the digits, its run, which teacher's it is."""

    config: Config
    data: Dataset
    run: run_folder.Run
    teacher: int

    def key(self, *names: str | int) -> jax.Array:
        """The key of what is named, of this teacher alone."""
        return keys.key(self.config.base_seed, *names, self.teacher)

    def students(self, *names: str | int) -> jax.Array:
        """The keys [S] of this teacher's students."""
        of = "student", *names, self.teacher
        return keys.keys(self.config.base_seed, *of, count=self.config.seeds)

    def rows(self, labels: np.ndarray, count: int, what: str) -> np.ndarray:
        """The numbers of `count` rows, the same fraction of each class, drawn for this teacher.

        Of one draw a smaller number is a part of a larger one.
        """
        seed = keys.number(self.config.base_seed, "draw", what, self.teacher)
        return subsets.fraction(labels, min(1.0, count / len(labels)), seed)


def taken(split: Split, rows: np.ndarray) -> Split:
    """Some rows of a split."""
    return Split(split.inputs[rows], split.labels[rows])


def certain(classes: np.ndarray, count: int = 10) -> np.ndarray:
    """Logits [N, C] of a teacher that is certain of the given classes."""
    at = np.arange(count) == np.asarray(classes)[:, None]
    return np.where(at, 0, -np.inf).astype(np.float32)


def digits(config: Config) -> Dataset:
    """MNIST with validation rows held out of its training, or the 5,000 digits, which have some."""
    data = mnist.images(config.mnist_5k, config.data_dir, config.manual_dir)
    if len(data.validation.labels):
        return data
    seed, train = keys.number(config.base_seed, "draw", "held out"), data.train
    parts = subsets.held_out(train.labels, config.held_out, seed)
    rest, held = (taken(train, rows) for rows in parts)
    return data._replace(train=rest, validation=held)


@functools.cache  # so that trainings of one network share their programs
def network(width: int) -> models.Model:
    """784-width-width-10 with ReLU."""
    return models.functional(models.MLP((width, width), 10), (28, 28))


def recipe(
    config: Config, width: int, rows: int, epochs: int, order: jax.Array, augment=None
) -> teachers.NetworkRecipe:
    """Adam with a cosine decay to zero, its first rate by the width.

    Args:
        config: Settings.
        width: Of both hidden layers.
        rows: How many training rows there are.
        epochs: Passes over them.
        order: The key of their order.
        augment: Of a teacher's images.
    """
    sampler = samplers.scattered(order, rows, min(config.batch_size, rows))
    peak = config.narrow_learning_rate if width <= NARROW else config.learning_rate
    return teachers.adam_recipe(network(width), peak, sampler, epochs, augment)


def of_labels(place: Place, row: str, width: int, epochs: int, data: Dataset) -> teachers.Teachers:
    """A teacher that learned from the labels of a data set's training rows."""
    rows, order = len(data.train.labels), place.key("teacher", "order")
    of = recipe(place.config, width, rows, epochs, order)
    return teachers.one(row, of, place.key("teacher"), data, place.run, seed=place.teacher)


def outputs(taught: teachers.Teachers) -> dict[str, np.ndarray]:
    """{split: logits [N, C]} of one teacher."""
    return {split: logits[0] for split, logits in taught.logits.items()}


def labels_only(**more: Any) -> Arm:
    """The baseline, or another arm of labels alone."""
    return Arm(LABELS, label_weight=1.0)._replace(**more)


def fit(
    place: Place,
    of: teachers.NetworkRecipe,
    arms: Sequence[Arm],
    split: Split,
    sources: Mapping[str, np.ndarray],
    execution: Any,
    *,
    views: Callable | None = None,
    **options: Any,
) -> tuple[Any, dict]:
    """What students.fit gives of the students of this place's teacher."""
    return students.fit(
        of, arms, split, sources, place.students(), views=views, execution=execution, **options
    )


def trained(
    place: Place,
    of: teachers.NetworkRecipe,
    arms: Sequence[Arm],
    taught: Mapping[str, Mapping[str, np.ndarray]],
    task: run_folder.Task,
    *,
    split: Split | None = None,
    views: Callable | None = None,
    splits: Sequence[str] = HELD_OUT,
) -> list[dict]:
    """Train, save and measure students; their records.

    Args:
        place: Whose students they are.
        of: How they are trained.
        arms: Of one program.
        taught: {name: {split: logits}} of the teachers that arms name.
        task: The unit of work.
        split: What they learn from; by default all training rows.
        views: As for students.fit.
        splits: On which students are measured; "train" is what they learn from.
    """
    split = place.data.train if split is None else split
    sources = {name: of_splits["train"] for name, of_splits in taught.items()}
    variables, curves = fit(place, of, arms, split, sources, task.execution, views=views)
    examples = {**place.data._asdict(), "train": split}
    found = {
        name: students.evaluate(
            of.model, variables, examples[name],
            np.stack([taught[arm.teacher][name] for arm in arms]),
        )
        for name in splits
    }  # fmt: skip
    save(place, of.model, variables, arms, taught, task)
    return students.records(arms, curves["diverged"], **found)


def save(place: Place, model, variables, arms, taught, task) -> None:
    """Save students [S, A], each beside its own teacher; the arguments are those of `trained`."""
    for name in dict.fromkeys(arm.teacher for arm in arms):
        places = np.array([a for a, arm in enumerate(arms) if arm.teacher == name])
        rows = [arms[a].row for a in places]
        own = jax.tree.map(lambda x, places=places: np.asarray(x)[:, places], variables)
        test = place.data.test, taught[name]["test"]
        saved_models.save(task.run, model, own, rows, *test, teacher=name, **task.known)


def of_teacher(
    place: Place, taught: teachers.Teachers, task, splits: Sequence[str] = HELD_OUT, **known
) -> list[dict]:
    """The record of a teacher, which is saved."""
    saved_models.save_teachers(task.run, taught, place.data.test, **task.known)
    return taught.records(place.data, splits, **known)
