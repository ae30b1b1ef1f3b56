"""Students of cached teacher logits: every row of a table is an arm of one compiled program.

An arm is a point in the mixture that Hinton, Vinyals and Dean 2015 (arXiv 1503.02531) and its
controls span,

    soft_weight · T² KL(teacher ‖ student) + label_weight · CE(smoothed labels, student),

so labels only, label smoothing, soft targets at any temperature, mixtures with the labels and
altered teachers differ by numbers alone and are compiled once.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import losses
from kd_jax.distill.teachers import Recipe
from kd_jax.errors import require
from kd_jax.metrics import classification
from kd_jax.metrics.records import seed_records
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.training import loop
from kd_jax.training import state as train_state


class Arm(NamedTuple):
    """One row of a table, trained once per seed.

    row: its name. teacher: the name of the teacher it learns from. family: what rows share that
    differ by temperature only; the row's own name where that is empty.
    """

    row: str
    temperature: float = 1.0
    soft_weight: float = 0.0
    label_weight: float = 0.0
    smoothing: float = 0.0
    teacher: str = "teacher"
    family: str = ""


NUMBERS = ("temperature", "soft_weight", "label_weight", "smoothing")


def arms(family: str, temperatures: Sequence[float], **numbers) -> list[Arm]:
    """One Arm of the family per temperature, named `family, T=…`."""
    return [Arm(f"{family}, T={t:g}", t, family=family, **numbers) for t in temperatures]


@functools.lru_cache(maxsize=8)  # trainings of one loss share their programs
def mixture(apply: Callable, augment_batch: Callable | None = None) -> Callable:
    """The loss of an arm, whose numbers come with the batch.

    Args:
        apply: of a Model.
        augment_batch: (rows, key) -> rows, what a step sees of them.

    Returns:
        loss_fn(variables, Batch, key). Its rows are "inputs" [B, …], "labels" [B] and "teachers"
        [B, K, C] (logits of K teachers), its numbers the arm's `NUMBERS` and "source", which of
        the K.

    Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 2.
    """

    def loss_fn(variables, batch, key):
        rows, arm = batch.rows, batch.numbers
        if augment_batch:
            batch_key, key = jax.random.split(key)
            rows = augment_batch(rows, batch_key)
        (logits, _), state = apply(variables, rows["inputs"], train=True, key=key)
        source = jnp.take(rows["teachers"], arm["source"], axis=1)
        soft = losses.soft_targets(logits, source, temperature=arm["temperature"])
        hard = losses.label_smoothing(logits, rows["labels"], epsilon=arm["smoothing"])
        loss = jnp.mean(arm["soft_weight"] * soft + arm["label_weight"] * hard)
        return train_state.Outcome(loss, state=state)

    return loss_fn


def fit(
    recipe: Recipe,
    arms: Sequence[Arm],
    split: Any,
    teachers: Mapping[str, np.ndarray],
    keys: jax.Array,
    *,
    seeds: Sequence[int] | None = None,
    label: str | None = None,
    loss: Callable = mixture,
    augment_batch: Callable | None = None,
    adjust: Callable | None = None,
    epoch_metrics: loop.EpochMetrics | None = None,
    execution: Execution = DEFAULT,
) -> tuple[Any, dict]:
    """Train every arm for every seed in one program.

    Args:
        recipe: how each student is trained.
        arms: A rows.
        split: the Split that they learn on.
        teachers: {name: logits [N, C]}, a row for each of the split.
        keys: [S], one per seed.
        seeds: [S], the numbers that the sampler is asked with (default 0, 1, …).
        label: of the progress bar.
        loss: (apply, augment_batch) -> loss_fn, of which `mixture` is one.
        augment_batch: as for `mixture`.
        adjust: changes the initial parameters [S, A, …].
        epoch_metrics: as for loop.fit.
        execution: as for loop.fit.

    Returns:
        Parameters [S, A, …] and the curves {name: [epochs, S, A]}; among them is {"diverged":
        [S, A]}, see training.state.diverged.

    Raises:
        InputError: a teacher's logits are not one row for each of the split.
    """
    state = train_state.members(recipe.model.init, recipe.optimizer, keys, len(arms))
    if adjust:
        state = state._replace(params=adjust(state.params))
    names = list(teachers)
    found = {name: [getattr(arm, name) for arm in arms] for name in NUMBERS}
    found["source"] = [names.index(arm.teacher) for arm in arms]
    numbers = {name: np.tile(np.array(x), (len(keys), 1)) for name, x in found.items()}
    data = {**split._asdict(), "teachers": _stacked(teachers, len(split.labels))}
    with execution.bar(label or f"{len(keys) * len(arms)} students", recipe.epochs) as report:
        state, curves = loop.fit(
            loss(recipe.model.apply, augment_batch),
            recipe.optimizer,
            state,
            data,
            recipe.sampler,
            epochs=recipe.epochs,
            seeds=seeds,
            numbers=numbers,
            epoch_metrics=epoch_metrics,
            report=report,
            execution=execution,
        )
    return state.variables, {**curves, "diverged": train_state.diverged(state)}


def _stacked(teachers, rows):
    """The logits [N, K, C] of K teachers."""
    for name, logits in teachers.items():
        found = np.shape(logits)
        fits = len(found) == 2 and found[0] == rows
        require(fits, f"teacher '{name}' has logits {found}: expected [{rows}, C], as many as rows")
    return np.stack(list(teachers.values()), axis=1, dtype=np.float32)


def measure(model: Any, params: Any, split: Any, teacher_logits: np.ndarray) -> dict:
    """{metric: [S, A]} of students on a split.

    Args:
        model: of the students.
        params: leaves [S, A, …].
        split: what they are measured on.
        teacher_logits: [N, C], of the same inputs.
    """
    logits = classification.predict(model.apply, params, split.inputs)
    found = classification.measure(logits, split.labels, teacher_logits)
    return {name: np.asarray(values) for name, values in found.items()}


def records(arms: Sequence[Arm], diverged: np.ndarray, **measured: dict) -> list[dict]:
    """One record per arm and seed, with each metric under its split's name (test_errors, …).

    Args:
        arms: A rows.
        diverged: [S, A], of the curves of `fit`.
        measured: {split: {metric: [S, A]}}, as `measure` gives them.
    """
    found = []
    for a, arm in enumerate(arms):
        metrics = {
            f"{split}_{name}": values[:, a]
            for split, of_split in measured.items()
            for name, values in of_split.items()
        }
        more = {"family": arm.family or arm.row, "temperature": arm.temperature}
        found += seed_records(arm.row, metrics, diverged[:, a], **more)
    return found
