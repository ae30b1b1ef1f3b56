"""Students of given teachers: every arm of an objective, for every seed, in one program."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax.data.disk_rows import DiskRows
from kd_jax.distill import streamed
from kd_jax.distill.objective import NUMBERS, Arm, Outputs, Term, objective, soft_targets
from kd_jax.distill.objective import arms as arms
from kd_jax.distill.teachers import NetworkRecipe
from kd_jax.errors import require
from kd_jax.metrics import classification, examples
from kd_jax.metrics.records import seed_records
from kd_jax.runtime import compilation
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.training import loop
from kd_jax.training import state as train_state
from kd_jax.training.keys import split_each


def no_parameters(key: jax.Array, student: Outputs, teacher: Outputs) -> dict:
    """The parameters of a term that has none of its own."""
    return {}


class Compared(NamedTuple):
    """How students are compared with a teacher: a term, and the parameters that it trains along.

    extra: (key, student, teacher) -> the first parameters, from the Outputs of both for a few rows.
    """

    term: Term = soft_targets
    extra: Callable = no_parameters


SOFT_TARGETS = Compared()


def fit(
    recipe: NetworkRecipe,
    arms: Sequence[Arm],
    split: Any,
    teachers: Mapping[str, np.ndarray | None],
    keys: jax.Array,
    *,
    compared: Compared = SOFT_TARGETS,
    more: Mapping[str, Any] | None = None,
    own: dict[str, Any] | None = None,
    seeds: Sequence[int] | None = None,
    label: str | None = None,
    loss: Callable | None = None,
    views: Callable | None = None,
    adjust: Callable | None = None,
    epoch_metrics: loop.EpochMetrics | None = None,
    execution: Execution = DEFAULT,
) -> tuple[Any, dict]:
    """Train every arm for every seed in one program.

    Args:
        recipe: how each student is trained.
        arms: A rows.
        split: the Split that they learn on; inputs that are DiskRows are streamed.
        teachers: {name: logits [N, C]}, a row for each of the split; None where each batch brings
            its "teachers".
        keys: [S], one per seed; the first student depends on its key alone.
        compared: the term of the objective.
        more: {name: [N, …]}, what else a batch is gathered from, see `objective`.
        own: {name: [S, N, …]}, rows that each seed has for itself, in place of those for all.
        seeds: [S], the numbers that the sampler is asked with (default 0, 1, …).
        label: of the progress bar.
        loss: (apply) -> loss_fn of the student's variables, where it is no `objective`.
        views: (rows, key) -> rows, what a step sees of a batch, as for loop.fit.
        adjust: changes the initial parameters [S, A, …].
        epoch_metrics: as for loop.fit, of the student's variables.
        execution: as for loop.fit.

    Returns:
        The students' variables [S, A, …] and the curves {name: [epochs, S, A]}; among them is
        {"diverged": [S, A]}, see training.state.diverged.

    Raises:
        InputError: a teacher's logits are not one row for each of the split.
    """
    data = {**split._asdict(), **(more or {})}
    if all(logits is not None for logits in teachers.values()):
        data["teachers"] = _stacked(teachers, len(split.labels))
    data = {name: x for name, x in data.items() if name not in (own or {})}
    variables, train_keys = _initial(recipe, compared, views, {**data, **_first(own)}, keys)
    state = train_state.copies(variables, recipe.optimizer, train_keys, len(arms))
    if adjust:
        first = {**state.params, "student": adjust(state.params["student"])}
        state = state._replace(params=first)
    if loss:
        loss_fn = _of_student(loss(recipe.model.apply))
    else:
        loss_fn = objective(recipe.model.apply, compared.term)
    with execution.bar(label or f"{len(keys) * len(arms)} students", recipe.epochs) as report:
        train = streamed.fit if isinstance(split.inputs, DiskRows) else loop.fit
        state, curves = train(
            loss_fn,
            recipe.optimizer,
            state,
            data,
            recipe.sampler,
            epochs=recipe.epochs,
            seeds=seeds,
            own=own,
            numbers=_numbers(arms, list(teachers), len(keys)),
            epoch_metrics=epoch_metrics and _measured(epoch_metrics),
            views=views,
            report=report,
            execution=execution,
        )
    return _student(state.variables), {**curves, "diverged": train_state.diverged(state)}


def _initial(recipe, compared, views, data, keys):
    """The first variables [S, …] and the keys [S] of the training."""
    first_keys, train_keys = split_each(keys)
    student = train_state.initialize(recipe.model.init)(first_keys)
    params = {"student": student["params"], "extra": {}}
    if compared.extra is not no_parameters:
        example = jax.tree.map(lambda x: x[:2], data)

        def extra(key, one):
            key, view_key = jax.random.split(key)
            rows = views(example, view_key) if views else example
            ours = Outputs(*recipe.model.apply(one, rows["inputs"])[0])
            theirs = Outputs(rows["teachers"][:, 0], rows.get("features", {}))
            return compared.extra(key, ours, theirs)

        params["extra"] = compilation.quick_jit(jax.vmap(extra))(first_keys, student)
    return {"params": params, "state": student["state"]}, train_keys


def _first(own):
    """The rows that the first seed has for itself."""
    return jax.tree.map(lambda x: x[0], own or {})


def _numbers(arms, teachers, seeds):
    """{name: [S, A]} by which the members of a grid differ."""
    found = {name: [getattr(arm, name) for arm in arms] for name in NUMBERS}
    found["source"] = [teachers.index(arm.teacher) for arm in arms]
    return {name: np.tile(np.array(x), (seeds, 1)) for name, x in found.items()}


def _student(variables):
    """The variables of the students alone."""
    return {"params": variables["params"]["student"], "state": variables["state"]}


@functools.lru_cache(maxsize=8)  # trainings of one loss share their programs
def _of_student(loss_fn):
    return lambda variables, batch, key: loss_fn(_student(variables), batch, key)


@functools.lru_cache(maxsize=8)
def _measure_student(measure):
    return lambda variables, arrays: measure(_student(variables), arrays)


def _measured(epoch_metrics):
    return epoch_metrics._replace(measure=_measure_student(epoch_metrics.measure))


def _stacked(teachers, rows):
    """The logits [N, K, C] of K teachers."""
    for name, logits in teachers.items():
        found = np.shape(logits)
        fits = len(found) == 2 and found[0] == rows
        require(fits, f"teacher '{name}' has logits {found}: expected [{rows}, C], as many as rows")
    return np.stack(list(teachers.values()), axis=1, dtype=np.float32)


def evaluate(
    model: Any, variables: Any, split: Any, teacher_logits: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """{metric: [S, A]} of students on a split: classification.measure, and classification.right.

    Args:
        model: of the students.
        variables: leaves [S, A, …].
        split: what they are measured on.
        teacher_logits: [N, C], of the same inputs; None: without what compares with a teacher.
    """
    logits = classification.predict(model.apply, variables, split.inputs)
    found = classification.measure(logits, split.labels, teacher_logits)
    found = {name: np.asarray(values) for name, values in found.items()}
    return found | {examples.RIGHT: classification.right(logits, split.labels)}


def records(arms: Sequence[Arm], diverged: np.ndarray, **measured: dict) -> list[dict]:
    """One record per arm and seed, with each metric under its split's name (test_errors, …).

    Which examples are right is kept of the test alone.

    Args:
        arms: A rows.
        diverged: [S, A], of the curves of `fit`.
        measured: {split: {metric: [S, A]}}, as `evaluate` gives them.
    """
    found = []
    for a, arm in enumerate(arms):
        metrics = {
            f"{split}_{name}": values[:, a]
            for split, of_split in measured.items()
            for name, values in of_split.items()
            if split == "test" or name != examples.RIGHT
        }
        more = {"family": arm.family or arm.row, "temperature": arm.temperature}
        found += seed_records(arm.row, metrics, diverged[:, a], **more)
    return found
