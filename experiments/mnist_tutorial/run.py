"""The Harvard APMTH 207 tutorial (2018): distillation on MNIST, every table over seeds."""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.mnist_tutorial import rows as named
from experiments.mnist_tutorial.config import Config
from experiments.mnist_tutorial.rows import CNN, CNN_2D, DENSE
from kd_jax import losses, models
from kd_jax.data import mnist, subsets
from kd_jax.data.dataset import Dataset
from kd_jax.distill import controls, teachers, transfer
from kd_jax.distill.students import Arm
from kd_jax.distill.transfer import StudentRecipe, TransferRun
from kd_jax.export import saved_models
from kd_jax.metrics import classification, records
from kd_jax.storage import run_folder
from kd_jax.training import samplers

TEACHER_KEY, TEACHER_SAMPLER_KEY, STUDENT_KEY, SAMPLER_KEY = 1, 2, 3, 4
T = 3.0
PARTS = {"1": (), "2a": (3,), "2b": (7, 8)}  # {part: the classes whose bias is wrong}


def soft(row: str, temperature=T, teacher="teacher", label_weight=0.0) -> Arm:
    """The tutorial's losses: label_weight·CE + KL at T, without the factor T²."""
    return Arm(row, temperature, 1 / temperature**2, label_weight, teacher=teacher)


def on_labels() -> list[Arm]:
    """The arms without a teacher, the baseline first."""
    smoothed = Arm(named.SMOOTHED, label_weight=1.0, smoothing=0.1)
    return [Arm(named.LABELS, label_weight=1.0), smoothed]


def altered() -> list[Arm]:
    """The arms whose teacher has lost part of its knowledge."""
    permuted = soft(named.PERMUTED, teacher="permuted")
    return [permuted, soft(named.UNIFORM, teacher="uniform")]


def part_1(labels: np.ndarray) -> list[TransferRun]:
    """All digits, learned from each of the teachers."""
    weight, everyone = 0.7 / T**2, np.arange(len(labels))
    of_cnns = soft(named.OF_CNN, teacher="CNN"), soft(named.OF_CNN_2D, teacher="2-D CNN")
    mixed = soft(named.MIXED, label_weight=weight)
    mixed_128 = mixed._replace(row=named.MIXED_128)
    arms = [*on_labels(), *altered(), soft(named.SOFT), mixed_128, *of_cnns]
    return [TransferRun("1", arms, everyone), TransferRun("1 mixed", [mixed], everyone, 100)]


def part_2(part: str, labels: np.ndarray) -> list[TransferRun]:
    """Some of the digits, learned from the dense teacher."""
    choose, initial_bias, label_weight, passes = {
        "2a": (subsets.omit, 3.5, 0.4, 1),
        "2b": (subsets.keep, 1.0, 0.5, 2),
    }[part]
    started, weight, rows = named.INITIAL_BIAS[part], label_weight / 25, choose(labels, PARTS[part])
    arms = [
        *altered(),
        soft(named.SOFT),
        soft(named.MISMATCHED, 5.0, "teacher × 5/3", weight),
        soft(named.MATCHED, 5.0, "teacher", weight),
        soft(started),
    ]
    start = {started: dict.fromkeys(PARTS[part], initial_bias)}
    rest = np.setdiff1d(rows, transfer.held_out_rows(labels))
    return [
        TransferRun(f"{part} labels", on_labels(), rows),
        TransferRun(part, arms, rows, passes=passes, start=start),
        TransferRun(f"{part} held out", [soft(named.HELD_OUT)], rest, passes=passes),
    ]


def transfer_runs(part: str, labels: np.ndarray) -> list[TransferRun]:
    """Every TransferRun of a part."""
    return part_1(labels) if part == "1" else part_2(part, labels)


def adam(learning_rate: float):
    """Adam as Keras has it."""
    return optax.adam(learning_rate, eps=1e-7)


def teacher_recipes(config: Config, rows: int) -> dict[str, teachers.Recipe]:
    """The dense teacher, the CNN as the tutorial's input made it, and a 2-D CNN."""
    width, channels = config.teacher_width, config.cnn_channels
    normal = jax.nn.initializers.normal(0.01)
    dense = models.MLP((width, width), 10, dropout=0.7, kernel_init=normal)
    cnn = models.ColumnsAsChannels(models.ConvNet((channels, channels), (2,), 10, dropout=0.25))
    cnn_2d = models.ConvNet((16, 32), (1, 2), 10, dropout=0.25)

    def recipe(net, learning_rate, batch_size, epochs):
        sampler = samplers.shuffled(jax.random.key(TEACHER_SAMPLER_KEY), rows, batch_size)
        model = models.functional(net, (28, 28))
        return teachers.Recipe(model, adam(learning_rate), sampler, epochs)

    return {
        DENSE: recipe(dense, 1e-4, 100, config.dense_epochs),
        CNN: recipe(cnn, 5e-4, 128, config.cnn_epochs),
        CNN_2D: recipe(cnn_2d, 1e-3, 128, config.cnn_2d_epochs),
    }


