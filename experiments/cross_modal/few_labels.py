"""Semi-supervised distillation: few examples have labels, and every seed has rows of its own.

Students of all numbers of labels and all seeds train in one program for each method: a member is a
number of labels and a seed, and the weights of the method are its arms.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial
from jaxtyping import Array, Int, Key

from experiments.cross_modal.rows import BY_ARM
from kd_jax import models
from kd_jax.data import Split, partition, subsets
from kd_jax.distill.methods import Method, selection, training
from kd_jax.distill.teachers import adam_recipe
from kd_jax.export import saved_models
from kd_jax.metrics import classification, records
from kd_jax.storage import run_folder
from kd_jax.training import samplers
from kd_jax.training import state as train_state


class Plan(NamedTuple):
    """How students are trained.

    keys [S]: of the seeds, the same for every method and number of labels. draws [S]: seeds of the
    draws of the rows that have labels. order: the key of the batches.
    """

    keys: Key[Array, " S"]
    draws: Sequence[int]
    order: Key[Array, ""]
    epochs: int
    batch_size: int
    learning_rate: float


class SemiSupervisedTask(NamedTuple):
    """A semi-supervised distillation task of one teacher: student, data, splits.

    own: arrays that each seed has for itself, [S, N, …], as in students.fit. rows [S, n]: that
    students are shown. splits: {"validation" and "test": (inputs [M, …], labels [M], rows [S, m])},
    on which they are measured.
    """

    name: str
    student: models.Model
    lesson: training.Lesson
    own: dict
    rows: np.ndarray
    splits: dict
    plan: Plan


def labeled_rows(
    labels: Int[np.ndarray, " N"], rows: Int[np.ndarray, " n"], count: int, seed: int
) -> Int[np.ndarray, " count"]:
    """`count` of the rows, as many of each class, drawn by the seed; fewer are among more.

    Args:
        labels: of all examples.
        rows: to draw from.
        count: a multiple of the number of classes, or n for all rows.
        seed: of the draw.
    """
    if count in (0, len(rows)):
        return rows[:count]
    per_class = count // len(np.unique(labels[rows]))
    return rows[subsets.held_out(labels[rows], per_class, seed)[1]]


def half_labeled(
    key: Key[Array, ""], known: Sequence, shown: np.ndarray, seeds: np.ndarray, batch_size: int
) -> Callable:
    """A sampler of batches of which half are labeled rows.

    One half is of the rows that are shown, each once in an epoch; the other is drawn from those
    with labels, with replacement, or from all where none has any. Members of one seed draw alike.

    Args:
        key: of both draws.
        known: M arrays of labeled row numbers.
        shown: [M, n] row numbers.
        seeds: [M].
        batch_size: of both halves together.

    Returns:
        sampler(member, epoch) -> indices [steps, batch_size].
    """
    drawn_from = [own if len(own) else rows for own, rows in zip(known, shown)]
    rows, counts = map(jax.device_put, partition.padded(drawn_from, max(map(len, drawn_from))))
    places = samplers.scattered(key, shown.shape[1], batch_size // 2)
    draw_key = jax.random.fold_in(key, 1)
    return Partial(_half_labeled, places, draw_key, rows, counts, *jax.device_put((shown, seeds)))


def _half_labeled(places, draw_key, rows, counts, shown, seeds, member, epoch):
    """Batches of an epoch; what they are drawn from is an argument: methods share programs."""
    others = shown[member][places(seeds[member], epoch)]
    draw = jax.random.fold_in(jax.random.fold_in(draw_key, seeds[member]), epoch)
    drawn = partition.sample(draw, rows[member], counts[member], others.size)
    return jnp.concatenate([drawn.reshape(others.shape), others], axis=1)


def pair_of(
    task: SemiSupervisedTask, counts: Sequence[int]
) -> tuple[training.TeacherStudentPair, dict]:
    """The pair of all members, count by count and seed by seed, and their own arrays [C·S, …]."""
    plan, labels, seeds = task.plan, task.lesson.split.labels, range(len(task.rows))
    known = [labeled_rows(labels, task.rows[s], n, plan.draws[s]) for n in counts for s in seeds]
    labeled = np.zeros((len(known), len(labels)), bool)
    for mask, own in zip(labeled, known):
        mask[own] = True
    again = np.tile(seeds, len(counts))
    arrays_of_own = jax.tree.map(lambda x: x[again], task.own) | {"labeled": labeled}
    sampler = half_labeled(plan.order, known, task.rows[again], again, plan.batch_size)
    recipe = adam_recipe(task.student, plan.learning_rate, sampler, plan.epochs)
    # what a pair holds of one test set stays empty: here every seed may have another
    pair = training.TeacherStudentPair(task.name, None, task.lesson, None, None, {}, recipe)
    return pair, arrays_of_own


def measure(apply: Callable, students: Any, split: tuple) -> dict[str, np.ndarray]:
    """{metric: [M, W]} of students [M, W, …], each on the rows of its seed.

    Args:
        apply: of the students' Model.
        students: M is a multiple of the number S of seeds.
        split: (inputs, labels, rows [S, m]) of a SemiSupervisedTask.
    """
    inputs, labels, rows = split
    # few at a time: what a convolution unfolds is large, and there are many members
    logits = classification.predict(apply, students, inputs, batch_size=100)
    each = [
        classification.measure(of_member[:, own], labels[own])
        for of_member, own in zip(logits, np.tile(rows, (len(logits) // len(rows), 1)))
    ]
    return {name: np.stack([np.asarray(found[name]) for found in each]) for name in each[0]}


def train(
    task: SemiSupervisedTask, method: Method, counts: Sequence[int], unit: run_folder.Task
) -> list[dict]:
    """Records of a method's students, for each number of labels at its best weight.

    Every seed has a weight of its own, see `best_arms`; only then the test is read.

    Args:
        task: what students learn.
        method: how.
        counts: numbers of labels.
        unit: of the run, where the chosen students are saved.
    """
    (pair, own), keys = pair_of(task, counts), task.plan.keys
    members = train_state.at(keys, np.tile(np.arange(len(keys)), len(counts)))
    params = training.fit(pair, method, members, own=own, execution=unit.execution)
    params, weights = jax.tree.map(np.asarray, params), method.weights
    apply, found = task.student.apply, []
    for number, count in enumerate(counts):
        mine = slice(number * len(keys), (number + 1) * len(keys))
        students = jax.tree.map(lambda x, mine=mine: x[mine], params)
        validation = measure(apply, students, task.splits["validation"])
        each = np.arange(len(keys)), best_arms(validation)
        chosen = jax.tree.map(lambda x, each=each: x[each][:, None], students)
        save(task, count, chosen, unit)
        test = measure(apply, chosen, task.splits["test"])
        metrics = {f"validation_{name}": x[each] for name, x in validation.items()}
        metrics |= {f"test_{name}": x[:, 0] for name, x in test.items()}
        metrics |= {"weight": np.array(weights)[each[1]], BY_ARM: validation["errors"]}
        more: dict[str, Any] = {"labels": count, "weights": list(weights)}
        found += records.seed_records(method.row, metrics, **more)
    return found


def best_arms(on_validation: dict[str, np.ndarray]) -> Int[np.ndarray, " S"]:
    """The arm of each seed with the fewest errors on that seed's own validation rows alone.

    A mean over seeds would choose by the speakers that other seeds are tested on: the one that a
    seed leaves out for the test is another's for validation.

    Args:
        on_validation: {"errors" and "nll": [S, A], …}.
    """
    names, seeds = ("errors", "nll"), range(len(on_validation["errors"]))
    own = ({name: on_validation[name][seed : seed + 1] for name in names} for seed in seeds)
    return np.array([selection.best_arm(of_seed) for of_seed in own])


def save(task: SemiSupervisedTask, count: int, students: Any, unit: run_folder.Task):
    """Save students [S, 1, …], each with the test rows of its seed."""
    inputs, labels, rows = task.splits["test"]
    known: dict[str, Any] = {**unit.known, "labels": count}
    row = known.pop("row")
    for seed, own in enumerate(rows):
        one = jax.tree.map(lambda x, s=seed: x[s : s + 1], students)
        test = Split(inputs[own], labels[own])
        saved_models.save(unit.run, task.student, one, [row], test, seed=seed, **known)
