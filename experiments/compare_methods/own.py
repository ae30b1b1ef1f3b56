"""A pair of one's own: a function in a Python file that gives data, a teacher and a student.

def pair(seed):
    data = kd.read_data("wine.csv", label="cultivar", base_seed=seed)
    shape, classes = data.train.inputs.shape[1:], len(data.classes)
    return data, *(kd.functional(kd.models.MLP(n, classes), shape) for n in [(99,), (9,)])

./run.sh compare_methods --pairs=wine.py:pair
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from experiments.compare_methods import pairs
from experiments.compare_methods.config import Config
from kd_jax import fingerprint, models
from kd_jax.command.read_data import Data
from kd_jax.data import Dataset
from kd_jax.distill import teacher_files
from kd_jax.distill.driver import given_rows
from kd_jax.distill.driver.problem import of_few_steps
from kd_jax.errors import InputError, brief, require
from kd_jax.training import optimizers

EXPECTED = (
    "expected (data, teacher, student): kd.Split(inputs, labels), {'train', 'validation', 'test': "
    "such ones} or what kd.read_data gives, and two networks such as kd.from_flax gives"
)


class Own(NamedTuple):
    """What a pair is made of."""

    data: Dataset
    teacher: models.Model
    student: models.Model

    @property
    def digest(self) -> str:
        """Of the rows and their parts."""
        return self.data.digest


def load(where: str, config: Config) -> Own:
    """The data and networks of a place.

    Args:
        where: file.py:function or package.module:function; it takes the seed of its draws, a whole
            number below 2**32.
        config: Whose base seed that follows from.

    Raises:
        InputError: There is no such function, it fails, or what it gives does not fit.
    """
    what = f"--pairs={where}"
    seed = pairs.drawn(config, "own") % 2**32  # as scikit-learn's random_state takes it
    try:
        found = teacher_files.function(where)(seed)
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody's function raises
        raise InputError(f"{what} fails ({type(error).__name__}: {brief(error)})") from error
    fits = isinstance(found, tuple) and len(found) == 3
    require(fits, f"{what} gives {found!r:.60}: {EXPECTED}")
    data, *networks = found
    rows = _rows(what, data, pairs.drawn(config, "held out"))
    require(rows.labeled, f"{what} has no labels: {EXPECTED}")
    splits = rows.splits()
    digest = fingerprint.arrays({part: tuple(split) for part, split in splits.items()})
    for who, network in zip(("teacher", "student"), networks):
        is_model = isinstance(network, models.Model)
        require(is_model, f"{what} gives the {who} {network!r:.60}: {EXPECTED}")
    if isinstance(data, Data):
        networks = [data.standardized(network) for network in networks]
    fitted = [
        models.fitted(network, splits["train"].inputs[:2], rows.classes, f"{what}: the {who}")
        for who, network in zip(("teacher", "student"), networks)
    ]
    files = isinstance(data, Data)
    about = {"classes": data.classes, "preprocessing": data.preprocessing} if files else {}
    return Own(Dataset(where, rows.classes, **splits, digest=digest, about=about), *fitted)


def _rows(what, data, seed):
    """The Rows of what a function gives as its data."""
    if isinstance(data, Data):
        data = {"train": data.train, "validation": data.validation, "test": data.test}
    parts = dict(data) if isinstance(data, Mapping) else {"train": data}
    known = "train" in parts and parts.keys() <= {"train", "validation", "test"}
    require(known, f"{what} gives the parts {', '.join(map(str, parts))}: {EXPECTED}")
    return given_rows.parted(parts["train"], parts.get("validation"), parts.get("test"), seed)


def pair(config: Config, own: Own, seed: int) -> pairs.PairSpec:
    """The pair of one of several teachers, all rows labeled.

    Args:
        config: Settings.
        own: Of `load`.
        seed: Which teacher.
    """
    rows = np.arange(len(own.data.train.labels))
    recipe = pairs.teacher_recipe(config, own.teacher, rows >= 0, config.teacher_epochs, seed)
    return pairs.PairSpec(
        own.data.name, seed, own.data, rows, rows >= 0, recipe, own.student, None,
        config.student_epochs,
    )  # fmt: skip


def few_steps(config: Config, spec: pairs.PairSpec) -> list[str]:
    """A line for the teacher, and one for the students, where they take few steps.

    Args:
        config: Settings.
        spec: Of the pair and any of its teachers.
    """
    students = pairs.student_recipe(config, spec)
    takes = {"teacher": spec.teacher, "student": students}
    return [
        line
        for name, recipe in takes.items()
        for line in of_few_steps(
            optimizers.steps(recipe.epochs, recipe.sampler),
            "The teacher" if name == "teacher" else "Each student",
            f"--{name}_epochs",
        )
    ]
