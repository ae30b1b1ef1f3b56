"""Methods where few examples have labels and every seed has rows of its own.

Students of all numbers of labels and all seeds train in one program for each method: a member is a
number of labels and a seed, and the weights of the method are its arms.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import models
from kd_jax.data import partition, subsets
from kd_jax.distill.methods import training
from kd_jax.metrics import classification, records
from kd_jax.training import optimizers, samplers


class Scene(NamedTuple):
    """Who is taught what by whom.

    arrays: what a batch is gathered from, as in training.Pair, each [N, …]; own: those of them that
    each seed has for itself, [S, N, …]. taught [S, n]: the rows that students are shown. held:
    {"validation" and "test": (inputs [M, …], labels [M], rows [S, m])}, on which they are measured.
    """

    name: str
    student: models.Model
    arrays: dict
    own: dict
    taught: np.ndarray
    held: dict
    epochs: int
    batch: int = 64
    peak: float = 3e-3


def few(labels, rows, count, seed):
    """`count` of the rows, as many of each class, drawn by the seed; fewer are among more.

    Args: labels [N]; rows [n]; count: a multiple of the number of classes, or n for all rows.
    """
    if count in (0, len(rows)):
        return rows[:count]
    per_class = count // len(np.unique(labels[rows]))
    return rows[subsets.held_out(labels[rows], per_class, seed)[1]]


def half_labelled(key, known, taught, seeds, batch_size):
    """order(member, epoch) -> indices [steps, batch_size]: half of each batch has labels.

    One half is of the rows that are taught, each once in an epoch; the other is drawn from those
    with labels, with replacement, or from all where none has any. Members of one seed draw alike.
    Args: known: M arrays of row numbers; taught [M, n]; seeds [M].
    """
    drawn_from = [own if len(own) else rows for own, rows in zip(known, taught)]
    rows, counts = map(jnp.asarray, partition.table(drawn_from, max(map(len, drawn_from))))
    places = samplers.scattered(key, taught.shape[1], batch_size // 2)
    taught, seeds, draw_key = jnp.asarray(taught), jnp.asarray(seeds), jax.random.fold_in(key, 1)

    def order(member, epoch):
        others = taught[member][places(seeds[member], epoch)]
        draw = jax.random.fold_in(jax.random.fold_in(draw_key, seeds[member]), epoch)
        drawn = partition.drawn(draw, rows[member], counts[member], others.size)
        return jnp.concatenate([drawn.reshape(others.shape), others], axis=1)

    return order


def pair_of(scene, counts, key):
    """(training.Pair, own arrays [C·S, …]) of all members, count by count and seed by seed."""
    seeds, rows = len(scene.taught), len(scene.arrays["inputs"])
    labels = scene.arrays["labels"]
    known = [few(labels, scene.taught[s], n, s) for n in counts for s in range(seeds)]
    labelled = np.zeros((len(known), rows), bool)
    for mask, own in zip(labelled, known):
        mask[own] = True
    again = np.tile(np.arange(seeds), len(counts))
    own = jax.tree.map(lambda x: x[again], scene.own) | {"labelled": labelled}
    order = half_labelled(key, known, scene.taught[again], again, scene.batch)
    arrays = {**scene.arrays, **jax.tree.map(lambda x: x[0], own)}
    optimizer = optimizers.adam(scene.peak, scene.epochs, order)
    # what a Pair knows of one test set stays empty: here every seed may have another
    pair = training.Pair(
        scene.name, None, arrays, None, None, {}, scene.student, optimizer, order, scene.epochs
    )
    return pair, own


def measured(apply, students, held):
    """{metric: [M, W]} of students [M, W, …], on rows [S, m] of each seed in turn.

    Args: held: (inputs, labels, rows) of a Scene; M is a multiple of S.
    """
    inputs, labels, rows = held
    # few at a time: what a convolution unfolds is large, and there are many members
    logits = classification.predict(apply, students, inputs, batch_size=100)
    each = [
        classification.measure(of_member[:, own], labels[own])
        for of_member, own in zip(logits, np.tile(rows, (len(logits) // len(rows), 1)))
    ]
    return {name: np.stack([np.asarray(found[name]) for found in each]) for name in each[0]}


def teach(scene, method, counts, keys, order_key, keep, snapshots=None):
    """The records of a method's students, for each number of labels at its best weight.

    The weight is the one with the fewest validation errors in the mean over seeds; only then the
    test is read. Args: keys [S]: of the seeds, the same for every method and number of labels;
      keep: (students [S, 1, …], number of labels) keeps those that are chosen.
    """
    pair, own = pair_of(scene, counts, order_key)
    members = keys[np.tile(np.arange(len(keys)), len(counts))]
    params = training.fit(pair, method, members, own=own, snapshots=snapshots)["student"]
    params, weights = jax.tree.map(np.asarray, params), method.weights(pair.multiples)
    apply, found = scene.student.apply, []
    for number, count in enumerate(counts):
        mine = slice(number * len(keys), (number + 1) * len(keys))
        students = jax.tree.map(lambda x, mine=mine: x[mine], params)
        validation = measured(apply, students, scene.held["validation"])
        best = training.best_weight(validation)
        chosen = jax.tree.map(lambda x, best=best: x[:, best : best + 1], students)
        keep(chosen, count)
        test = measured(apply, chosen, scene.held["test"])
        metrics = {f"validation_{name}": x[:, best] for name, x in validation.items()}
        metrics |= {f"test_{name}": x[:, 0] for name, x in test.items()}
        more = {"part": scene.name, "labels": count, "weight": weights[best]}
        found += records.of_metrics(method.row, metrics, **more, weights=list(weights))
    return found
