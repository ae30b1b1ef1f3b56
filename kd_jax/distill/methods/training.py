"""Training of students by methods on equal terms: one teacher, initial students, batches, budget.

Each method trains one student per seed and weight; `selection` chooses the weight.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial
from jaxtyping import Array, Bool, Float, Key

from kd_jax.data import Split
from kd_jax.distill import controls, methods, students
from kd_jax.distill.objective import ordered
from kd_jax.distill.teachers import NetworkRecipe
from kd_jax.metrics import classification
from kd_jax.models import Model
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.training import samplers
from kd_jax.training import state as train_state

LAYER_ROWS = 500  # of the test, on which layers are compared


class Lesson(NamedTuple):
    """What students learn from.

    split: inputs and labels. teachers: {name: logits [N, C]}; None where each batch brings them.
    more: {name: [N, …]}, what else a batch is gathered from: "labeled", whether a row's label is
    known; "features" of the teacher.
    """

    split: Split
    teachers: dict
    more: dict


class TeacherStudentPair(NamedTuple):
    """A teacher, a student and the data that methods are compared on.

    data: the Dataset, or None where students are measured elsewhere. teacher_layers: {name:
    [LAYER_ROWS, …]} of the teacher on the first test inputs. recipe: of the student. views:
    (rows, key) -> rows, what a step sees of them: drawn anew, where inputs are augmented and the
    teacher is queried with them.
    """

    name: str
    data: Any
    lesson: Lesson
    validation_logits: np.ndarray | None
    test_logits: np.ndarray | None
    teacher_layers: dict
    recipe: NetworkRecipe
    views: Callable | None = None


def lesson(
    model: Model,
    variables: Any,
    split: Split,
    labeled: Bool[np.ndarray, " N"],
    permutation_seed: int,
    batch_size: int = 1000,
) -> Lesson:
    """A split with the outputs of one teacher, and those of its control "permuted".

    Args:
        model: the teacher.
        variables: of it.
        split: inputs and labels.
        labeled: whether a row's label is known; the teacher's most probable class is in its place
            where it is not.
        permutation_seed: of the control whose wrong classes are permuted.
        batch_size: of the teacher's outputs.
    """
    logits, features = outputs(model.apply, variables, split.inputs, batch_size)
    labels = np.where(labeled, split.labels, logits.argmax(-1)).astype(np.int32)
    taught = {"teacher": logits, "permuted": controls.permuted(logits, labels, permutation_seed)}
    more = {"labeled": labeled, "features": features}
    return Lesson(Split(split.inputs, labels), taught, more)


def outputs(
    apply: Callable, params: Any, inputs: Float[Array | np.ndarray, "N ..."], batch_size: int = 1000
) -> tuple[Float[np.ndarray, "N C"], dict]:
    """Logits and features {name: [N, …]} of a network, first layer first, batch by batch."""
    program = jax.jit(ordered(apply))
    batches = (inputs[i : i + batch_size] for i in range(0, len(inputs), batch_size))
    found = [jax.tree.map(np.asarray, program(params, batch)[0]) for batch in batches]
    return jax.tree.map(lambda *pieces: np.concatenate(pieces), *found)


def fit(
    pair: TeacherStudentPair,
    method: methods.Method,
    keys: Key[Array, " S"],
    *,
    own: dict | None = None,
    execution: Execution = DEFAULT,
) -> Any:
    """Train a method's students, one per seed and weight, in one program.

    Args:
        pair: teacher, student and data.
        method: the term beside the labels.
        keys: one per seed; the initial student depends on its key alone, not on the method.
        own: arrays [S, N, …] that replace those of the lesson, seed by seed.
        execution: as for loop.fit.

    Returns:
        Variables of the students, leaves [S, W, …].
    """
    variables, _ = students.fit(
        pair.recipe,
        method.arms(),
        pair.lesson.split,
        pair.lesson.teachers,
        keys,
        compared=method.compared,
        more=pair.lesson.more,
        own=own,
        label=f"{pair.name}, {method.row}",
        views=pair.views,
        execution=execution,
    )
    return variables


def layers(model: Model, variables: Any, inputs: Float[Array | np.ndarray, "N ..."]) -> dict:
    """{name: [N, …]} of a network's features and its logits."""
    logits, features = outputs(model.apply, variables, inputs)
    return {**features, "logits": logits}


def logits_of(pair: TeacherStudentPair, variables: Any) -> dict:
    """Outputs of students [S, …] on the training rows as `own` arrays of `fit`, to teach others."""
    grid = train_state.one_arm(variables)
    logits = classification.predict(pair.recipe.model.apply, grid, pair.lesson.split.inputs)[:, 0]
    return {"teachers": logits[:, :, None], "features": {}}


def semi_supervised(
    key: Key[Array, ""], labeled: Bool[np.ndarray, " N"], batch_size: int
) -> Partial:
    """A sampler of batches that are half labeled rows, drawn anew, and half unlabeled ones.

    An epoch is one pass over the unlabeled rows.

    Args:
        key: of both draws.
        labeled: whether each row is.
        batch_size: of both halves together.

    Returns:
        sampler(seed, epoch) -> indices [steps, batch_size].
    """
    known, rest = (jax.device_put(np.flatnonzero(mask)) for mask in (labeled, ~labeled))
    return Partial(_half_labeled, key, known, samplers.shuffled(key, rest, batch_size // 2))


def _half_labeled(key, known, others, seed, epoch):
    unlabeled = others(seed, epoch)
    draw = jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(key, 1), seed), epoch)
    drawn = jax.random.randint(draw, unlabeled.shape, 0, len(known))
    return jnp.concatenate([known[drawn], unlabeled], axis=1)
