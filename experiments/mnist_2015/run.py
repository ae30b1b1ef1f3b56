"""MNIST as in the 2015 paper: a regularized teacher, students without regularization."""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from experiments.mnist_2015 import rows as named
from experiments.mnist_2015.config import Config
from kd_jax import models
from kd_jax.data import augment, mnist
from kd_jax.data.dataset import Dataset
from kd_jax.data.subsets import keep, omit
from kd_jax.distill import controls, students, teachers, transfer
from kd_jax.distill.driver import augmented
from kd_jax.distill.students import Arm
from kd_jax.distill.transfer import StudentRecipe, TransferRun
from kd_jax.export import saved_models
from kd_jax.export.network import Network
from kd_jax.metrics import classification, records
from kd_jax.runtime import parallel
from kd_jax.storage import run_folder
from kd_jax.training import keys, optimizers, samplers
from kd_jax.training import state as train_state

OMITTED = {"all": (), "no 3": (3,), "7 and 8": (7, 8)}  # {part: classes whose bias is wrong}


class Taught(NamedTuple):
    """A teacher, and logits: {name: [N, C]} on the training images, its own [N, C] on the test.

    moved, asked: what a step sees of images that are moved, without its logits of them and with.
    """

    teacher: teachers.Teachers
    train: dict[str, np.ndarray]
    test: np.ndarray
    moved: Callable
    asked: Callable


def rows_of(config: Config) -> named.Rows:
    """The names of rows that hold a number of the settings."""
    return named.of(config.temperature, config.smoothing)


def held_out_rows(config: Config, labels: np.ndarray) -> np.ndarray:
    """The rows that a bias or a temperature is chosen on."""
    seed = keys.number(config.base_seed, "draw", "held out")
    return transfer.held_out_rows(labels, config.held_out, seed)


def transfer_runs(config: Config, labels: np.ndarray) -> list[TransferRun]:
    """The students of the paper's width."""
    everyone, held_out = np.arange(len(labels)), held_out_rows(config, labels)
    rows, batch_size = rows_of(config), config.student_batch_size
    soft = Arm(rows.soft, config.temperature, weight=1.0)
    arms = [
        Arm(named.LABELS, label_weight=1.0),
        Arm(rows.smoothed, label_weight=1.0, smoothing=config.smoothing),
        soft,
        soft._replace(row=rows.permuted, teacher="permuted"),
    ]
    of_augmented = [
        Arm(rows.labels_augmented, label_weight=1.0),
        soft._replace(row=rows.augmented),
    ]
    no_3 = np.setdiff1d(omit(labels, [3]), held_out)
    only_7_and_8 = np.setdiff1d(keep(labels, [7, 8]), held_out)
    return [
        TransferRun("all", [*arms, *of_augmented], everyone, batch_size),
        TransferRun("no 3", arms, no_3, batch_size),
        TransferRun("7 and 8", arms, only_7_and_8, batch_size, passes=2),
    ]


def longer(config: Config, labels: np.ndarray, epochs: int) -> TransferRun:
    """Students of augmented images, of labels and of soft targets, for so many epochs."""
    rows = rows_of(config)
    arms = [
        Arm(named.long(rows.labels_augmented, epochs), label_weight=1.0),
        Arm(named.long(rows.augmented, epochs), config.temperature, weight=1.0),
    ]
    return TransferRun("all", arms, np.arange(len(labels)), config.student_batch_size)


def sweep(config: Config, width: int, temperatures, labels: np.ndarray) -> TransferRun:
    """The students of one width over temperatures, and on labels only."""
    rest = np.setdiff1d(np.arange(len(labels)), held_out_rows(config, labels))
    soft_targets = students.arms(named.SWEPT, temperatures, weight=1.0)
    arms = [Arm(named.LABELS, label_weight=1.0), *soft_targets]
    return TransferRun(f"{width} units", arms, rest, config.student_batch_size)


