"""Which temperature is best, on nine data sets and for students of many widths, over seeds."""

import functools
import itertools
from collections.abc import Callable

import optax

from experiments.temperature_grid import rows as named
from experiments.temperature_grid.config import Config
from kd_jax import models
from kd_jax.data import Dataset, augment, mnist, synthetic
from kd_jax.distill import controls, students, teachers
from kd_jax.distill.students import Arm
from kd_jax.export import saved_models
from kd_jax.metrics import examples
from kd_jax.runtime import parallel
from kd_jax.storage import run_folder
from kd_jax.training import keys, samplers

GRID_WIDTH = 50  # of the students of the grid


def clusters(config: Config) -> dict[str, tuple[float, float]]:
    """{name: (class separation, informative fraction)} of the artificial data sets."""
    pairs = itertools.product(config.class_seps, config.informative)
    return {synthetic.name(*pair): pair for pair in pairs}


def networks(config: Config, dataset: str) -> tuple[int, int]:
    """How many teachers a data set has, and how many students per row each of them."""
    if dataset == named.MNIST:
        return config.mnist_teachers, config.mnist_seeds
    return config.teachers, config.seeds


def units(config: Config) -> list[dict]:
    """What trains in one program: a teacher's students of one width, all temperatures and seeds.

    In the grid every artificial data set, by width those on its diagonal, or MNIST.
    """
    diagonal = [synthetic.name(*pair) for pair in zip(config.class_seps, config.informative)]
    grid = [(named.GRID, name, GRID_WIDTH, config.epochs) for name in clusters(config)]
    width = [
        (named.WIDTH, name, w, config.width_epochs) for name in diagonal for w in config.widths
    ]
    on_mnist = [(named.WIDTH, named.MNIST, w, config.mnist_epochs) for w in config.mnist_widths]
    for longest_first in (width, on_mnist):
        longest_first.sort(key=lambda unit: -unit[2])
    chosen = {named.GRID: grid, named.WIDTH: width, named.MNIST: on_mnist}[config.part]
    return [
        {"teacher_seed": teacher, **dict(zip(("part", "dataset", "width", "epochs"), unit))}
        for unit in chosen
        for teacher in range(networks(config, unit[1])[0])
    ]


def arms(config: Config, unit: dict) -> list[Arm]:
    """The rows of a unit, the baseline first."""
    by_width = unit["part"] == named.WIDTH
    temperatures = config.width_temperatures if by_width else config.temperatures
    soft = students.arms(named.SOFT, sorted(temperatures), weight=1.0)
    found = [Arm(named.LABELS, label_weight=1.0), *soft]
    if by_width:
        return found
    at, smoothing = [named.typical(temperatures, config.typical_temperature)], config.smoothing
    smoothed = f"{named.SMOOTHED} {smoothing:g}"
    return [
        *found,
        Arm(smoothed, label_weight=1.0, smoothing=smoothing, family=named.SMOOTHED),
        *students.arms(named.PERMUTED, at, weight=1.0, teacher="permuted"),
    ]


@functools.lru_cache(maxsize=2)  # of those that train side by side: a draw takes 16 MB
def drawn(config: Config, name: str, draw: int) -> Dataset:
    """A draw of the data set of that name: clusters and examples of its own; MNIST has one."""
    if name == named.MNIST:
        return mnist.load("mnist", config.data_dir, config.manual_dir)
    seed = keys.number(config.base_seed, "draw", "clusters", name, draw)
    return synthetic.load(*clusters(config)[name], config.samples, seed)


def load(config: Config, name: str, teacher: int) -> Dataset:
    """The data of a teacher and its students: a draw of their own, but on MNIST."""
    return drawn(config, name, 0 if name == named.MNIST else teacher)


@functools.cache  # so that all units share compiled programs
def adam(config: Config) -> optax.GradientTransformation:
    """Adam as Keras has it by default."""
    return optax.adam(config.learning_rate, eps=1e-7)


def teacher_sampler(config: Config, count: int, teacher: int) -> Callable:
    """The order of a teacher's `count` rows."""
    order = keys.key(config.base_seed, "teacher", teacher, "order")
    return samplers.shuffled(order, count, config.batch_size)


