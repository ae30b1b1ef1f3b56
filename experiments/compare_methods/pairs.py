"""The pairs of teacher and student that methods are compared on: data, networks and recipes."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from kd_jax import fingerprint, losses, models
from kd_jax.data import Dataset, Split, augment, mnist, sklearn_digits, subsets
from kd_jax.distill import teachers
from kd_jax.distill.methods import training
from kd_jax.models import projectors
from kd_jax.runtime import compilation
from kd_jax.training import loop, optimizers, samplers
from kd_jax.training import state as train_state

HELD_OUT, LABELLED, FASHION_ROWS, FACTORS = 500, 100, 500, 16  # the first three of each class
TEACHER_KEY, ORDER_KEY, FACTOR_KEY = 1, 2, 3


class Prepared(NamedTuple):
    """A training.Pair, its teacher's Taught, and the network of an assistant, or None."""

    pair: training.Pair
    taught: teachers.Taught
    assistant: models.Model | None = None


class Plan(NamedTuple):
    """A pair before anything is trained.

    rows: of the training split that the student sees; labelled: which of the training rows have
    labels for anyone; teacher, student, assistant: networks; augment: of the teacher's inputs.
    """

    name: str
    data: Dataset
    rows: np.ndarray
    labelled: np.ndarray
    teacher: models.Model
    student: models.Model
    assistant: models.Model
    teacher_epochs: int
    student_epochs: int
    batch: int
    augment: Callable | None = None


def with_validation(data, per_class):
    """The Dataset with `per_class` training rows of every class as its validation split."""
    rest, held = subsets.held_out(data.train.labels, per_class, seed=0)
    splits = [Split(data.train.inputs[rows], data.train.labels[rows]) for rows in (rest, held)]
    return data._replace(train=splits[0], validation=splits[1])


def mlp(shape, *widths, **options):
    """A fully connected network with ten classes."""
    return models.functional(models.MLP(widths, 10, **options), shape)


def convnet(*channels, **options):
    """A convolutional network for 28 × 28 images in ten classes, two poolings."""
    return models.functional(models.ConvNet(channels, (1, 2), 10, **options), (28, 28))


def digits(settings):
    """scikit-learn's digits: 128-64 teaches 10-10, all labelled."""
    data, shape = sklearn_digits.load(), (8, 8)
    everyone = np.arange(len(data.train.labels))
    teacher = mlp(shape, 128, 64, dropout=0.2)
    nets = teacher, mlp(shape, 10, 10), mlp(shape, 40, 40)
    epochs = 4 * settings.teacher_epochs, settings.student_epochs
    plan = Plan("digits", data, everyone, everyone >= 0, *nets, *epochs, 50)
    prepared = prepare(plan, settings)
    # Some thirty programs, each of which trains for less time than it takes to compile.
    quick = prepared.pair._replace(compiler_options=compilation.quick_options())
    return prepared._replace(pair=quick)


