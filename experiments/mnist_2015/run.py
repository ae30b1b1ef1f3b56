"""MNIST as in the 2015 paper: a regularized teacher, students without regularization."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.mnist_2015 import rows as named
from experiments.mnist_2015.config import Config
from kd_jax import models
from kd_jax.data import augment, mnist
from kd_jax.data.dataset import Dataset
from kd_jax.data.subsets import keep, omit
from kd_jax.distill import controls, students, teachers, transfer
from kd_jax.distill.students import Arm
from kd_jax.distill.transfer import StudentRecipe, TransferRun
from kd_jax.export import saved_models
from kd_jax.metrics import classification, records
from kd_jax.storage import run_folder
from kd_jax.training import optimizers, samplers

TEACHER_KEY, TEACHER_SAMPLER_KEY, STUDENT_KEY, SAMPLER_KEY, PERMUTATION_SEED = 1, 2, 3, 4, 0
OMITTED = {"all": (), "no 3": (3,), "7 and 8": (7, 8)}  # {part: classes whose bias is wrong}
BATCH_SIZE = 128
WIDE_TEMPERATURES, NARROW_TEMPERATURES = (1, 3, 8, 20, 40), (1, 2, 2.5, 3, 4, 8, 20)


def soft(row: str, teacher: str = "teacher") -> Arm:
    """Soft targets at T=20 alone."""
    return Arm(row, named.T, soft_weight=1.0, teacher=teacher)


def transfer_runs(labels: np.ndarray, augment_batch=None) -> list[TransferRun]:
    """The students of the paper's width; augment_batch: of those with augmented images."""
    everyone, held_out = np.arange(len(labels)), transfer.held_out_rows(labels)
    arms = [
        Arm(named.LABELS, label_weight=1.0),
        Arm(named.SMOOTHED, label_weight=1.0, smoothing=0.1),
        soft(named.SOFT),
        soft(named.PERMUTED, "permuted"),
    ]
    augmented, no_3 = [soft(named.AUGMENTED)], np.setdiff1d(omit(labels, [3]), held_out)
    only_7_and_8 = np.setdiff1d(keep(labels, [7, 8]), held_out)
    return [
        TransferRun("all", arms, everyone, BATCH_SIZE),
        TransferRun("all", augmented, everyone, BATCH_SIZE, augment_batch=augment_batch),
        TransferRun("no 3", arms, no_3, BATCH_SIZE),
        TransferRun("7 and 8", arms, only_7_and_8, BATCH_SIZE, passes=2),
    ]


def temperature_sweep(width: int, temperatures, labels: np.ndarray) -> TransferRun:
    """The students of one width over temperatures, and on labels only."""
    rest = np.setdiff1d(np.arange(len(labels)), transfer.held_out_rows(labels))
    soft_targets = students.arms(named.SWEPT, temperatures, soft_weight=1.0)
    arms = [Arm(named.LABELS, label_weight=1.0), *soft_targets]
    return TransferRun(f"{width} units", arms, rest, BATCH_SIZE)


def network(width: int, **dropout) -> models.Model:
    """784-width-width-10 with ReLU."""
    return models.functional(models.MLP((width, width), 10, **dropout), (28, 28))


def teacher_recipe(config: Config, rows: int) -> teachers.Recipe:
    """Dropout, max-norm, and images moved by up to 2 pixels, drawn anew each time."""
    epochs, dropout = config.teacher_epochs, config.dropout
    sampler = samplers.shuffled(jax.random.key(TEACHER_SAMPLER_KEY), rows, BATCH_SIZE)
    adam = optimizers.adam(1e-3, epochs, sampler)
    optimizer = optax.chain(adam, optimizers.max_norm(np.sqrt(15)))
    model = network(config.teacher_width, dropout=dropout, input_dropout=config.input_dropout)
    return teachers.Recipe(model, optimizer, sampler, epochs, augment.jitter)


def student_recipe(config: Config, width: int, epochs: int) -> StudentRecipe:
    """Adam with a cosine decay, no dropout."""
    keys = jax.random.split(jax.random.key(STUDENT_KEY), config.seeds)

    def adam(steps):
        return optax.adam(optax.cosine_decay_schedule(1e-3, steps))

    return StudentRecipe(network(width), adam, keys, jax.random.key(SAMPLER_KEY), epochs)


