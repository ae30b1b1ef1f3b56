"""The Harvard APMTH 207 tutorial (2018): distillation on MNIST, every table over seeds."""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.mnist_tutorial import rows as named
from experiments.mnist_tutorial.config import Config
from experiments.mnist_tutorial.parts import PARTS, T, held_out_rows, transfer_runs
from experiments.mnist_tutorial.rows import CNN, CNN_2D, DENSE
from kd_jax import losses, models
from kd_jax.data import mnist
from kd_jax.data.dataset import Dataset, Split
from kd_jax.distill import controls, teachers, transfer
from kd_jax.distill.students import Arm
from kd_jax.distill.transfer import StudentRecipe, TransferRun
from kd_jax.export import saved_models
from kd_jax.metrics import classification, records
from kd_jax.storage import run_folder
from kd_jax.training import keys, loop, samplers


@functools.cache  # so that all students share compiled programs
def adam(learning_rate: float):
    """Adam as Keras has it."""
    return optax.adam(learning_rate, eps=1e-7)


def teacher_recipes(config: Config, rows: int, teacher: int) -> dict[str, teachers.NetworkRecipe]:
    """The dense teacher, the CNN as the tutorial's input made it, and a 2-D CNN."""
    width, channels = config.teacher_width, config.cnn_channels
    normal = jax.nn.initializers.normal(0.01)
    dense = models.MLP((width, width), 10, dropout=0.7, kernel_init=normal)
    cnn = models.ColumnsAsChannels(models.ConvNet((channels, channels), (2,), 10, dropout=0.25))
    cnn_2d = models.ConvNet((16, 32), (1, 2), 10, dropout=0.25)
    order = keys.key(config.base_seed, "teacher", teacher, "order")

    def recipe(net, learning_rate, batch_size, epochs):
        sampler = samplers.shuffled(order, rows, batch_size)
        model = models.functional(net, (28, 28))
        return teachers.NetworkRecipe(model, adam(learning_rate), sampler, epochs)

    size, of_cnns = config.dense_batch_size, config.cnn_batch_size
    return {
        DENSE: recipe(dense, config.dense_learning_rate, size, config.dense_epochs),
        CNN: recipe(cnn, config.cnn_learning_rate, of_cnns, config.cnn_epochs),
        CNN_2D: recipe(cnn_2d, config.cnn_2d_learning_rate, of_cnns, config.cnn_2d_epochs),
    }


def student_recipe(config: Config, teacher: int) -> StudentRecipe:
    """784-20-20-10 with ReLU, Adam at a constant rate."""
    each = keys.keys(config.base_seed, "student", teacher, count=config.seeds)
    order = keys.key(config.base_seed, "student", teacher, "order")
    model = models.functional(models.MLP((20, 20), 10), (28, 28))
    constant = adam(config.student_learning_rate)
    return StudentRecipe(model, lambda steps: constant, each, order, config.student_epochs)


def all_teachers(trained: dict[str, np.ndarray], labels: np.ndarray, seed: int) -> dict:
    """{name: logits [N, C]} of the teachers that arms name.

    Students at T=5 on targets made at T=3 are students at T=5 of logits times 5/3.

    Args:
        trained: {row: logits [N, C]} of the trained teachers.
        labels: [N].
        seed: of the permutation.
    """
    dense, names = trained[DENSE], {CNN: "CNN", CNN_2D: "2-D CNN"}
    return {
        "teacher": dense,
        "permuted": controls.permuted(dense, labels, seed),
        "uniform": controls.uniform(dense, labels, T),
        "teacher × 5/3": dense * np.float32(5 / 3),
        **{name: trained[row] for row, name in names.items() if row in trained},
    }


def tutorial_loss(logits, teacher_logits, labels: np.ndarray, arm: Arm) -> np.ndarray:
    """The loss that the tutorial gives for one arm: [S], of logits [S, N, C], its teacher's [N, C].

    Students with soft targets alone: cross-entropy of the labels at T; mixed ones: their own
    objective w·CE + CE(teacher at T, student at T); students on labels: cross-entropy.
    """
    hard = losses.cross_entropy(logits, jnp.broadcast_to(labels, logits.shape[:2]))
    if not arm.weight:
        return np.asarray(hard.mean(-1))
    at_t = jax.nn.log_softmax(logits / arm.temperature)
    if not arm.label_weight:
        return -np.asarray(at_t[:, np.arange(len(labels)), labels].mean(-1))
    target = jax.nn.softmax(teacher_logits / arm.temperature)
    return np.asarray((arm.label_weight * hard - (target * at_t).sum(-1)).mean(-1))


@functools.cache  # so that trainings of one network share their program
def errors_of(apply: Callable) -> Callable:
    """(variables, {name: a Split as a dict}) -> {name: errors on it}, of a student."""

    def measured(variables, splits):
        def errors(split):
            (logits, _), _ = apply(variables, split["inputs"])
            return jnp.sum(jnp.argmax(logits, -1) != split["labels"])

        return {name: errors(split) for name, split in splits.items()}

    return measured