def student_recipe(config: Config) -> StudentRecipe:
    """784-20-20-10 with ReLU, Adam at a constant rate."""
    keys = jax.random.split(jax.random.key(STUDENT_KEY), config.seeds)
    sampler_key = jax.random.key(SAMPLER_KEY)
    model = models.functional(models.MLP((20, 20), 10), (28, 28))
    return StudentRecipe(model, lambda _: adam(1e-3), keys, sampler_key, config.student_epochs)


def all_teachers(logits: list, labels: np.ndarray) -> dict[str, np.ndarray]:
    """{name: logits [S, N, C]} of the teachers that arms name; logits: those of the trained ones.

    Students at T=5 on targets made at T=3 are students at T=5 of logits times 5/3.
    """
    dense, *others = logits
    return {
        "teacher": dense,
        "permuted": np.stack([controls.permuted(z, labels, seed) for seed, z in enumerate(dense)]),
        "uniform": np.stack([controls.uniform(z, labels, T) for z in dense]),
        "teacher × 5/3": dense * np.float32(5 / 3),
        **dict(zip(("CNN", "2-D CNN"), others)),
    }


def tutorial_loss(logits, teacher_logits, labels: np.ndarray, arm: Arm) -> np.ndarray:
    """The loss that the tutorial gives for one arm: [S], of logits and its teacher's [S, N, C].

    Students with soft targets alone: cross-entropy of the labels at T; mixed ones: their own
    objective w·CE + CE(teacher at T, student at T); students on labels: cross-entropy.
    """
    hard = losses.cross_entropy(logits, jnp.broadcast_to(labels, logits.shape[:2]))
    if not arm.soft_weight:
        return np.asarray(hard.mean(-1))
    at_t = jax.nn.log_softmax(logits / arm.temperature)
    if not arm.label_weight:
        return -np.asarray(at_t[:, np.arange(len(labels)), labels].mean(-1))
    target = jax.nn.softmax(teacher_logits / arm.temperature)
    return np.asarray((arm.label_weight * hard - (target * at_t).sum(-1)).mean(-1))


def measure(model, params, arms: Sequence[Arm], test, outputs) -> list[dict]:
    """Records of students [S, A, …] on the test set, compared with the dense teacher."""
    logits, found = classification.predict(model.apply, params, test.inputs), []
    for a, arm in enumerate(arms):
        metrics = transfer.test_metrics(logits[:, a], test.labels, outputs["teacher"])
        loss = tutorial_loss(logits[:, a], outputs[arm.teacher], test.labels, arm)
        found += records.seed_records(arm.row, metrics | {"test_loss": loss})
    return found


def train(recipe: StudentRecipe, data, outputs, transfer_run: TransferRun, task) -> list[dict]:
    """Train, save and measure the students of a transfer run."""
    of_train, of_test = outputs
    params = transfer.fit(transfer_run, recipe, data.train, of_train, snapshots=task.snapshots)
    model, arms, known = recipe.model, transfer_run.arms, {"teacher": DENSE, **task.known}
    rows, dense = [arm.row for arm in arms], of_test["teacher"]
    saved_models.save(task.run, model, params, rows, data.test, dense, **known)
    found = measure(model, params, arms, data.test, of_test)
    if rows == [named.HELD_OUT]:
        held_out, classes = transfer.held_out_rows(data.train.labels), PARTS[task.known["part"]]
        found += transfer.corrected(model, params, data, classes, held_out)
    return found


def record_teachers(data: Dataset, taught: teachers.Teachers, task) -> list[dict]:
    """Save teachers and measure them on the test set."""
    saved_models.save_teachers(task.run, taught, data.test)
    metrics = transfer.test_metrics(taught.logits["test"], data.test.labels)
    return records.seed_records(taught.row, metrics | {"test_loss": metrics["test_nll"]})


def fit_teachers(config: Config, data: Dataset, run: run_folder.Run) -> list[teachers.Teachers]:
    """Train and record the dense teacher, and for part 1 the others."""
    recipes = teacher_recipes(config, len(data.train.labels))
    keys = jax.random.split(jax.random.key(TEACHER_KEY), config.seeds)
    return [
        teachers.one_by_one(row, recipes[row], keys, data, run)
        for row in ([DENSE, CNN, CNN_2D] if config.part in ("all", "1") else [DENSE])
    ]


def run(config: Config, run: run_folder.Run) -> None:
    """Train the teachers, or restore them; train the students of every part; record them."""
    data = mnist.images(config.mnist_5k, config.data_dir, config.manual_dir)
    run.uses(data=data.digest)
    taught = fit_teachers(config, data, run)
    recording = functools.partial(record_teachers, data)
    run.each([
        ({"row": one.row, "part": "1", "transfer_run": one.row}, functools.partial(recording, one))
        for one in taught
    ])  # fmt: skip
    outputs = [
        all_teachers([one.logits[name] for one in taught], getattr(data, name).labels)
        for name in ("train", "test")
    ]
    training = functools.partial(train, student_recipe(config), data, outputs)
    run.each([
        ({"part": part, "transfer_run": one.name}, functools.partial(training, one))
        for part in (PARTS if config.part == "all" else [config.part])
        for one in transfer_runs(part, data.train.labels)
    ])  # fmt: skip
    run.save("digit.npz", image=data.test.inputs[0], teacher_logits=outputs[1]["teacher"][0, 0])
