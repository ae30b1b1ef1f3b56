"""Training of students by methods on equal terms: one teacher, initial students, batches, budget.

Each method trains one student per seed and weight; `selection` chooses the weight.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from kd_jax import losses
from kd_jax.data import Split
from kd_jax.distill import controls, methods
from kd_jax.distill.teachers import Recipe
from kd_jax.metrics import classification
from kd_jax.models import Model
from kd_jax.runtime import compilation
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.training import loop, samplers
from kd_jax.training import state as train_state
from kd_jax.training.keys import split_each

LAYER_ROWS = 500  # of the test, on which layers are compared


class TeacherStudentPair(NamedTuple):
    """A teacher, a student and the data that methods are compared on.

    data: the Dataset, or None where students are measured elsewhere. arrays: what a batch is
    gathered from, {"inputs", "labels", "labeled", "teacher": {"logits", "features"},
    "permuted_logits", …}, each [N, …]. teacher_layers: {name: [LAYER_ROWS, …]} of the teacher on
    the first test inputs. recipe: of the student. augment_batch: (rows, key) -> rows, what a
    step sees of them: drawn anew, where inputs are augmented and the teacher is queried with them.
    multiples: of every method's center, the weights that are tuned over.
    """

    name: str
    data: Any
    arrays: dict
    validation_logits: np.ndarray | None
    test_logits: np.ndarray | None
    teacher_layers: dict
    recipe: Recipe
    augment_batch: Callable = lambda batch, key: batch
    multiples: tuple[float, ...] = (0.1, 1.0, 10.0)


def teacher_arrays(
    model: Model,
    params: Any,
    split: Split,
    labeled: Bool[np.ndarray, " N"],
    permutation_seed: int,
    batch_size: int = 1000,
) -> dict:
    """The arrays of a TeacherStudentPair: a split with the outputs of one teacher.

    Args:
        model: the teacher.
        params: of it.
        split: inputs and labels.
        labeled: whether a row's label is known; the teacher's most probable class is in its place
            where it is not.
        permutation_seed: of the control whose wrong classes are permuted.
        batch_size: of the teacher's outputs.
    """
    logits, features = outputs(model.apply, params, split.inputs, batch_size)
    labels = np.where(labeled, split.labels, logits.argmax(-1)).astype(np.int32)
    return {
        "inputs": split.inputs,
        "labels": labels,
        "labeled": labeled,
        "teacher": {"logits": logits, "features": features},
        "permuted_logits": controls.permuted(logits, labels, permutation_seed),
    }


def outputs(
    apply: Callable, params: Any, inputs: Float[Array | np.ndarray, "N ..."], batch_size: int = 1000
) -> tuple[Float[np.ndarray, "N C"], dict]:
    """Logits and features {name: [N, …]} of a network, computed batch by batch."""
    program = jax.jit(apply)
    batches = (inputs[i : i + batch_size] for i in range(0, len(inputs), batch_size))
    found = [jax.tree.map(np.asarray, program(params, batch)[0]) for batch in batches]
    return jax.tree.map(lambda *pieces: np.concatenate(pieces), *found)


def loss(pair: TeacherStudentPair, method: methods.Method) -> Callable:
    """The loss of one student: CE of the labeled examples + weight · the method's term.

    Args:
        pair: the student's model and what a step sees of a batch.
        method: the term.

    Returns:
        loss_fn(params, Batch, key) with params {"student", "extra"} and the number "weight".
    """

    return _loss(pair.recipe.model.apply, pair.augment_batch, method.term)


@functools.lru_cache(maxsize=8)  # trainings of one loss share their programs
def _loss(apply, augment_batch, of_method):
    def loss_fn(variables, batch, key):
        rows = augment_batch(batch.rows, key)
        params = variables["params"]
        network = {"params": params["student"], "state": variables["state"]}
        found, state = apply(network, rows["inputs"], train=True, key=key)
        student = methods.Outputs(*found)
        teacher = methods.Outputs(**rows["teacher"])
        hard = losses.cross_entropy(student.logits, rows["labels"])
        term = of_method(student, teacher, rows, params["extra"])
        weight = batch.numbers["weight"]
        loss = losses.masked_mean(hard, where=rows["labeled"]) + weight * term
        return train_state.Outcome(loss, state=state)

    return loss_fn


def fit(
    pair: TeacherStudentPair,
    method: methods.Method,
    keys: Key[Array, " S"],
    *,
    own: dict | None = None,
    execution: Execution = DEFAULT,
) -> dict:
    """Train a method's students, one per seed and weight, in one program.

    Args:
        pair: teacher, student and data.
        method: the term beside the labels.
        keys: one per seed; the initial student depends on its key alone, not on the method.
        own: arrays [S, N, …] that replace those of the pair, seed by seed.
        execution: as for loop.fit.

    Returns:
        Variables, leaves [S, W, …]: {"student": of the network, "extra": of the method}.
    """
    arrays = {name: x for name, x in pair.arrays.items() if name not in (own or {})}
    weights = np.tile(np.asarray(method.weights(pair.multiples), np.float32), (len(keys), 1))
    variables, train_keys = _initial(pair, method, keys, weights.shape[1])
    recipe = pair.recipe
    with execution.bar(f"{pair.name}, {method.row}", recipe.epochs) as report:
        state, _ = loop.fit(
            loss(pair, method),
            recipe.optimizer,
            train_state.grid(variables, recipe.optimizer, train_keys),
            arrays,
            recipe.sampler,
            epochs=recipe.epochs,
            own=own,
            numbers={"weight": weights},
            report=report,
            execution=execution,
        )
    student = {"params": state.params["student"], "state": state.model_state}
    return {"student": student, "extra": state.params["extra"]}


def _initial(pair, method, keys, arms):
    """The first variables [S, W, …], alike for all W arms of a seed, and keys [S].

    Their parameters are {"student", "extra"}.
    """
    student_keys, extra_keys, train_keys = split_each(keys, 3)
    student = train_state.initialize(pair.recipe.model.init)(student_keys)

    def extra(key, one, arrays):
        example = jax.tree.map(lambda x: x[:2], arrays)
        seen = pair.augment_batch(example, key)
        ours = methods.Outputs(*pair.recipe.model.apply(one, seen["inputs"])[0])
        return method.extra(key, ours, methods.Outputs(**seen["teacher"]))

    each, params = jax.vmap(extra, in_axes=(0, 0, None)), {"student": student["params"]}
    given = extra_keys, student, pair.arrays
    params["extra"] = {}
    if jax.tree.leaves(jax.eval_shape(each, *given)):  # most methods: none to compile
        run_once = jax.jit(each, compiler_options=compilation.quick_options())
        params["extra"] = run_once(*given)
    variables = {"params": params, "state": student["state"]}
    repeated = jax.tree.map(lambda x: np.repeat(np.asarray(x)[:, None], arms, axis=1), variables)
    return repeated, train_keys


def layers(model: Model, params: Any, inputs: Float[Array | np.ndarray, "N ..."]) -> dict:
    """{name: [N, …]} of a network's features and its logits."""
    logits, features = outputs(model.apply, params, inputs)
    return {**features, "logits": logits}


def logits_of(pair: TeacherStudentPair, students: Any) -> dict:
    """Outputs of students [S, …] on the training rows as `own` arrays of `fit`, to teach others."""
    grid = train_state.one_arm(students)
    apply = pair.recipe.model.apply
    logits = classification.predict(apply, grid, pair.arrays["inputs"])[:, 0]
    return {"teacher": {"logits": logits, "features": {}}}


def semi_supervised(
    key: Key[Array, ""], labeled: Bool[np.ndarray, " N"], batch_size: int
) -> Callable:
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
    others = samplers.shuffled(key, rest, batch_size // 2)

    def sampler(seed, epoch):
        unlabeled = others(seed, epoch)
        draw = jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(key, 1), seed), epoch)
        drawn = jax.random.randint(draw, unlabeled.shape, 0, len(known))
        return jnp.concatenate([known[drawn], unlabeled], axis=1)

    return sampler
