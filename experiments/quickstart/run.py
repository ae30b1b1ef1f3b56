"""The quickstart: a large teacher of real digits, and small students of its soft predictions."""

import functools

import numpy as np

from experiments.quickstart.config import Config
from experiments.quickstart.rows import LABELS, MIXED, PERMUTED, SMOOTHED, SOFT, TEACHER
from kd_jax import models
from kd_jax.data import Dataset, augment, mnist_5k
from kd_jax.distill import controls, students, teachers
from kd_jax.export import saved_models
from kd_jax.metrics import cost
from kd_jax.storage import jsonl, run_folder
from kd_jax.training import keys, samplers
from kd_jax.training import state as train_state


def arms(config: Config) -> list[students.Arm]:
    """The rows of the table, the baseline first."""
    return [
        students.Arm(LABELS, label_weight=1.0),
        students.Arm(
            f"{SMOOTHED} {config.smoothing:g}",
            label_weight=1.0,
            smoothing=config.smoothing,
            family=SMOOTHED,
        ),
        *students.arms(SOFT, config.temperatures, weight=1.0),
        *students.arms(MIXED, config.temperatures, weight=1, label_weight=config.label_weight),
        # tables show it at the temperature that validation chooses for the soft targets
        *students.arms(PERMUTED, config.temperatures, weight=1.0, teacher="permuted"),
    ]


def recipe(net, rate, epochs, sampler, augment=None) -> teachers.NetworkRecipe:
    """Adam with a cosine decay from `rate`, on 28 × 28 images."""
    return teachers.adam_recipe(models.functional(net, (28, 28)), rate, sampler, epochs, augment)


def teacher_recipe(config: Config, rows: int, teacher: int) -> teachers.NetworkRecipe:
    """784-width-width-10 with dropout, on images moved by up to 2 pixels."""
    width = config.teacher_width
    net = models.MLP((width, width), 10, dropout=0.5, input_dropout=0.2)
    order = keys.key(config.base_seed, "teacher", teacher, "order")
    sampler = samplers.shuffled(order, rows, config.teacher_batch_size)
    rate, epochs = config.teacher_learning_rate, config.teacher_epochs
    return recipe(net, rate, epochs, sampler, augment.jitter)


def student_recipe(config: Config, rows: int, teacher: int) -> teachers.NetworkRecipe:
    """784-width-width-10 on the clean images."""
    width = config.student_width
    net = models.MLP((width, width), 10, kernel_init=models.lecun_normal)
    order = keys.key(config.base_seed, "student", teacher, "order")
    sampler = samplers.shuffled(order, rows, config.student_batch_size)
    return recipe(net, config.student_learning_rate, config.student_epochs, sampler)


def show(run: run_folder.Run, networks: dict, test, logits: np.ndarray) -> None:
    """Write the costs of the networks, and the images of a figure with the teacher's logits."""
    run.write("costs.json", jsonl.text([cost.summaries(networks, test.inputs)]))
    shown = [int(np.flatnonzero(test.labels == digit)[0]) for digit in (2, 3, 4, 7)]
    run.save("digits.npz", images=test.inputs[shown], teacher_logits=logits[shown])


def train(config: Config, data: Dataset, teacher: int, task) -> list[dict]:
    """Train, measure and save a teacher and its students; their records."""
    rows, base, run = len(data.train.labels), config.base_seed, task.run
    taught = teachers.one(
        TEACHER, teacher_recipe(config, rows, teacher), keys.key(base, "teacher", teacher), data,
        run, seed=teacher,
    )  # fmt: skip
    outputs = {split: logits[0] for split, logits in taught.logits.items()}
    seed = keys.number(base, "draw", "permuted", teacher)
    permuted = controls.permuted(outputs["train"], data.train.labels, seed)
    sources = {"teacher": outputs["train"], "permuted": permuted}
    recipe, wanted = student_recipe(config, rows, teacher), arms(config)
    each = keys.keys(base, "student", teacher, count=config.seeds)
    params, curves = students.fit(
        recipe, wanted, data.train, sources, each, execution=task.execution
    )
    measured = {
        split: students.evaluate(recipe.model, params, getattr(data, split), outputs[split])
        for split in ("validation", "test")
    }
    test, names = data.test, [arm.row for arm in wanted]
    saved_models.save(run, recipe.model, params, names, test, outputs["test"], **task.known)
    saved_models.save_teachers(run, taught, test, **task.known)
    if teacher == 0:
        large, small = train_state.at(taught.variables, 0), train_state.at(params, 0, 0)
        networks = {TEACHER: (taught.model.apply, large), "student": (recipe.model.apply, small)}
        show(run, networks, test, outputs["test"])
    of_teacher = taught.records(data, ("validation", "test"), family=TEACHER)
    return of_teacher + students.records(wanted, curves["diverged"], **measured)


def run(config: Config, run: run_folder.Run) -> None:
    """Train each teacher, or restore it, and all of its students in one program; record them."""
    data = mnist_5k.load()
    run.uses(data=data.digest)
    run.each([
        ({"teacher_seed": teacher}, functools.partial(train, config, data, teacher))
        for teacher in range(config.teachers)
    ])  # fmt: skip
