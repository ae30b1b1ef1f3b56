"""Methods on equal terms: the same teacher, initial students, batches, epochs and tuning budget.

Each method trains one student per seed and weight; the weight is chosen on the validation split by
the mean over seeds, and only the chosen students see the test.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import losses, models
from kd_jax.data import Dataset
from kd_jax.distill import controls, methods
from kd_jax.metrics import cka, classification
from kd_jax.metrics.records import of_metrics
from kd_jax.runtime import compilation, progress
from kd_jax.training import loop, samplers
from kd_jax.training import state as train_state

PERMUTATION_SEED, SHOWN = 5, 500  # rows of the test on which layers are compared


class Pair(NamedTuple):
    """A teacher, a student and what they are compared on.

    arrays: what a batch is gathered from, {"inputs", "labels", "labelled", "teacher": {"logits",
    "features"}, "permuted_logits", …}, each [N, …]. order: (seed, epoch) -> indices [steps, B].
    shown: the teacher's layers on the first SHOWN test inputs. view: (batch, key) -> batch, what
    a step sees of it: drawn anew, where inputs are augmented and the teacher is asked about them.
    multiples: of every method's centre, the weights that are tuned over. compiler_options: of
    the students' training, see train.fit.
    """

    name: str
    data: Dataset | None
    arrays: dict
    validation_logits: np.ndarray | None
    test_logits: np.ndarray | None
    shown: dict
    student: models.Model
    optimizer: Any
    order: Any
    epochs: int
    view: Callable = lambda batch, key: batch
    multiples: tuple[float, ...] = (0.1, 1.0, 10.0)
    compiler_options: dict | None = None


class Chosen(NamedTuple):
    """The students [S, …] of the weight that was chosen, and their records."""

    params: Any
    weight: float
    records: list


def teacher_arrays(model, params, rows, labelled, batch_size=1000):
    """The arrays of a Pair. Args: params of one teacher; rows: a Split; labelled [N] booleans.

    The label of a row that is not labelled is replaced by the teacher's choice.
    """
    logits, features = outputs(model.apply, params, rows.inputs, batch_size)
    labels = np.where(labelled, rows.labels, logits.argmax(-1)).astype(np.int32)
    return {
        "inputs": rows.inputs,
        "labels": labels,
        "labelled": labelled,
        "teacher": {"logits": logits, "features": features},
        "permuted_logits": controls.permuted(logits, labels, PERMUTATION_SEED),
    }


def outputs(apply, params, inputs, batch_size=1000):
    """What apply(params, inputs) -> (logits [N, C], {name: features [N, …]}) gives, as arrays."""
    program = jax.jit(apply)
    batches = (inputs[i : i + batch_size] for i in range(0, len(inputs), batch_size))
    found = [jax.tree.map(np.asarray, program(params, batch)) for batch in batches]
    return jax.tree.map(lambda *pieces: np.concatenate(pieces), *found)


def loss(pair, method):
    """CE of the labelled examples + weight · the method's term, of one student."""

    def loss_fn(params, batch, key):
        batch = pair.view(batch, key)
        found = pair.student.apply(params["student"], batch["inputs"], train=True, key=key)
        student = methods.Outputs(*found)
        teacher = methods.Outputs(**batch["teacher"])
        hard = losses.cross_entropy(student.logits, batch["labels"])
        term = method.term(student, teacher, batch, params["extra"])
        return losses.masked_mean(hard, where=batch["labelled"]) + batch["weight"] * term, {}

    return loss_fn


def fit(pair, method, keys, *, own=None, snapshots=None):
    """Parameters {"student", "extra"} [S, W, …] of a method's students, one per seed and weight.

    Args: keys [S]; the initial student depends on the key alone, not on the method. own: arrays
      [S, N, …] that replace those of the pair, seed by seed.
    """
    arrays = {name: x for name, x in pair.arrays.items() if name not in (own or {})}
    student_keys, extra_keys, train_keys = jax.vmap(lambda k: jax.random.split(k, 3), out_axes=1)(
        keys
    )
    student = train_state.initialize(pair.student.init)(student_keys)
    example = jax.tree.map(lambda x: x[:2], pair.arrays)

    def extra(key, one):
        seen = pair.view(example, key)
        ours = methods.Outputs(*pair.student.apply(one, seen["inputs"]))
        return method.extra(key, ours, methods.Outputs(**seen["teacher"]))

    extra = jax.vmap(extra)
    if jax.tree.leaves(jax.eval_shape(extra, extra_keys, student)):
        run_once = jax.jit(extra, compiler_options=compilation.quick_options())
        params = {"student": student, "extra": run_once(extra_keys, student)}
    else:  # most methods have none, and need no compilation to say so
        params = {"student": student, "extra": {}}
    weights = np.tile(np.float32(method.weights(pair.multiples)), (len(keys), 1))
    copies = functools.partial(np.repeat, repeats=weights.shape[1], axis=1)
    params = jax.tree.map(lambda x: copies(np.asarray(x)[:, None]), params)
    with progress.bar(f"{pair.name}, {method.row}", pair.epochs) as report:
        state, _ = loop.fit(
            loss(pair, method),
            pair.optimizer,
            train_state.grid(params, pair.optimizer, train_keys),
            arrays,
            pair.order,
            epochs=pair.epochs,
            own=own,
            numbers={"weight": weights},
            report=report,
            snapshots=snapshots,
            compiler_options=pair.compiler_options,
        )
    return state.params


