"""How students learn from labels and from a teacher's outputs, whatever their width."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax

from experiments.people import stages
from experiments.people.config import Config
from kd_jax import losses
from kd_jax.data.dataset import Split
from kd_jax.distill import students, teachers
from kd_jax.distill.students import Arm
from kd_jax.runtime.execution import DEFAULT
from kd_jax.training import keys, samplers
from kd_jax.training import state as train_state


@functools.cache  # with its loss, so that the students of all teachers are one program
def student_recipe(config: Config, width: int, count: int) -> teachers.NetworkRecipe:
    """Gradient descent of a 6-width-3 network, on labels and on a teacher's outputs alike."""
    key = keys.key(config.base_seed, "student", "order")
    sampler = samplers.shuffled(key, count, config.batch_size)
    rate = optax.sgd(config.student_learning_rate)
    return teachers.NetworkRecipe(stages.network(width), rate, sampler, config.student_epochs)


@functools.cache
def loss(apply):
    """Weights of regression on the teacher's log-probabilities and of the labels: see Arm."""

    def loss_fn(variables, batch, key):
        rows, arm = batch.rows, batch.numbers
        (logits, _), state = apply(variables, rows["inputs"])
        soft = stages.regression_loss(logits, {"teacher": rows["teachers"][:, 0]})
        hard = jnp.mean(losses.cross_entropy(logits, rows["labels"]))
        loss = arm["weight"] * soft + arm["label_weight"] * hard
        return train_state.Outcome(loss, state=state)

    return loss_fn


def student_keys(config: Config, teacher: int):
    """The keys [S] of a teacher's students, the same for every width."""
    return keys.keys(config.base_seed, "student", teacher, count=config.seeds)


def fit(
    config: Config,
    width: int,
    arms: Sequence[Arm],
    teacher: int,
    split: Split,
    logits: np.ndarray,
    execution: Any = DEFAULT,
    *,
    adjust: Callable | None = None,
) -> tuple[Any, np.ndarray]:
    """Train the students of one teacher from their start, in one program.

    Args:
        config: The settings.
        width: Units in their hidden layer.
        arms: A rows, of labels or of the teacher's outputs.
        teacher: Its number, which the students' random choices are named by.
        split: The training rows.
        logits: [N, 3] of the teacher on them.
        execution: As for loop.fit.
        adjust: Changes the initial parameters, as for students.fit.

    Returns:
        Variables [S, A, …], and when each student diverged, [S, A].
    """
    recipe, named = student_recipe(config, width, len(split.labels)), ("student", teacher)
    # of the orders: the same program for every teacher
    orders = [
        keys.number(config.base_seed, *named, seed, "order") % 2**31 for seed in range(config.seeds)
    ]
    found, curves = students.fit(
        recipe, arms, split, {"teacher": logits}, student_keys(config, teacher), seeds=orders,
        label=f"students, teacher {teacher}", loss=loss, adjust=adjust, execution=execution,
    )  # fmt: skip
    return found, curves["diverged"]
