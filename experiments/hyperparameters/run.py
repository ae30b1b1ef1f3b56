"""Students of labels and soft targets in all proportions, at all learning rates."""

import functools
from collections.abc import Callable, Iterator

from experiments.hyperparameters.config import Config
from experiments.hyperparameters.rows import TEACHER, mixed
from kd_jax import models
from kd_jax.data import Dataset, augment, mnist_5k
from kd_jax.distill import students, teachers
from kd_jax.export import saved_models
from kd_jax.runtime import parallel
from kd_jax.storage import run_folder
from kd_jax.training import keys, samplers

SPLITS = "validation", "test"


def arms(config: Config) -> list[students.Arm]:
    """w · labels + (1 − w) · soft targets for each weight w, labels only first.

    Soft targets are multiplied by T², so that the weights mean the same at every temperature.
    """
    weights = sorted(config.label_weights, reverse=True)
    return [students.Arm(mixed(w), config.temperature, 1 - w, w) for w in weights]


@functools.cache  # so that trainings of one network share their programs
def network(width: int, dropped: bool) -> models.Model:
    """784-width-width-10 with ReLU: a teacher with dropout, or a student."""
    if dropped:
        net = models.MLP((width, width), 10, dropout=0.5, input_dropout=0.2)
    else:
        net = models.MLP((width, width), 10, kernel_init=models.lecun_normal)
    return models.functional(net, (28, 28))


def teacher_recipe(config: Config, rows: int, teacher: int) -> teachers.NetworkRecipe:
    """Dropout, and images moved by up to 2 pixels."""
    order = keys.key(config.base_seed, "teacher", teacher, "order")
    sampler = samplers.shuffled(order, rows, config.teacher_batch_size)
    rate, epochs = config.teacher_learning_rate, config.teacher_epochs
    net = network(config.teacher_width, dropped=True)
    return teachers.adam_recipe(net, rate, sampler, epochs, augment.jitter)


def student_recipe(config: Config, rows: int, teacher: int, rate: float) -> teachers.NetworkRecipe:
    """Adam with a cosine decay from `rate`; clean images, in the same order for all rates."""
    order = keys.key(config.base_seed, "student", teacher, "order")
    sampler = samplers.shuffled(order, rows, config.student_batch_size)
    net = network(config.student_width, dropped=False)
    return teachers.adam_recipe(net, rate, sampler, config.student_epochs)


def teach(config: Config, data: Dataset, run: run_folder.Run, teacher: int) -> teachers.Teachers:
    """A teacher, trained or restored."""
    recipe = teacher_recipe(config, len(data.train.labels), teacher)
    key = keys.key(config.base_seed, "teacher", teacher)
    return teachers.one(TEACHER, recipe, key, data, run, seed=teacher)


def record_teacher(
    data: Dataset, teacher: Callable[[], teachers.Teachers], task: run_folder.Task
) -> list[dict]:
    """The record of a teacher; the first ones are saved."""
    taught, number = teacher(), task.known["teacher_seed"]
    if number < task.run.saved_seeds:
        saved_models.save_teachers(task.run, taught, data.test, teacher_seed=number)
    return taught.records(data, SPLITS)


def train(
    config: Config, data: Dataset, teacher: Callable[[], teachers.Teachers], task: run_folder.Task
) -> list[dict]:
    """Train and measure a teacher's students of all weights at one rate, in one program.

    Those of the first teachers are saved, as many as there are seeds to save.
    """
    taught, number, wanted = teacher(), task.known["teacher_seed"], arms(config)
    logits = {split: found[0] for split, found in taught.logits.items()}
    recipe = student_recipe(config, len(data.train.labels), number, task.known["rate"])
    params, curves = students.fit(
        recipe, wanted, data.train, {"teacher": logits["train"]},
        keys.keys(config.base_seed, "student", number, count=config.seeds),
        execution=task.execution,
    )  # fmt: skip
    if number < task.run.saved_seeds:
        rows, test = [arm.row for arm in wanted], (data.test, logits["test"])
        saved_models.save(task.run, recipe.model, params, rows, *test, **task.known)
    measured = {
        split: students.evaluate(recipe.model, params, getattr(data, split), logits[split])
        for split in SPLITS
    }
    weights = {arm.row: arm.label_weight for arm in wanted}
    found = students.records(wanted, curves["diverged"], **measured)
    return [{**record, "label_weight": weights[record["row"]]} for record in found]


def units(config: Config, data: Dataset, run: run_folder.Run) -> Iterator[tuple]:
    """Each teacher, and its students of each rate."""
    for number in range(config.teachers):
        teacher = parallel.once(functools.partial(teach, config, data, run, number))
        known = {"teacher_seed": number}
        yield {**known, "row": TEACHER}, functools.partial(record_teacher, data, teacher)
        for rate in config.learning_rates:
            yield {**known, "rate": rate}, functools.partial(train, config, data, teacher)


def run(config: Config, run: run_folder.Run) -> None:
    """Train each teacher, or restore it, and its students; record them."""
    data = mnist_5k.load()
    run.uses(data=data.digest)
    run.each(units(config, data, run), workers=config.workers)