def mnist_1000(settings):
    """MNIST with 1,000 labels: 300-300 learns from those and teaches 20-20 on 54,000 more."""
    data = mnist.load("mnist", settings.data_dir, settings.manual_dir)
    data = with_validation(data, HELD_OUT)
    labelled = np.zeros(len(data.train.labels), bool)
    labelled[subsets.held_out(data.train.labels, LABELLED, seed=1)[1]] = True
    shape = (28, 28)
    teacher = mlp(shape, 300, 300, dropout=0.5, input_dropout=0.2)
    nets = teacher, mlp(shape, 20, 20), mlp(shape, 100, 100)
    # an epoch of the students is 54 of the teacher's
    epochs = 20 * settings.teacher_epochs, max(1, settings.student_epochs // 2)
    more = np.arange(len(labelled)), labelled, *nets, *epochs, 64, augment.jitter
    return prepare(Plan("MNIST, 1,000 labels", data, *more), settings)


def fashion(settings):
    """Fashion-MNIST: a convnet of 16 and 32 channels teaches one of 4 and 8 on 5,000 images."""
    data = mnist.load("fashion_mnist", settings.data_dir, settings.manual_dir)
    data = with_validation(data, HELD_OUT)
    labels = data.train.labels
    rows = subsets.held_out(labels, FASHION_ROWS, seed=1)[1]
    nets = convnet(16, 32, dropout=0.25), convnet(4, 8), convnet(8, 16)
    epochs = settings.teacher_epochs, settings.student_epochs
    plan = Plan("Fashion-MNIST", data, rows, np.ones(len(labels), bool), *nets, *epochs, 64)
    prepared = prepare(plan, settings)
    return prepared._replace(pair=with_factors(prepared.pair, epochs=3))


def adam(peak, epochs, order):
    """optimizers.adam over one flat vector: the same numbers, less to compile."""
    return optax.flatten(optimizers.adam(peak, epochs, order))


def prepare(plan, settings):
    """The Prepared of a plan: its teacher is trained, or restored, and asked about every row."""
    key, epochs = jax.random.key(ORDER_KEY), plan.teacher_epochs
    order = samplers.shuffled(key, np.flatnonzero(plan.labelled), min(plan.batch, 100))
    course = teachers.Recipe(
        "teacher", plan.teacher, adam(1e-3, epochs, order), order, epochs, facts(plan.name),
        plan.augment,
    )  # fmt: skip
    keys = jax.random.key(TEACHER_KEY)[None]
    where = {"workdir": settings.workdir, "retrain": settings.retrain}
    taught = teachers.together(course, keys, plan.data, **where)
    params = jax.tree.map(lambda x: x[0], taught.params)
    seen = Split(plan.data.train.inputs[plan.rows], plan.data.train.labels[plan.rows])
    labelled = plan.labelled[plan.rows]
    arrays = training.teacher_arrays(plan.teacher, params, seen, labelled)
    if labelled.all():
        order = samplers.shuffled(key, len(labelled), plan.batch)
    else:
        order = training.semi_supervised(key, labelled, plan.batch)
    epochs = plan.student_epochs
    pair = pair_of(plan.name, plan.data, plan.teacher, taught, plan.student)
    arrays = jax.tree.map(jnp.asarray, arrays)
    optimizer = adam(3e-3, epochs, order)
    pair = pair._replace(arrays=arrays, optimizer=optimizer, order=order, epochs=epochs)
    return Prepared(pair, taught, plan.assistant)


def facts(name):
    """What a teacher depends on besides what its course says."""
    return {"experiment": "compare_methods", "pair": name, "code": TEACHER_CODE}


def pair_of(name, data, teacher, taught, student):
    """A Pair without what is trained on: what the teacher says of validation and test."""
    params = jax.tree.map(lambda x: x[0], taught.params)
    shown = training.layers(teacher, params, data.test.inputs[: training.SHOWN])
    logits = taught.logits["validation"][0], taught.logits["test"][0]
    return training.Pair(name, data, {}, *logits, shown, student, None, None, 0)


def with_factors(pair, epochs):
    """The pair with the teacher's "factor" of its last map, from a Paraphraser trained on it."""
    maps = list(pair.arrays["teacher"]["features"].values())[-1]
    net = projectors.Paraphraser(FACTORS)

    def loss_fn(params, batch, key):
        _, again = net.apply({"params": params}, batch["maps"])
        return jnp.mean((again - batch["maps"]) ** 2), {}

    order = samplers.shuffled(jax.random.key(ORDER_KEY), len(maps), min(128, len(maps)))
    optimizer = optax.adam(1e-3)
    keys = jax.random.key(FACTOR_KEY)[None]
    state = train_state.members(lambda k: net.init(k, maps[:1])["params"], optimizer, keys)
    state, _ = loop.fit(loss_fn, optimizer, state, {"maps": maps}, order, epochs=epochs)
    params = jax.tree.map(lambda x: x[0, 0], state.params)

    def factor(params, maps):
        return net.apply({"params": params}, maps)[0], {}

    factors, _ = training.outputs(factor, params, np.asarray(maps))
    return pair._replace(arrays={**pair.arrays, "factor": jnp.asarray(factors)})


TEACHER_CODE = fingerprint.source(
    augment, loop, losses.logits, models.mlp, models.convnet, digits, mnist_1000,
    fashion, optimizers, adam, prepare, with_validation,
)  # fmt: skip