def choose(pair, method, params):
    """The Chosen of students [S, W, …]: the weight with the fewest validation errors.

    The mean over seeds decides, and on a tie the lower validation NLL. Only then the test is read.
    """
    students = jax.tree.map(np.asarray, params["student"])  # slicing needs no compilation
    apply = pair.student.apply
    on_validation = classification.measure(
        classification.predict(apply, students, pair.data.validation.inputs),
        pair.data.validation.labels,
        pair.validation_logits,
    )
    best = best_weight(on_validation)
    students = jax.tree.map(lambda x: x[:, best : best + 1], students)
    found = {f"validation_{n}": np.asarray(x)[:, best] for n, x in on_validation.items()}
    weights = method.weights(pair.multiples)
    more = {"pair": pair.name, "weight": weights[best], "weights": list(weights)}
    more["validation_errors_by_weight"] = np.asarray(on_validation["errors"]).mean(0).tolist()
    found |= examine(pair, students)
    records = of_metrics(method.row, found, **more)
    return Chosen(jax.tree.map(lambda x: x[:, 0], students), weights[best], records)


def best_weight(on_validation):
    """Which of W weights has the fewest validation errors in the mean over seeds; then by NLL.

    Args: on_validation: {"errors" and "nll": [S, W], …}.
    """
    means = [np.asarray(on_validation[name]).mean(0) for name in ("errors", "nll")]
    return int(np.lexsort(means[::-1])[0])


def examine(pair, students):
    """{metric: [S, …]} of students [S, 1, …] on the test, with calibration bins and layers' CKA."""
    test, apply = pair.data.test, pair.student.apply
    logits = classification.predict(apply, students, test.inputs)[:, 0]
    measured = classification.measure(logits, test.labels, pair.test_logits)
    found = {f"test_{name}": np.asarray(x) for name, x in measured.items()}
    bins = classification.calibration(logits, test.labels)
    found |= {f"bin_{name}": np.asarray(x) for name, x in bins.items()}
    found["cka"] = np.array([_alignment(pair, students, seed) for seed in range(len(logits))])
    return found


def _alignment(pair, students, seed):
    one = jax.tree.map(lambda x: x[seed, 0], students)
    shown = pair.data.test.inputs[:SHOWN]
    return cka.between(pair.shown, layers(pair.student, one, shown))


def layers(model, params, inputs):
    """{name: [N, …]} of a network's features and its logits."""
    logits, features = outputs(model.apply, params, inputs)
    return {**features, "logits": logits}


def logits_of(pair, students):
    """What students [S, …] say of the training rows: {"logits": [S, N, C], …}, to teach others."""
    grid = jax.tree.map(lambda x: x[:, None], students)
    logits = classification.predict(pair.student.apply, grid, pair.arrays["inputs"])[:, 0]
    return {"teacher": {"logits": logits, "features": {}}}


def semi_supervised(key, labelled, batch_size):
    """order(seed, epoch): each batch half labelled rows, drawn anew, and half of the others.

    An epoch is one pass over the rows that are not labelled. Args: labelled [N] booleans.
    """
    known, rest = (jnp.asarray(np.flatnonzero(mask)) for mask in (labelled, ~labelled))
    half = batch_size // 2
    others = samplers.shuffled(key, rest, half)

    def order(seed, epoch):
        unlabelled = others(seed, epoch)
        draw = jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(key, 1), seed), epoch)
        drawn = jax.random.randint(draw, unlabelled.shape, 0, len(known))
        return jnp.concatenate([known[drawn], unlabelled], axis=1)

    return order