def by_epoch(model: models.Model, data: Dataset) -> loop.EpochMetrics:
    """Errors on the test images, and on as many training images, after each epoch."""
    count = len(data.test.labels)
    first = Split(data.train.inputs[:count], data.train.labels[:count])
    arrays = {
        f"{name}{named.BY_EPOCH}": x._asdict()
        for name, x in (("train", first), ("test", data.test))
    }
    return loop.EpochMetrics(errors_of(model.apply), arrays)


def measure(model, params, arms: Sequence[Arm], test, outputs, curves=()) -> list[dict]:
    """Records of students [S, A, …] on the test set, compared with the dense teacher.

    Args:
        model: of the students.
        params: leaves [S, A, …].
        arms: A of them.
        test: the test Split.
        outputs: {teacher: logits [N, C]} of the test images.
        curves: {name: [epochs, S, A]} of the training; errors by epoch are kept.
    """
    logits, found = classification.predict(model.apply, params, test.inputs), []
    for a, arm in enumerate(arms):
        metrics = transfer.test_metrics(logits[:, a], test.labels, outputs["teacher"])
        loss = tutorial_loss(logits[:, a], outputs[arm.teacher], test.labels, arm)
        metrics |= {n: curves[n][:, :, a].T for n in curves if n.endswith(named.BY_EPOCH)}
        found += records.seed_records(arm.row, metrics | {"test_loss": loss})
    return found


def train(
    config: Config,
    data: Dataset,
    outputs: Callable[[], dict[str, dict]],
    transfer_run: TransferRun,
    task: run_folder.Task,
) -> list[dict]:
    """Train, save and measure the students of a transfer run."""
    of_train, of_test = outputs()["train"], outputs()["test"]
    recipe = student_recipe(config, task.known["teacher_seed"])
    model, arms, known = recipe.model, transfer_run.arms, {"teacher": DENSE, **task.known}
    params, curves = transfer.fit_with_curves(
        transfer_run, recipe, data.train, of_train, execution=task.execution,
        epoch_metrics=by_epoch(model, data) if known["part"] == "1" else None,
    )  # fmt: skip
    rows, dense = [arm.row for arm in arms], of_test["teacher"]
    saved_models.save(task.run, model, params, rows, data.test, dense, **known)
    found = measure(model, params, arms, data.test, of_test, curves)
    if rows == [named.HELD_OUT]:
        held_out = held_out_rows(config, data.train.labels)
        found += transfer.corrected(model, params, data, PARTS[task.known["part"]], held_out)
    return found


def teach(config: Config, data: Dataset, run: run_folder.Run, teacher: int, row: str):
    """The teacher of a row, trained or restored."""
    recipe = teacher_recipes(config, len(data.train.labels), teacher)[row]
    key = keys.key(config.base_seed, "teacher", teacher)
    return teachers.one(row, recipe, key, data, run, seed=teacher)


def record_teacher(data: Dataset, taught: Callable, row: str, task: run_folder.Task) -> list[dict]:
    """Save a teacher and measure it on the test set."""
    found, teacher = taught(row), task.known["teacher_seed"]
    logits, test = found.logits["test"], data.test
    saved_models.save_teachers(task.run, found, test, teacher_seed=teacher)
    if (row, teacher) == (DENSE, 0):
        task.run.save("digit.npz", image=test.inputs[0], teacher_logits=logits[0, 0])
    metrics = transfer.test_metrics(logits, test.labels)
    return records.seed_records(row, metrics | {"test_loss": metrics["test_nll"]})


def units(config: Config, data: Dataset, run: run_folder.Run, teacher: int) -> Iterator[tuple]:
    """Each network of a teacher's seed, for part 1 also the CNNs, and each of its transfer runs."""
    rows = [DENSE, CNN, CNN_2D] if config.part in ("all", "1") else [DENSE]
    taught = functools.cache(functools.partial(teach, config, data, run, teacher))
    seed = keys.number(config.base_seed, "draw", "permuted", teacher)

    @functools.cache
    def outputs():
        return {
            split: all_teachers(
                {row: taught(row).logits[split][0] for row in rows},
                getattr(data, split).labels,
                seed,
            )
            for split in ("train", "test")
        }

    known = {"teacher_seed": teacher}
    for row in rows:
        record = functools.partial(record_teacher, data, taught, row)
        yield {**known, "row": row, "part": "1", "transfer_run": row}, record
    for part in PARTS if config.part == "all" else [config.part]:
        for one in transfer_runs(config, part, data.train.labels):
            training = functools.partial(train, config, data, outputs, one)
            yield {**known, "part": part, "transfer_run": one.name}, training


def run(config: Config, run: run_folder.Run) -> None:
    """Train each teacher, or restore it, and its students of every part; record them."""
    data = mnist.images(config.mnist_5k, config.data_dir, config.manual_dir)
    run.uses(data=data.digest)
    every = (units(config, data, run, teacher) for teacher in range(config.teachers))
    run.each(itertools.chain.from_iterable(every))
