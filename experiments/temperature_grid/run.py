"""Which temperature is best, on nine data sets and for students of many widths, over seeds."""

import itertools

import jax
import numpy as np
import optax

from experiments.temperature_grid import rows as named
from experiments.temperature_grid.config import Config
from kd_jax import models
from kd_jax.data import Dataset, augment, mnist, synthetic
from kd_jax.distill import controls, students, teachers
from kd_jax.distill.students import Arm
from kd_jax.export import saved_models
from kd_jax.runtime import parallel
from kd_jax.storage import run_folder
from kd_jax.training import optimizers, samplers

SAMPLER_KEY, TEACHER_KEY, STUDENT_KEY, PERMUTATION_SEED = 1, 2, 3, 4
BATCH, GRID_WIDTH = 100, 50


def clusters(config: Config) -> dict[str, tuple[float, float]]:
    """{name: (class separation, informative fraction)} of the artificial data sets."""
    pairs = itertools.product(config.class_seps, config.informative)
    return {synthetic.name(*pair): pair for pair in pairs}


def units(config: Config) -> list[dict]:
    """What trains in one program: a data set's students of one width, all temperatures and seeds.

    In the grid every artificial data set, by width those on its diagonal and MNIST.
    """
    diagonal = [synthetic.name(*pair) for pair in zip(config.class_seps, config.informative)]
    grid = [(named.GRID, name, GRID_WIDTH, config.epochs) for name in clusters(config)]
    width = [
        (named.WIDTH, name, w, config.width_epochs) for name in diagonal for w in config.widths
    ]
    if config.mnist:
        epochs = config.mnist_epochs
        width += [(named.WIDTH, named.MNIST, w, epochs) for w in config.mnist_widths]
    width.sort(key=lambda unit: -unit[2])  # the longest first
    chosen = {named.GRID: grid, named.WIDTH: width, named.ALL: grid + width}[config.part]
    return [dict(zip(("part", "dataset", "width", "epochs"), unit)) for unit in chosen]


def arms(config: Config, unit: dict) -> list[Arm]:
    """The rows of a unit, the baseline first."""
    on_mnist = unit["dataset"] == named.MNIST
    temperatures = config.mnist_temperatures if on_mnist else config.temperatures
    soft = students.arms(named.SOFT, sorted(temperatures), soft_weight=1.0)
    found = [Arm(named.LABELS, label_weight=1.0), *soft]
    if unit["part"] == named.WIDTH:
        return found
    at = [named.middle(temperatures)]
    return [
        *found,
        Arm(named.SMOOTHED, label_weight=1.0, smoothing=0.1, family="label smoothing"),
        *students.arms(named.PERMUTED, at, soft_weight=1.0, teacher="permuted"),
    ]


def load(config: Config, name: str) -> Dataset:
    """The data set of that name."""
    if name == named.MNIST:
        return mnist.load("mnist", config.data_dir, config.manual_dir)
    return synthetic.load(*clusters(config)[name], config.samples)


def sampler(count: int):
    """The order of `count` rows, the same for the teacher and the students of a seed."""
    return samplers.shuffled(jax.random.key(SAMPLER_KEY), count, BATCH)


def adam() -> optax.GradientTransformation:
    """Adam as Keras has it by default."""
    return optax.adam(1e-3, eps=1e-7)


def cluster_recipe(config: Config, count: int) -> teachers.Recipe:
    """The teachers of an artificial data set: 100-100-100 with a fifth dropped."""
    net = models.functional(models.MLP((100, 100, 100), 10, dropout=0.2), (synthetic.FEATURES,))
    return teachers.Recipe(net, adam(), sampler(count), config.epochs)


def mnist_recipe(config: Config, count: int) -> teachers.Recipe:
    """The teacher on MNIST: 800-800, a fifth of the inputs dropped and half of the rest, jitter."""
    net = models.functional(models.MLP((800, 800), 10, dropout=0.5, input_dropout=0.2), (28, 28))
    optimizer = optimizers.adam(2e-3, config.mnist_epochs, sampler(count))
    return teachers.Recipe(net, optimizer, sampler(count), config.mnist_epochs, augment.jitter)


def student_recipe(unit: dict, split) -> teachers.Recipe:
    """Two hidden layers of the unit's width."""
    net = models.functional(models.MLP((unit["width"],) * 2, 10), split.inputs.shape[1:])
    return teachers.Recipe(net, adam(), sampler(len(split.labels)), unit["epochs"])


def train_teachers(config: Config, data: Dataset, run: run_folder.Run):
    """The Teachers of a data set and {name: logits [S, N, C]} of them for all seeds.

    There is one teacher per seed; on MNIST one stands for all.
    """
    recipe_of, count = (mnist_recipe, 1) if data.name == "mnist" else (cluster_recipe, config.seeds)
    keys = jax.random.split(jax.random.key(TEACHER_KEY), count)
    recipe = recipe_of(config, len(data.train.labels))
    taught = teachers.together(named.TEACHER, recipe, keys, data, run)
    train, test = (
        np.repeat(taught.logits[split], config.seeds // count, axis=0)
        for split in ("train", "test")
    )
    permuted = [
        controls.permuted(each, data.train.labels, PERMUTATION_SEED + seed)
        for seed, each in enumerate(train)
    ]
    return taught, {"teacher": train, "permuted": np.stack(permuted), "test": test}


def train_students(config: Config, data: Dataset, prepared, task) -> list[dict]:
    """Train, measure and save the students of a unit; their records and their teachers'."""
    (taught, logits), unit = prepared, task.known
    recipe, wanted = student_recipe(unit, data.train), arms(config, unit)
    keys = jax.random.split(jax.random.key(STUDENT_KEY), config.seeds)
    sources = {name: logits[name] for name in ("teacher", "permuted")}
    params, curves = students.fit(
        recipe, wanted, data.train, sources, keys, snapshots=task.snapshots
    )
    measured = students.measure(recipe.model, params, data.test, logits["test"])
    rows = [arm.row for arm in wanted]
    saved_models.save_teachers(task.run, taught, data.test, **unit)
    saved_models.save(task.run, recipe.model, params, rows, data.test, logits["test"], **unit)
    of_teachers = taught.records(data, family=named.TEACHER)
    return [*of_teachers, *students.records(wanted, curves["diverged"], test=measured)]


def run(config: Config, run: run_folder.Run) -> None:
    """Train the teachers of every data set, then all students; record them."""
    wanted = units(config)
    data = {name: load(config, name) for name in dict.fromkeys(unit["dataset"] for unit in wanted)}
    run.uses(data={name: found.digest for name, found in data.items()})
    left = dict.fromkeys(unit["dataset"] for unit in wanted if not run.has(**unit))

    def teach(name):
        return name, train_teachers(config, data[name], run)

    prepared = dict(parallel.results(teach, left, config.workers))  # only where students are left

    def work(task):
        name = task.known["dataset"]
        return train_students(config, data[name], prepared[name], task)

    run.each([(unit, work) for unit in wanted], workers=config.workers)
