"""The pairs of teacher and student that methods are compared on: data, networks and recipes."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
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
from kd_jax.runtime import compilation
from kd_jax.storage import run_folder
from kd_jax.training import loop, optimizers, samplers
from kd_jax.training import state as train_state

HELD_OUT, LABELED, FASHION_ROWS, FACTORS = 500, 100, 500, 16  # the first three of each class
TEACHER_KEY, SAMPLER_KEY, FACTOR_KEY = 1, 2, 3


def adam(epochs, sampler, peak=1e-3):
    """optimizers.adam over one flat vector: the same numbers, less to compile."""
    return optax.flatten(optimizers.adam(peak, epochs, sampler))


class PairSpec(NamedTuple):
    """A pair before anything is trained.

    rows: of the training split that the student sees. labeled: which training rows have labels.
    teacher: its Recipe. epochs, batch_size, optimizer: of the students, the last being (epochs,
    sampler) -> an optax transformation. augment_batch: (teacher's Model, params) -> what a step
    sees of a batch. multiples: as in TeacherStudentPair. factor_epochs: of the Paraphraser.
    """

    name: str
    data: Dataset
    rows: np.ndarray
    labeled: np.ndarray
    teacher: teachers.Recipe
    student: models.Model
    assistant: models.Model | None
    epochs: int
    batch_size: int
    optimizer: Callable = functools.partial(adam, peak=3e-3)
    augment_batch: Callable | None = None
    multiples: tuple[float, ...] = (0.1, 1.0, 10.0)
    factor_epochs: int = 0
    compiler_options: dict | None = None


class Prepared(NamedTuple):
    """A TeacherStudentPair, its Teachers, and the network of an assistant, or None."""

    pair: training.TeacherStudentPair
    taught: teachers.Teachers
    assistant: models.Model | None


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


def teacher_recipe(model, labeled, batch_size, epochs, augment=None, optimizer=adam):
    """The Recipe of a teacher on the labeled training rows."""
    sampler = samplers.shuffled(jax.random.key(SAMPLER_KEY), np.flatnonzero(labeled), batch_size)
    return teachers.Recipe(model, optimizer(epochs, sampler), sampler, epochs, augment)


def digits(config: Config) -> PairSpec:
    """scikit-learn's digits: 128-64 teaches 10-10, all labeled."""
    data, shape = sklearn_digits.load(), (8, 8)
    rows = np.arange(len(data.train.labels))
    labeled = rows >= 0
    teacher = mlp(shape, 128, 64, dropout=0.2)
    recipe = teacher_recipe(teacher, labeled, 50, 4 * config.teacher_epochs)
    nets = mlp(shape, 10, 10), mlp(shape, 40, 40)
    # Some thirty programs, each of which trains for less time than it takes to compile.
    quick = compilation.quick_options()
    return PairSpec(
        "digits", data, rows, labeled, recipe, *nets, config.student_epochs, 50,
        compiler_options=quick,
    )  # fmt: skip


def mnist_1000(config: Config) -> PairSpec:
    """MNIST with 1,000 labels: 300-300 learns from those and teaches 20-20 on 54,000 more."""
    data = mnist.load("mnist", config.data_dir, config.manual_dir)
    data = with_validation(data, HELD_OUT)
    labeled = np.zeros(len(data.train.labels), bool)
    labeled[subsets.held_out(data.train.labels, LABELED, seed=1)[1]] = True
    shape, rows = (28, 28), np.arange(len(labeled))
    teacher = mlp(shape, 300, 300, dropout=0.5, input_dropout=0.2)
    recipe = teacher_recipe(teacher, labeled, 64, 20 * config.teacher_epochs, augment.jitter)
    nets = mlp(shape, 20, 20), mlp(shape, 100, 100)
    # an epoch of the students is 54 of the teacher's
    epochs = max(1, config.student_epochs // 2)
    return PairSpec("MNIST, 1,000 labels", data, rows, labeled, recipe, *nets, epochs, 64)


def fashion(config: Config) -> PairSpec:
    """Fashion-MNIST: a convnet of 16 and 32 channels teaches one of 4 and 8 on 5,000 images."""
    data = mnist.load("fashion_mnist", config.data_dir, config.manual_dir)
    data = with_validation(data, HELD_OUT)
    rows = subsets.held_out(data.train.labels, FASHION_ROWS, seed=1)[1]
    labeled = np.ones(len(data.train.labels), bool)
    teacher = convnet(16, 32, dropout=0.25)
    recipe = teacher_recipe(teacher, labeled, 64, config.teacher_epochs)
    nets = convnet(4, 8), convnet(8, 16)
    return PairSpec(
        "Fashion-MNIST", data, rows, labeled, recipe, *nets, config.student_epochs, 64,
        factor_epochs=3,
    )  # fmt: skip


def prepare(spec: PairSpec, run: run_folder.Run) -> Prepared:
    """Train or restore the teacher of a spec, and compute its outputs on all rows.

    Args:
        spec: of the pair.
        run: of the experiment.
    """
    keys, data = jax.random.key(TEACHER_KEY)[None], spec.data._replace(name=spec.name)
    taught = teachers.together(TEACHER, spec.teacher, keys, data, run)
    params = jax.tree.map(lambda x: jnp.asarray(x[0]), taught.params)
    key, labeled = jax.random.key(SAMPLER_KEY), spec.labeled[spec.rows]
    if labeled.all():
        sampler = samplers.shuffled(key, len(labeled), spec.batch_size)
    else:
        sampler = training.semi_supervised(key, labeled, spec.batch_size)
    recipe = teachers.Recipe(
        spec.student, spec.optimizer(spec.epochs, sampler), sampler, spec.epochs
    )
    layers = training.layers(taught.model, params, data.test.inputs[: training.LAYER_ROWS])
    logits = taught.logits["validation"][0], taught.logits["test"][0]
    pair = training.TeacherStudentPair(
        spec.name, data, _arrays(spec, taught.model, params, labeled), *logits, layers, recipe,
        multiples=spec.multiples, compiler_options=spec.compiler_options,
    )  # fmt: skip
    if spec.augment_batch:
        pair = pair._replace(augment_batch=spec.augment_batch(taught.model, params))
    if spec.factor_epochs:
        pair = with_factors(pair, spec.factor_epochs)
    return Prepared(pair, taught, spec.assistant)


def _arrays(spec, teacher, params, labeled):
    """The arrays of a pair; without the teacher's outputs where these come with each batch."""
    split = Split(spec.data.train.inputs[spec.rows], spec.data.train.labels[spec.rows])
    if spec.augment_batch:
        return {**split._asdict(), "labeled": labeled}
    return jax.tree.map(jnp.asarray, training.teacher_arrays(teacher, params, split, labeled))


def with_factors(pair: training.TeacherStudentPair, epochs: int) -> training.TeacherStudentPair:
    """The pair with the teacher's "factor" of its last map, from a Paraphraser trained on it."""
    maps = list(pair.arrays["teacher"]["features"].values())[-1]
    net = projectors.Paraphraser(FACTORS)

    def loss_fn(params, batch, key):
        _, again = net.apply({"params": params}, batch["maps"])
        return jnp.mean((again - batch["maps"]) ** 2), {}

    sampler = samplers.shuffled(jax.random.key(SAMPLER_KEY), len(maps), min(128, len(maps)))
    optimizer = optax.adam(1e-3)
    keys = jax.random.key(FACTOR_KEY)[None]
    state = train_state.members(lambda k: net.init(k, maps[:1])["params"], optimizer, keys)
    state, _ = loop.fit(loss_fn, optimizer, state, {"maps": maps}, sampler, epochs=epochs)
    params = jax.tree.map(lambda x: x[0, 0], state.params)

    def factor(params, maps):
        return net.apply({"params": params}, maps)[0], {}

    factors, _ = training.outputs(factor, params, np.asarray(maps))
    return pair._replace(arrays={**pair.arrays, "factor": jnp.asarray(factors)})