def network(width: int, **dropout) -> models.Model:
    """784-width-width-10 with ReLU."""
    return models.functional(models.MLP((width, width), 10, **dropout), (28, 28))


def teacher_recipe(config: Config, rows: int, teacher: int) -> teachers.NetworkRecipe:
    """Dropout, max-norm, and images moved by up to 2 pixels, drawn anew each time."""
    epochs, dropout = config.teacher_epochs, config.dropout
    order = keys.key(config.base_seed, "teacher", teacher, "order")
    sampler = samplers.shuffled(order, rows, config.teacher_batch_size)
    decayed = optimizers.adam(config.teacher_learning_rate, epochs, sampler)
    optimizer = optax.chain(decayed, optimizers.max_norm(np.sqrt(config.squared_norm)))
    model = network(config.teacher_width, dropout=dropout, input_dropout=config.input_dropout)
    return teachers.NetworkRecipe(model, optimizer, sampler, epochs, augment.jitter)


@functools.cache
def adam(rate: float, steps: int) -> optax.GradientTransformation:
    """Adam with a cosine decay to zero."""
    return optax.adam(optax.cosine_decay_schedule(rate, steps))


def student_recipe(
    config: Config, width: int, epochs: int, teacher: int, rate: float
) -> StudentRecipe:
    """Adam with a cosine decay from `rate`, no dropout."""
    each = keys.keys(config.base_seed, "student", teacher, count=config.seeds)
    order = keys.key(config.base_seed, "student", teacher, "order")
    optimizer = functools.partial(adam, rate)
    return StudentRecipe(network(width), optimizer, each, order, epochs)


def teach(config: Config, data: Dataset, run: run_folder.Run, teacher: int) -> Taught:
    """A teacher, trained or restored."""
    labels, base = data.train.labels, config.base_seed
    taught = teachers.one(
        named.TEACHER, teacher_recipe(config, len(labels), teacher),
        keys.key(base, "teacher", teacher), data, run, seed=teacher,
    )  # fmt: skip
    logits = taught.logits["train"][0]
    permuted = controls.permuted(logits, labels, keys.number(base, "draw", "permuted", teacher))
    train_logits = {"teacher": logits, "permuted": permuted}
    views = (jittered(data.train.inputs, asked) for asked in (None, taught))
    return Taught(taught, train_logits, taught.logits["test"][0], *views)


def jittered(inputs: np.ndarray, teacher: teachers.Teachers | None = None) -> Callable:
    """What a step sees: its images moved and, where a teacher is given, its logits of those."""
    asked = {}
    if teacher:
        asked["teacher"] = Network(teacher.model, train_state.at(teacher.variables, 0))
    return augmented.views(augment.jitter, asked, inputs)


def measure(
    model, params, arms: Sequence[Arm], data: Dataset, held_out, teacher_logits
) -> list[dict]:
    """Records of students [S, A, …] on the test set and the held-out rows."""
    inputs, labels, found = data.train.inputs[held_out], data.train.labels[held_out], []
    for a, arm in enumerate(arms):
        of_arm = jax.tree.map(lambda x, a=a: x[:, a : a + 1], params)
        logits = classification.predict(model.apply, of_arm, data.test.inputs)[:, 0]
        metrics = transfer.test_metrics(logits, data.test.labels, teacher_logits)
        logits = classification.predict(model.apply, of_arm, inputs)[:, 0]
        errors = classification.measure(logits, labels)["errors"]
        metrics["validation_errors"] = np.asarray(errors)
        more: dict[str, Any] = {"family": arm.family or arm.row, "temperature": arm.temperature}
        found += records.seed_records(arm.row, metrics, **more)
    return found