def network(hidden: tuple[int, ...], shape: tuple[int, ...], dropout=0.0) -> models.Model:
    """Dense layers of these widths."""
    return models.functional(models.MLP(hidden, 10, dropout=dropout), shape)


def cluster_recipe(config: Config, count: int, teacher: int) -> teachers.NetworkRecipe:
    """A teacher of an artificial data set: 100-100-100 with a fifth dropped."""
    net = network((100, 100, 100), (synthetic.FEATURES,), 0.2)
    return teachers.NetworkRecipe(
        net, adam(config), teacher_sampler(config, count, teacher), config.epochs
    )


def mnist_recipe(config: Config, count: int, teacher: int) -> teachers.NetworkRecipe:
    """A teacher on MNIST: 800-800, a quarter of the hidden units dropped, jitter.

    Half of them, and a fifth of the inputs, would need hundreds of epochs.
    """
    net = network((800, 800), (28, 28), 0.25)
    peak, sampler = config.mnist_teacher_learning_rate, teacher_sampler(config, count, teacher)
    return teachers.adam_recipe(net, peak, sampler, config.mnist_epochs, augment.jitter)


def student_recipe(config: Config, unit: dict, split) -> teachers.NetworkRecipe:
    """Two hidden layers of the unit's width; on MNIST with a cosine decay, as their teacher."""
    net = network((unit["width"],) * 2, split.inputs.shape[1:])
    order = keys.key(config.base_seed, "student", unit["teacher_seed"], "order")
    sampler = samplers.shuffled(order, len(split.labels), config.batch_size)
    if unit["dataset"] == named.MNIST:
        return teachers.adam_recipe(net, config.mnist_learning_rate, sampler, unit["epochs"])
    return teachers.NetworkRecipe(net, adam(config), sampler, unit["epochs"])


def teach(config: Config, name: str, run: run_folder.Run, teacher: int) -> teachers.Teachers:
    """A teacher of a data set, trained or restored."""
    data = load(config, name, teacher)
    recipe_of = mnist_recipe if name == named.MNIST else cluster_recipe
    recipe = recipe_of(config, len(data.train.labels), teacher)
    key = keys.key(config.base_seed, "teacher", teacher)
    return teachers.one(named.TEACHER, recipe, key, data, run, seed=teacher)


def train(config: Config, teacher: Callable, task: run_folder.Task) -> list[dict]:
    """Train, measure and save the students of a unit; their records and their teacher's."""
    taught, unit, base = teacher(), task.known, config.base_seed
    name = unit["dataset"]
    data = load(config, name, unit["teacher_seed"])
    logits = {split: found[0] for split, found in taught.logits.items()}
    seed = keys.number(base, "draw", "permuted", unit["teacher_seed"])
    permuted = controls.permuted(logits["train"], data.train.labels, seed)
    sources = {"teacher": logits["train"], "permuted": permuted}
    recipe, wanted = student_recipe(config, unit, data.train), arms(config, unit)
    _, count = networks(config, unit["dataset"])
    each = keys.keys(base, "student", unit["teacher_seed"], count=count)
    params, curves = students.fit(
        recipe, wanted, data.train, sources, each, execution=task.execution
    )
    measured = students.evaluate(recipe.model, params, data.test, logits["test"])
    rows = [arm.row for arm in wanted]
    saved_models.save_teachers(task.run, taught, data.test, **unit)
    saved_models.save(task.run, recipe.model, params, rows, data.test, logits["test"], **unit)
    of_teacher = taught.records(data, family=named.TEACHER)
    found = [*of_teacher, *students.records(wanted, curves["diverged"], test=measured)]
    return found if name == named.MNIST else examples.forgotten(found)


def run(config: Config, run: run_folder.Run) -> None:
    """Train each teacher of every data set, or restore it, and its students; record them."""
    wanted = units(config)
    # another scikit-learn may draw others: the first draw tells, teachers are found by their own
    names = dict.fromkeys(unit["dataset"] for unit in wanted)
    run.uses(data={name: load(config, name, 0).digest for name in names})

    @functools.cache  # whichever of its units comes first trains a teacher
    def teacher(name, seed):
        return parallel.once(functools.partial(teach, config, name, run, seed))

    run.each([
        (unit, functools.partial(train, config, teacher(unit["dataset"], unit["teacher_seed"])))
        for unit in wanted
    ], workers=config.workers)  # fmt: skip
