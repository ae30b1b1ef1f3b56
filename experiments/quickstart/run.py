"""The quickstart: a large teacher of real digits, and small students of its soft predictions."""

import functools

import jax
import numpy as np

from experiments.quickstart.config import Config
from experiments.quickstart.rows import LABELS, MIXED, PERMUTED, SMOOTHED, SOFT, TEACHER
from kd_jax import models
from kd_jax.data import Dataset, augment, mnist_5k
from kd_jax.distill import controls, students, teachers
from kd_jax.export import saved_models
from kd_jax.metrics import cost
from kd_jax.storage import jsonl, run_folder
from kd_jax.training import samplers

SAMPLER_KEY, TEACHER_KEY, STUDENT_KEY, PERMUTATION_SEED = 1, 2, 3, 4


def arms(config: Config) -> list[students.Arm]:
    """The rows of the table, the baseline first."""
    middle = sorted(config.temperatures)[(len(config.temperatures) - 1) // 2]
    return [
        students.Arm(LABELS, label_weight=1.0),
        students.Arm(SMOOTHED, label_weight=1.0, smoothing=0.1, family="label smoothing"),
        *students.arms(SOFT, config.temperatures, soft_weight=1.0),
        *students.arms(MIXED, config.temperatures, soft_weight=1, label_weight=config.label_weight),
        *students.arms(PERMUTED, [middle], soft_weight=1.0, teacher="permuted"),
    ]


def recipe(net, rate, epochs, batch_size, rows, augment=None) -> teachers.Recipe:
    """Adam with a cosine decay from `rate`, on so many rows of 28 × 28 images."""
    sampler = samplers.shuffled(jax.random.key(SAMPLER_KEY), rows, batch_size)
    return teachers.adam_recipe(models.functional(net, (28, 28)), rate, sampler, epochs, augment)


def teacher_recipe(config: Config, rows: int) -> teachers.Recipe:
    """784-width-width-10 with dropout, on images moved by up to 2 pixels."""
    width = config.teacher_width
    net = models.MLP((width, width), 10, dropout=0.5, input_dropout=0.2)
    return recipe(net, 2e-3, config.teacher_epochs, 100, rows, augment.jitter)


def student_recipe(config: Config, rows: int) -> teachers.Recipe:
    """784-20-20-10 on the clean images."""
    net = models.MLP((20, 20), 10, kernel_init=models.lecun_normal)
    return recipe(net, 3e-3, config.student_epochs, 50, rows)


def train_students(config: Config, data: Dataset, taught: teachers.Teachers, task) -> list[dict]:
    """Train, measure and save every student; the records of teacher and students."""
    outputs, run = {split: logits[0] for split, logits in taught.logits.items()}, task.run
    permuted = controls.permuted(outputs["train"], data.train.labels, PERMUTATION_SEED)
    sources = {"teacher": outputs["train"], "permuted": permuted}
    recipe, wanted = student_recipe(config, len(data.train.labels)), arms(config)
    keys = jax.random.split(jax.random.key(STUDENT_KEY), config.seeds)
    params, curves = students.fit(
        recipe, wanted, data.train, sources, keys, snapshots=task.snapshots
    )
    measured = {
        split: students.measure(recipe.model, params, getattr(data, split), outputs[split])
        for split in ("validation", "test")
    }
    test, rows = data.test, [arm.row for arm in wanted]
    saved_models.save(run, recipe.model, params, rows, test, outputs["test"])
    saved_models.save_teachers(run, taught, test)
    large = jax.tree.map(lambda x: x[0], taught.params)
    small = jax.tree.map(lambda x: x[0, 0], params)
    networks = {TEACHER: (taught.model.apply, large), "student": (recipe.model.apply, small)}
    run.write("costs.json", jsonl.text([cost.summaries(networks, test.inputs)]))
    shown = [int(np.flatnonzero(test.labels == digit)[0]) for digit in (2, 3, 4, 7)]
    run.save("digits.npz", images=test.inputs[shown], teacher_logits=outputs["test"][shown])
    of_teacher = taught.records(data, ("validation", "test"), family=TEACHER)
    return of_teacher + students.records(wanted, curves["diverged"], **measured)


def run(config: Config, run: run_folder.Run) -> None:
    """Train the teacher, or restore it; train all students in one program; record them."""
    data = mnist_5k.load()
    run.uses(data=data.digest)
    keys = jax.random.key(TEACHER_KEY)[None]
    recipe = teacher_recipe(config, len(data.train.labels))
    taught = teachers.together(TEACHER, recipe, keys, data, run)
    run.each([({}, functools.partial(train_students, config, data, taught))])