def train(
    config: Config,
    data: Dataset,
    teacher: Callable[[], Taught],
    recipe: StudentRecipe,
    transfer_run: TransferRun,
    task: run_folder.Task,
) -> list[dict]:
    """Train, save and measure the students of a transfer run, all of them or one seed's."""
    taught, seed, names = teacher(), task.known.get("seed"), rows_of(config)
    arms, model, rows = transfer_run.arms, recipe.model, [arm.row for arm in transfer_run.arms]
    if named.AUGMENTED in rows[0]:  # it trains for as long as the others, or longer
        views = taught.asked if arms[0].weight else taught.moved  # labels need no answer
        transfer_run = transfer_run._replace(views=views)
    params = transfer.fit(
        transfer_run, recipe, data.train, taught.train, seed=seed, execution=task.execution
    )
    where = {name: x for name, x in task.known.items() if name not in ("row", "seed")}
    first = seed or 0
    saved_models.save(task.run, model, params, rows, data.test, taught.test, seed=first, **where)
    held_out = held_out_rows(config, data.train.labels)
    found = measure(model, params, arms, data, held_out, taught.test)
    classes = OMITTED.get(transfer_run.name)
    if classes and rows == [names.soft]:
        found += transfer.corrected(model, params, data, classes, held_out)
    return found if seed is None else [{**record, "seed": seed} for record in found]


def record_teacher(teacher: Callable[[], Taught], data: Dataset, task) -> list[dict]:
    """Save the teacher and measure it on the test set."""
    taught = teacher().teacher
    saved_models.save_teachers(task.run, taught, data.test, teacher_seed=task.known["teacher_seed"])
    metrics = transfer.test_metrics(taught.logits["test"], data.test.labels)
    return records.seed_records(named.TEACHER, metrics)


def units(config: Config, data: Dataset, run: run_folder.Run, teacher: int) -> Iterator[tuple]:
    """A teacher, every student of the paper's width by itself, the sweep of each width."""
    labels, known = data.train.labels, {"teacher_seed": teacher}
    taught = parallel.once(functools.partial(teach, config, data, run, teacher))
    record = functools.partial(record_teacher, taught, data)
    yield {**known, "part": "all", "row": named.TEACHER}, record
    training = functools.partial(train, config, data, taught)
    rate, parts = config.student_learning_rate, [named.PARTS[part] for part in config.parts]
    whole = [(one, config.student_epochs) for one in transfer_runs(config, labels)]
    whole += [(longer(config, labels, epochs), epochs) for epochs in config.lengths]
    for one, epochs in [(one, epochs) for one, epochs in whole if one.name in parts]:
        recipe = student_recipe(config, config.width, epochs, teacher, rate)
        for arm in one.arms:
            alone = functools.partial(training, recipe, one._replace(arms=[arm]))
            for seed in range(config.seeds):
                yield {**known, "part": one.name, "row": arm.row, "seed": seed}, alone
    for width, temperatures, epochs, rates in swept(config):
        for rate in rates:
            recipe = student_recipe(config, width, epochs, teacher, rate)
            grid = functools.partial(training, recipe, sweep(config, width, temperatures, labels))
            yield {**known, "part": "width", "width": width, "rate": rate}, grid


def swept(config: Config) -> list[tuple]:
    """(width, temperatures, epochs, learning rates) of the sweeps that are wanted.

    Soft targets of a high temperature may take a higher rate than labels, and narrow students need
    long to fit them: each of their temperatures has the rate that is best for it on validation.
    """
    rate, rates = config.student_learning_rate, config.narrow_learning_rates
    found = {
        named.WIDE: (config.wide, config.wide_temperatures, config.wide_epochs, (rate,)),
        named.NARROW: (config.narrow, config.narrow_temperatures, config.narrow_epochs, rates),
    }
    return [sizes for part, sizes in found.items() if part in config.parts]


def run(config: Config, run: run_folder.Run) -> None:
    """Train each teacher, or restore it, and its students of every part; record them."""
    data = mnist.images(config.mnist_5k, config.data_dir, config.manual_dir)
    run.uses(data=data.digest)
    every = (units(config, data, run, teacher) for teacher in range(config.teachers))
    run.each(itertools.chain.from_iterable(every), workers=config.workers)
