"""Students by several methods, on the same rows and batches, from the same initializations.

Methods with the same term train in one program, whatever their numbers; the others one after the
other.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from kd_jax.arguments import whole
from kd_jax.data import Split
from kd_jax.distill import students
from kd_jax.distill.driver import augmented, checks
from kd_jax.distill.driver.recipe import USUAL, Recipe
from kd_jax.distill.methods import Method
from kd_jax.errors import require
from kd_jax.models import Model, fitted
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.training import keys


class Students(NamedTuple):
    """The students of a method.

    Attributes:
        method: That they learned by.
        variables: Of their network, leaves [S, A, …]: S seeds, A arms of the method.
        diverged: The first step with a loss that was no finite number, or −1.
        model: Their network, as students.evaluate takes it.
    """

    method: Method
    variables: Any
    diverged: Int[np.ndarray, "S A"]
    model: Model


class Taught(NamedTuple):
    """What students learn from, besides inputs and labels.

    Attributes:
        logits: {name of a teacher: [N, C]}.
        labeled: Whether a row's label counts; None: all do.
        features: {name: [N, …]} of the first teacher, {} where nobody knows or needs them.
        views: (rows, key) -> rows, what a step sees of a batch; None: what it gathered.
        like: Features of one row, where `views` bring them; else {}.
    """

    logits: Mapping[str, Float[np.ndarray, "N C"]]
    labeled: Bool[np.ndarray, " N"] | None = None
    features: Mapping[str, np.ndarray] = {}
    views: Callable | None = None
    like: Mapping[str, Any] = {}

    def more(self) -> dict:
        """The further rows of a batch, see objective.objective."""
        found: dict = {} if self.labeled is None else {"labeled": self.labeled}
        return found | ({"features": self.features} if self.features else {})


def groups(methods: Iterable[Method]) -> list[list[Method]]:
    """The methods by what they have in common, each group one program.

    Args:
        methods: In the order of the table.
    """
    found: dict = {}
    for method in methods:
        found.setdefault(method.compared, []).append(method)
    return list(found.values())


def fit_students(
    student: Model,
    train: Split,
    taught: Taught | Mapping[str, np.ndarray],
    methods: Sequence[Method],
    *,
    recipe: Recipe = USUAL,
    seeds: int = 10,
    base_seed: int = 0,
    execution: Execution = DEFAULT,
) -> list[Students]:
    """Train students by several methods; those of a seed begin alike and see the same batches.

    Args:
        student: The network of all of them, as kd.distill takes it.
        train: Inputs [N, …] and labels [N].
        taught: What teachers say of these rows, {name: logits [N, C]} at the least.
        methods: One or more, each for every seed and each of its arms.
        recipe: How each is trained.
        seeds: S, how many of each.
        base_seed: What all initializations and orders follow from.
        execution: Where and how.

    Returns:
        The Students of every method, in the order given.

    Raises:
        InputError: Methods, teachers and networks do not fit each other.
    """
    seeds, base_seed = whole("seeds", seeds), whole("base_seed", base_seed, 0, 2**32)
    taught = taught if isinstance(taught, Taught) else Taught(taught)
    classes = next(iter(taught.logits.values())).shape[1]
    student = fitted(student, train.inputs[:2], classes, "the student")
    if recipe.augment and not taught.views:
        taught = taught._replace(views=augmented.views(recipe.augment, {}, train.inputs))
    known = of_known_teachers(checks.listed(methods), taught)
    checks.check(known, student, train, taught._replace(features=taught.features or taught.like))
    first = keys.keys(base_seed, "student", count=seeds)
    order = keys.key(base_seed, "student", "order")
    plan = recipe.of(student, len(train.inputs), order)
    found = {}
    for number, group in enumerate(groups(known)):
        arms = [method.arms() for method in group]
        variables, curves = students.fit(
            plan, sum(arms, []), train, taught.logits, first,
            compared=group[0].compared, more=taught.more(), views=taught.views,
            label=_label(group, seeds), execution=execution.part(f"group {number}"),
        )  # fmt: skip
        ends = np.cumsum([len(own) for own in arms])
        for method, end, own in zip(group, ends, arms):
            of_method = slice(int(end) - len(own), int(end))
            each = jax.tree.map(lambda x, own=of_method: np.asarray(x[:, own]), variables)
            found[method.row] = Students(method, each, curves["diverged"][:, of_method], student)
    return [found[method.row] for method in known]


def _label(group, seeds):
    more = f" and {len(group) - 1} more" if len(group) > 1 else ""
    return f"{seeds} × {group[0].row}{more}"


def of_known_teachers(methods: Iterable[Method], taught: Taught) -> list[Method]:
    """The methods; one that heeds no teacher has the first, as all need one.

    Args:
        methods: Of any teachers.
        taught: What teachers say.

    Raises:
        InputError: A method learns from a teacher that is not given.
    """
    names, found = list(taught.logits), []
    for method in methods:
        require(
            method.teacher in names or not any(method.weights),
            f"method {method.row} learns from the teacher {method.teacher}, which is not given: "
            f"expected one of {', '.join(names)}",
        )
        heeds = method.teacher in names
        found.append(method if heeds else method._replace(teacher=names[0]))
    return found
