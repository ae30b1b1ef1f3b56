"""A problem as it is before anything is trained: rows, what teachers say of them, what is odd."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax.data import Split
from kd_jax.distill.driver import (
    augmented,
    checks,
    fitting,
    given_rows,
    named_teachers,
    running_averages,
    sizes,
    teacher_notes,
)
from kd_jax.distill.driver.fitting import Taught
from kd_jax.distill.driver.recipe import Recipe
from kd_jax.distill.methods import Method
from kd_jax.errors import require
from kd_jax.models import Model, fitted

FEW_STEPS = 500
FRESH = "teach on rows that it was not trained on, or with augmentation"


class Problem(NamedTuple):
    """What students learn and are measured by.

    Attributes:
        student: The network of all students.
        splits: {"train", "validation" and "test": Split}; where labels are unknown, those of the
            first teacher are in their place.
        logits: {part: logits [N, C] of the first teacher}, without parts that it says nothing of.
        taught: What teachers say of the training rows.
        labeled: Whether labels are known.
        notes: What a person would want to know, a line each.
        steps: That each student takes.
        lag: {teacher: a line}, of those whose running averages lag behind.
    """

    student: Model
    splits: dict[str, Split]
    logits: dict[str, np.ndarray]
    taught: Taught
    labeled: bool
    notes: list[str]
    steps: int = 0
    lag: dict[str, str] = {}

    @property
    def teacher_lags(self) -> bool:
        """Whether the first teacher's running averages lag behind."""
        return next(iter(self.taught.logits)) in self.lag

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return self.logits["train"].shape[1]


def prepare(
    student: Model, teacher: Any, rows: given_rows.Rows, wanted: Sequence[Method], recipe: Recipe
) -> Problem:
    """Ask the teachers about every row, once, and check that methods and networks fit.

    Args:
        student: As for `distill`.
        teacher: As for `distill`.
        rows: Of the problem.
        wanted: Methods, which may need the teacher's features.
        recipe: Whose augmentation the teachers see too.

    Raises:
        InputError: Something does not fit.
    """
    teachers = named_teachers.named(teacher)
    said = _said(teachers, rows)
    first = next(iter(said.values()))
    classes = first["train"].shape[1]
    require(
        rows.classes <= classes,
        f"labels are up to {rows.classes - 1} and the teacher has {classes} classes: expected "
        f"labels from 0 to {classes - 1}",
    )
    splits = rows.splits() if rows.labeled else _labeled_by(first, rows.splits())
    known = {part: logits for part, logits in first.items() if logits is not None}
    train = splits["train"]
    model = fitted(student, train.inputs[:2], classes, "the student")
    labeled = None if rows.labeled else np.zeros(len(train.labels), bool)
    asked = named_teachers.again(teachers)
    views = recipe.augment and augmented.views(recipe.augment, asked, train.inputs)
    of_train = {name: logits["train"] for name, logits in said.items()}
    taught = Taught(of_train, labeled, views=views)
    best = next(iter(asked.values()))
    taught = _with_features(taught, best, wanted, model, train)
    steps = recipe.steps(len(train.labels))
    lag = _lag(asked, train) if rows.labeled else {}
    problem = Problem(model, splits, known, taught, rows.labeled, [], steps, lag)
    size, few = sizes.line(model, best, train.inputs), of_few_steps(steps)
    return problem._replace(notes=[*_notes(problem, rows), size, *few])


def of_few_steps(steps: int, who: str = "Each student", flag: str = "") -> list[str]:
    """A line where networks take so few steps that they may be half trained.

    Args:
        steps: That each takes.
        who: They are, as a sentence begins.
        flag: That says how many epochs, where there is one.
    """
    more = f"more epochs{f' ({flag})' if flag else ''} may train {{}} better"
    whom = more.format("all of them" if who.startswith("Each") else "it")
    return [f"{who} takes {steps:,} steps: {whom}."] if steps < FEW_STEPS else []


def _said(teachers, rows):
    """{name: {part: logits}} of all teachers, which have as many classes as the first."""
    said: dict[str, dict] = {}
    classes = None
    for name, each in teachers.items():
        said[name] = named_teachers.outputs(name, each, rows, classes)
        classes = said[name]["train"].shape[1]
    return said


def _lag(asked, train):
    """{name: a line} of the teachers whose running averages lag behind."""
    networks = {name: x for name, x in asked.items() if named_teachers.is_network(x)}
    found = {}
    for name, one in networks.items():
        alone = jax.tree.map(lambda x: np.asarray(x)[None], one.variables)
        lags = running_averages.lagging(one.model, alone, train)
        if lags is not None:
            found[name] = running_averages.of_teacher(_called(name, asked), lags)
    return found


def _called(name, teachers):
    """A teacher as a sentence begins."""
    return "The teacher" if len(teachers) == 1 else f"Teacher {name}"


def _with_features(taught, first, wanted, model, train):
    """What is taught with the features of the first teacher, where a method reads them."""
    wanted = fitting.of_known_teachers(wanted, taught)
    shapes = named_teachers.features_like(first, train.inputs[:1])
    if not checks.check(wanted, model, train, taught._replace(features=shapes)):
        return taught
    found = named_teachers.features(first, train.inputs)
    if not found:
        taught = taught._replace(views=augmented.with_features(taught.views, first), like=shapes)
    return taught._replace(features=found)


def _labeled_by(logits, splits):
    """Splits whose labels are the teacher's most probable classes."""
    for part, found in logits.items():
        known = found is not None
        require(known, f"without labels the teacher's outputs are needed for {part} too")
    return {
        part: split._replace(labels=logits[part].argmax(-1).astype(np.int32))
        for part, split in splits.items()
    }


def _notes(problem, rows):
    """What a person would want to know before anything is trained."""
    counts = ", ".join(f"{name} {len(split.labels):,}" for name, split in problem.splits.items())
    taken = [name for name, part in rows.parts.items() if part.given != name]
    found = [f"Rows: {counts}" + (f" ({' and '.join(taken)} taken from train)." if taken else ".")]
    train = problem.splits["train"].labels if problem.labeled else None
    for name in ("validation", "test") if problem.labeled else ():
        absent = np.setdiff1d(problem.splits["train"].labels, problem.splits[name].labels)
        if len(absent):
            shown = ", ".join(map(str, absent[:5]))
            found.append(f"{name} has no row of class {shown}: nothing is said about it there.")
    classes = [str(number) for number in range(problem.classes)]
    fresh = None if problem.taught.views else FRESH
    found += problem.lag.values()
    for name, logits in problem.taught.logits.items():
        if name in problem.lag:
            continue
        who = _called(name, problem.taught.logits)
        found += [f"{x}." for x in teacher_notes.notes(who, logits, train, classes, fresh=fresh)]
    return found
