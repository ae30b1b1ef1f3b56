"""`kd.distill`: your teacher, your student, your data, and whether the gain is real.

    result = kd.distill(student, teacher, kd.Split(x_train, y_train), test=kd.Split(x, y))
    print(result)
    result.best.save("student/")

Each step is a function of its own: `problem.prepare` asks the teachers, `fitting.fit_students`
trains, `choose` reads the validation rows for every method's weight and then the test rows once.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax.arguments import whole
from kd_jax.data import Split
from kd_jax.distill import methods, students
from kd_jax.distill.driver import checks, fitting, given_rows
from kd_jax.distill.driver.fitting import Students
from kd_jax.distill.driver.problem import Problem, prepare
from kd_jax.distill.driver.recipe import USUAL, Recipe
from kd_jax.distill.driver.result import Result
from kd_jax.distill.methods import Method
from kd_jax.distill.methods.selection import best_arm
from kd_jax.distill.teachers import metrics as teacher_metrics
from kd_jax.errors import require
from kd_jax.metrics import examples
from kd_jax.metrics.records import seed_records
from kd_jax.models import Model
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.training import keys


class Chosen(NamedTuple):
    """The students of a method's best weight.

    Attributes:
        method: That they learned by.
        variables: Leaves [S, …].
        records: One per student.
    """

    method: Method
    variables: Any
    records: list[dict]


def distill(
    student: Any,
    teacher: Any,
    train: Split,
    *,
    test: Split | None = None,
    validation: Split | None = None,
    seeds: int = 10,
    base_seed: int = 0,
    methods: Sequence[Method] | None = None,
    recipe: Recipe = USUAL,
    margin: float = 0.0,
    execution: Execution = DEFAULT,
) -> Result:
    """Train a student by several methods, and say whether what it gains over labels is real.

    All students of a seed begin alike and see the same batches, as many for every method. A
    method's weight, and the method that `result.best` is of, are chosen on validation; the test is
    read once, for what was chosen.

    Args:
        student: A kd.Model, or what kd.from_flax, from_nnx, from_equinox or from_haiku gives.
        teacher: Logits [N, C] of the training rows (or of all that is given, one after the other);
            a function of NumPy inputs that gives them; a Network, as kd.load gives it; several as
            a list, which is one teacher of their mean; {name: teacher}, of which methods name one.
            kd.probabilities(teacher) says that it gives probabilities.
        train: kd.Split(inputs [N, …], labels [N]); labels None where nobody knows them.
        test: Likewise; by default a fifth of the training rows.
        validation: Likewise; by default a tenth of them.
        seeds: Students of each method.
        base_seed: What every random choice follows from.
        methods: One or several, the first of which is the baseline; by default labels only and
            soft targets at temperatures 1, 2, 4 and 8.
        recipe: How each student is trained.
        margin: Points of accuracy that make no difference: a row whose interval lies within them
            is EQUIVALENT to the baseline. State it before you see a table.
        execution: Where and how.

    Returns:
        The Result: print it.

    Raises:
        InputError: Something does not fit; one line says what, before anything is trained.
    """
    seeds, base_seed = whole("seeds", seeds), whole("base_seed", base_seed, 0, 2**32)
    check_how(student, recipe, execution)
    margin = checks.margin(margin)
    rows = given_rows.parted(train, validation, test, keys.number(base_seed, "draw", "parts"))
    wanted = checks.listed(default_methods(rows.labeled) if methods is None else methods)
    problem = prepare(student, teacher, rows, wanted, recipe)
    trained = fitting.fit_students(
        problem.student, problem.splits["train"], problem.taught, wanted,
        recipe=recipe, seeds=seeds, base_seed=base_seed, execution=execution,
    )  # fmt: skip
    return concluded(problem, [choose(problem, each, base_seed) for each in trained], margin)


def check_how(student: Any, recipe: Any, execution: Any) -> None:
    """Refuse what is no network, recipe or execution, or a recipe that trains nothing.

    Args:
        student: As for `distill`.
        recipe: As for `distill`.
        execution: As for `distill`.

    Raises:
        InputError: One is something else.
    """
    for name, value, kind, advice in [
        ("student", student, Model, "kd.from_flax(module), kd.Model(init, apply) or such"),
        ("recipe", recipe, Recipe, "kd.Recipe(optax.adam(1e-3), epochs=20) or such"),
        ("execution", execution, Execution, "kd.runtime.execution.Execution(…)"),
    ]:
        fits = isinstance(value, kind)
        require(fits, f"{name} is {type(value).__name__}: expected {advice}")
    recipe.of(student, 1, keys.key(0))


def default_methods(labeled: bool) -> list[Method]:
    """What is compared where nothing is said, the baseline first.

    Args:
        labeled: Whether labels are known.
    """
    return [methods.labels_only() if labeled else methods.pseudo_labels(), *methods.soft_targets()]


def choose(problem: Problem, trained: Students, base_seed: int = 0) -> Chosen:
    """Choose a method's weight and temperature on validation; measure its students on the test.

    Args:
        problem: That they were trained on.
        trained: The students of every weight.
        base_seed: For the records.
    """
    method, diverged = trained.method, trained.diverged
    of = {part: (split, problem.logits.get(part)) for part, split in problem.splits.items()}
    found = students.evaluate(problem.student, trained.variables, *of["validation"])
    lost = (diverged >= 0) | ~np.isfinite(found["nll"])
    rows = len(problem.splits["validation"].labels)  # which a student that diverged gets all wrong
    errors, nll = (np.where(lost, x, found[n]) for n, x in (("errors", rows), ("nll", np.inf)))
    best = best_arm({"errors": errors, "nll": nll})
    variables = jax.tree.map(lambda x: x[:, best : best + 1], trained.variables)
    measured = {f"validation_{n}": x[:, best] for n, x in found.items() if n != examples.RIGHT}
    on_test = students.evaluate(problem.student, variables, *of["test"])
    measured |= {f"test_{name}": x[:, 0] for name, x in on_test.items()}
    arm = method.arms()[best]
    more = {
        "family": method.family or method.row, "temperature": float(arm.temperature),
        "temperatures": list(map(float, method.temperatures)),
        "weight": float(arm.weight), "weights": list(map(float, method.weights)),
        "label_weight": float(method.label_weight), "teacher": method.teacher,
        "base_seed": base_seed,
    }  # fmt: skip
    if len(method.own_weights) == 1:  # of several nobody can tell which one is multiplied
        more["own_weight"] = float(method.own_weights[0])
    records = seed_records(method.row, measured, diverged[:, best], **more)
    return Chosen(method, jax.tree.map(lambda x: x[:, 0], variables), records)


def concluded(problem: Problem, chosen: Sequence[Chosen], margin: float = 0.0) -> Result:
    """The Result of students whose weights are chosen.

    Args:
        problem: That they were trained on.
        chosen: Of every method, in the order of the table.
        margin: As for `distill`.
    """
    records = [record for each in chosen for record in each.records]
    if problem.labeled and "test" in problem.logits:
        name = next(iter(problem.taught.logits))
        found: dict = {}
        for part in ("validation", "test"):
            if part in problem.logits:
                of_part = problem.logits[part][None]
                found |= teacher_metrics(of_part, problem.splits[part].labels, part)
        records = seed_records(name, found, family=name) + records
    variables = {each.method.row: each.variables for each in chosen}
    return Result.of(problem.student, variables, records, problem, margin)
