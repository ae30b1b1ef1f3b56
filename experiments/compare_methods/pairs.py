"""The pairs of teacher and student that methods are compared on: data, networks and recipes."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import optax

from experiments.compare_methods.config import Config
from experiments.compare_methods.rows import TEACHER
from kd_jax import models
from kd_jax.data import Dataset, Split, augment, mnist, sklearn_digits, subsets
from kd_jax.distill import teachers
from kd_jax.distill.methods import training
from kd_jax.models import projectors
from kd_jax.storage import run_folder
from kd_jax.training import keys, loop, optimizers, samplers
from kd_jax.training import state as train_state

FACTORS = 16  # channels of the Paraphraser's


def adam(peak, epochs, sampler):
    """optimizers.adam over one flat vector: the same numbers, less to compile."""
    return _flat(optimizers.adam(peak, epochs, sampler))


@functools.lru_cache(maxsize=64)  # one of each, so that like trainings share a program
def _flat(optimizer):
    return optax.flatten(optimizer)


class PairSpec(NamedTuple):
    """A pair of one teacher before anything is trained.

    seed: which of several teachers. rows: of the training split that the student sees. labeled:
    which training rows have labels. teacher: its NetworkRecipe. epochs: of the students. optimizer:
    (learning rate, epochs, sampler) -> an optax transformation. views: (teacher's Model,
    params) -> what a step sees of a batch. factors: whether there is a Paraphraser. fast_compile:
    whether programs compile longer than they run.
    """

    name: str
    seed: int
    data: Dataset
    rows: np.ndarray
    labeled: np.ndarray
    teacher: teachers.NetworkRecipe
    student: models.Model
    assistant: models.Model | None
    epochs: int
    optimizer: Callable = adam
    views: Callable | None = None
    factors: bool = False
    fast_compile: bool = False


class Prepared(NamedTuple):
    """A TeacherStudentPair and its Teachers, of one."""

    pair: training.TeacherStudentPair
    taught: teachers.Teachers


def drawn(config: Config, what: str, *teacher: int) -> int:
    """The seed of a draw, which each teacher has for itself where it is given."""
    return keys.number(config.base_seed, "draw", what, *teacher)


@functools.cache  # so that the students of several teachers share programs
def mlp(shape, *widths, **options):
    """A fully connected network with ten classes."""
    return models.functional(models.MLP(widths, 10, **options), shape)


@functools.cache
def convnet(*channels, **options):
    """A convolutional network for 28 × 28 images in ten classes, two poolings."""
    return models.functional(models.ConvNet(channels, (1, 2), 10, **options), (28, 28))


@functools.cache
def small_convnet(*channels):
    """A convolutional network that reads those images at 14 × 14, and pools once."""
    net = models.HalfResolution(models.ConvNet(channels, (1,), 10))
    return models.functional(net, (28, 28))


def teacher_recipe(config: Config, model, labeled, epochs, seed, augment=None, optimizer=adam):
    """The NetworkRecipe of a teacher on the labeled training rows."""
    order = keys.key(config.base_seed, "teacher", seed, "order")
    sampler = samplers.shuffled(order, np.flatnonzero(labeled), config.teacher_batch_size)
    optimizer = optimizer(config.teacher_learning_rate, epochs, sampler)
    return teachers.NetworkRecipe(model, optimizer, sampler, epochs, augment)


def load_digits(config: Config) -> Dataset:
    """scikit-learn's digits."""
    return sklearn_digits.load(drawn(config, "held out"))


def load_images(name: str, config: Config) -> Dataset:
    """ "mnist" or "fashion_mnist", some training rows of every class as its validation split."""
    data = mnist.load(name, config.data_dir, config.manual_dir)
    seed = drawn(config, "held out")
    rest, held = subsets.held_out(data.train.labels, config.held_out, seed)
    splits = [Split(data.train.inputs[rows], data.train.labels[rows]) for rows in (rest, held)]
    return data._replace(train=splits[0], validation=splits[1])


def digits(config: Config, data: Dataset, seed: int) -> PairSpec:
    """scikit-learn's digits: 128-64 teaches 10-10, all labeled."""
    shape, rows = (8, 8), np.arange(len(data.train.labels))
    labeled = rows >= 0
    teacher = mlp(shape, 128, 64, dropout=0.2)
    recipe = teacher_recipe(config, teacher, labeled, 4 * config.teacher_epochs, seed)
    nets = mlp(shape, 10, 10), mlp(shape, 40, 40)
    return PairSpec(
        "digits", seed, data, rows, labeled, recipe, *nets, config.student_epochs,
        fast_compile=True,  # some thirty programs
    )  # fmt: skip