def jitter_and_query(teacher: models.Model, params):
    """augment_batch: the batch's images moved, and the teacher's logits of the moved images."""

    def augment_batch(batch, key):
        keys = jax.random.split(key, len(batch["inputs"]))
        moved = jax.vmap(augment.jitter)(keys, batch["inputs"])
        logits, _ = teacher.apply(params, moved)
        return {**batch, "inputs": moved, "teachers": logits[:, None]}

    return augment_batch


def measure(model, params, arms: Sequence[Arm], data: Dataset, teacher_logits) -> list[dict]:
    """Records of students [S, A, …] on the test set and the held-out rows."""
    held_out, found = transfer.held_out_rows(data.train.labels), []
    inputs, labels = data.train.inputs[held_out], data.train.labels[held_out]
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


def train(data, outputs, recipe: StudentRecipe, transfer_run: TransferRun, task) -> list[dict]:
    """Train, save and measure the students of a transfer run, all of them or one seed's."""
    seed = task.known.get("seed")
    params = transfer.fit(
        transfer_run, recipe, data.train, outputs["train"], seed=seed, snapshots=task.snapshots
    )
    arms, of_test = transfer_run.arms, outputs["test"]
    rows, model = [arm.row for arm in arms], recipe.model
    where = {name: x for name, x in task.known.items() if name in ("part", "width")}
    saved_models.save(task.run, model, params, rows, data.test, of_test, seed=seed or 0, **where)
    found, classes = measure(model, params, arms, data, of_test), OMITTED.get(transfer_run.name)
    if classes and rows == [named.SOFT]:
        held_out = transfer.held_out_rows(data.train.labels)
        found += transfer.corrected(model, params, data, classes, held_out)
    return found if seed is None else [{**record, "seed": seed} for record in found]


def record_teacher(taught: teachers.Teachers, data: Dataset, task) -> list[dict]:
    """Save the teacher and measure it on the test set."""
    saved_models.save_teachers(task.run, taught, data.test)
    metrics = transfer.test_metrics(taught.logits["test"], data.test.labels)
    return records.seed_records(named.TEACHER, metrics)


def units(config: Config, data: Dataset, taught: teachers.Teachers):
    """Every student of the paper's width by itself, and the sweep of each width as a whole."""
    labels, logits = data.train.labels, taught.logits["train"][0]
    permuted = controls.permuted(logits, labels, PERMUTATION_SEED)
    train_logits = {"teacher": logits, "permuted": permuted}
    outputs = {"train": train_logits, "test": taught.logits["test"][0]}
    training = functools.partial(train, data, outputs)
    params = jax.tree.map(lambda x: jnp.asarray(x[0]), taught.params)
    recipe = student_recipe(config, config.width, config.student_epochs)
    for one in transfer_runs(labels, jitter_and_query(taught.model, params)):
        for arm in one.arms:
            alone = functools.partial(training, recipe, one._replace(arms=[arm]))
            for seed in range(config.seeds):
                yield {"part": one.name, "row": arm.row, "seed": seed}, alone
    for width, of in ((config.wide, WIDE_TEMPERATURES), (config.narrow, NARROW_TEMPERATURES)):
        recipe = student_recipe(config, width, config.sweep_epochs)
        sweep = functools.partial(training, recipe, temperature_sweep(width, of, labels))
        yield {"part": "width", "width": width}, sweep


def run(config: Config, run: run_folder.Run) -> None:
    """Train the teacher, or restore it; train the students of every part; record them."""
    data = mnist.images(config.mnist_5k, config.data_dir, config.manual_dir)
    run.uses(data=data.digest)
    taught = teachers.together(
        named.TEACHER, teacher_recipe(config, len(data.train.labels)),
        jax.random.key(TEACHER_KEY)[None], data, run,
    )  # fmt: skip
    teacher = functools.partial(record_teacher, taught, data)
    run.each([({"part": "all", "row": named.TEACHER}, teacher)])
    run.each(units(config, data, taught), workers=config.workers)