def mnist_few_labels(config: Config, data: Dataset, seed: int) -> PairSpec:
    """MNIST with 1,000 labels: 300-300 learns from those and teaches 20-20 on 54,000 more."""
    labeled = np.zeros(len(data.train.labels), bool)
    few = config.labels_per_class
    labeled[subsets.held_out(data.train.labels, few, drawn(config, "labels", seed))[1]] = True
    shape, rows = (28, 28), np.arange(len(labeled))
    teacher = mlp(shape, 300, 300, dropout=0.5, input_dropout=0.2)
    recipe = teacher_recipe(
        config, teacher, labeled, 20 * config.teacher_epochs, seed, augment.jitter
    )
    nets = mlp(shape, 20, 20), mlp(shape, 100, 100)
    # an epoch of the students is 54 of the teacher's
    epochs = max(1, config.student_epochs // 2)
    name = f"MNIST, {data.classes * few:,} labels"
    return PairSpec(name, seed, data, rows, labeled, recipe, *nets, epochs)


def fashion(config: Config, data: Dataset, seed: int) -> PairSpec:
    """Fashion-MNIST: a convnet of 16 and 32 channels teaches one of 4 and 8 on 5,000 images.

    The student reads images of half the resolution, as does the assistant.
    """
    draw, few = drawn(config, "images", seed), config.images_per_class
    rows = subsets.held_out(data.train.labels, few, draw)[1]
    labeled = np.ones(len(data.train.labels), bool)
    teacher = convnet(16, 32, dropout=0.25)
    recipe = teacher_recipe(config, teacher, labeled, config.teacher_epochs, seed)
    nets = small_convnet(4, 8), small_convnet(8, 16)
    return PairSpec(
        "Fashion-MNIST", seed, data, rows, labeled, recipe, *nets, config.student_epochs,
        factors=True,
    )  # fmt: skip


def prepare(config: Config, spec: PairSpec, run: run_folder.Run) -> Prepared:
    """Train or restore the teacher of a spec, and compute its outputs on all rows.

    Args:
        config: settings.
        spec: of the pair.
        run: of the experiment.
    """
    key, data = keys.key(config.base_seed, "teacher", spec.seed), spec.data._replace(name=spec.name)
    taught = teachers.one(TEACHER, spec.teacher, key, data, run, seed=spec.seed)
    params = train_state.at(taught.variables, 0)
    layers = training.layers(taught.model, params, data.test.inputs[: training.LAYER_ROWS])
    logits = taught.logits["validation"][0], taught.logits["test"][0]
    pair = training.TeacherStudentPair(
        spec.name, data, _lesson(config, spec, taught.model, params), *logits, layers,
        student_recipe(config, spec),
    )  # fmt: skip
    if spec.views:
        pair = pair._replace(views=spec.views(taught.model, params))
    if spec.factors:
        pair = with_factors(config, pair, spec.seed)
    return Prepared(pair, taught)


def student_recipe(config: Config, spec: PairSpec) -> teachers.NetworkRecipe:
    """The NetworkRecipe of the students, whose batches are half labeled where not all rows are."""
    order = keys.key(config.base_seed, "student", spec.seed, "order")
    labeled, batch_size = spec.labeled[spec.rows], config.student_batch_size
    sampler: Callable
    if labeled.all():
        sampler = samplers.shuffled(order, len(labeled), batch_size)
    else:
        sampler = training.semi_supervised(order, labeled, batch_size)
    optimizer = spec.optimizer(config.student_learning_rate, spec.epochs, sampler)
    return teachers.NetworkRecipe(spec.student, optimizer, sampler, spec.epochs)


def _lesson(config, spec, teacher, params):
    """What students learn from; where batches are augmented, each brings the teacher's outputs."""
    split = Split(spec.data.train.inputs[spec.rows], spec.data.train.labels[spec.rows])
    labeled = spec.labeled[spec.rows]
    if spec.views:
        return training.Lesson(split, {"teacher": None, "permuted": None}, {"labeled": labeled})
    draw = drawn(config, "permuted", spec.seed)
    return training.lesson(teacher, params, split, labeled, permutation_seed=draw)


def with_factors(
    config: Config, pair: training.TeacherStudentPair, seed: int
) -> training.TeacherStudentPair:
    """The pair with its teacher's "factor" of its last map, from a Paraphraser trained on it."""
    maps = list(pair.lesson.more["features"].values())[-1]
    net = projectors.Paraphraser(FACTORS)

    def loss_fn(variables, batch, key):
        maps = batch.rows["maps"]
        _, again = net.apply({"params": variables["params"]}, maps)
        return train_state.Outcome(jnp.mean((again - maps) ** 2))

    order = keys.key(config.base_seed, "factor", seed, "order")
    sampler = samplers.shuffled(order, len(maps), min(config.factor_batch_size, len(maps)))
    optimizer = optax.adam(config.factor_learning_rate)
    key = keys.key(config.base_seed, "factor", seed)
    state = train_state.members(
        lambda k: train_state.stateless(net.init(k, maps[:1])["params"]), optimizer, key[None]
    )
    epochs = config.factor_epochs
    state, _ = loop.fit(loss_fn, optimizer, state, {"maps": maps}, sampler, epochs=epochs)
    params = train_state.at(state.params, 0, 0)

    def factor(params, maps):
        return (net.apply({"params": params}, maps)[0], {}), {}

    factors, _ = training.outputs(factor, params, np.asarray(maps))
    lesson = pair.lesson._replace(more={**pair.lesson.more, "factor": factors})
    return pair._replace(lesson=lesson)
