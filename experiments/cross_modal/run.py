"""Cross-modal distillation: a teacher of images for students of audio and a smaller convnet."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from experiments.cross_modal import data as spoken
from experiments.cross_modal import few_labels
from experiments.cross_modal.config import Config
from experiments.cross_modal.few_labels import SemiSupervisedTask
from experiments.cross_modal.rows import (
    AUDIO,
    CLASSES,
    IMAGES,
    PARTS,
    SOFT,
    TEACHER,
    permuted_row,
    softer_row,
)
from kd_jax import models
from kd_jax.data import Dataset, Split, augment, mnist, partition
from kd_jax.distill import controls, methods, teachers
from kd_jax.distill.methods import training
from kd_jax.export import saved_models
from kd_jax.runtime import parallel
from kd_jax.storage import run_folder
from kd_jax.training import keys, samplers
from kd_jax.training import state as train_state


class Images(NamedTuple):
    """A Dataset with the teachers' training images, and the Split of the smaller convnet."""

    teachers: Dataset
    students: Split


@functools.cache
def networks() -> dict[str, tuple[models.Model, models.Model]]:
    """{part: (teacher, student)}."""
    mlp = models.MLP((300, 300), CLASSES, dropout=0.25)
    of_audio = models.MLP((128, 128), CLASSES)
    large = models.ConvNet((16, 32), (1, 2), CLASSES, dropout=0.25)
    small = models.ConvNet((4, 8), (1, 2), CLASSES)
    return {
        AUDIO: (models.functional(mlp, (28, 28)), models.functional(of_audio, (20, 40))),
        IMAGES: (models.functional(large, (28, 28)), models.functional(small, (28, 28))),
    }


def teacher_recipe(config: Config, part: str, rows: int, teacher: int) -> teachers.NetworkRecipe:
    """The NetworkRecipe of a part's teacher, on images moved by up to 2 pixels."""
    model, _ = networks()[part]
    order = keys.key(config.base_seed, "teacher", teacher, "order")
    sampler = samplers.shuffled(order, rows, config.teacher_batch_size)
    rate, epochs = config.teacher_learning_rate, config.teacher_epochs
    return teachers.adam_recipe(model, rate, sampler, epochs, augment.jitter)


def fit_teacher(config: Config, part: str, data: Dataset, teacher: int, run) -> teachers.Teachers:
    """A part's teacher, trained or restored."""
    count, data = len(data.train.labels), data._replace(name=f"{data.name}, {part}")
    recipe = teacher_recipe(config, part, count, teacher)
    return teachers.one(
        TEACHER, recipe, keys.key(config.base_seed, "teacher", teacher), data, run, seed=teacher,
    )  # fmt: skip


def draws(config: Config, what: str, teacher: int) -> list[int]:
    """The seeds of a draw that each student of a teacher has for itself."""
    return [
        keys.number(config.base_seed, "draw", what, teacher, seed) for seed in range(config.seeds)
    ]


def plan_of(config: Config, teacher: int) -> few_labels.Plan:
    """How the students of a teacher are trained, in both parts alike."""
    return few_labels.Plan(
        keys.keys(config.base_seed, "student", teacher, count=config.seeds),
        draws(config, "labels", teacher),
        keys.key(config.base_seed, "student", teacher, "order"),
        config.epochs,
        config.batch_size,
        config.learning_rate,
    )


def outputs(taught: teachers.Teachers, inputs):
    """Logits and features of a teacher."""
    params = train_state.at(taught.variables, 0)
    return training.outputs(taught.model.apply, params, inputs)


def audio_task(
    config: Config,
    audio: spoken.SpokenDigits,
    images: Split,
    taught: teachers.Teachers,
    teacher: int,
) -> SemiSupervisedTask:
    """Recordings, each with the teacher's outputs for an image of the same digit."""
    logits, features = outputs(taught, images.inputs)
    pairs = draws(config, "pairs", teacher)
    drawn = np.stack([spoken.same_class(audio.labels, images.labels, seed) for seed in pairs])
    last, paired = list(features)[-1], logits[drawn]
    shuffles = draws(config, "permuted", teacher)
    permuted = [controls.permuted(z, z.argmax(-1), seed) for seed, z in zip(shuffles, paired)]
    own = {
        "teachers": np.stack([paired, np.stack(permuted)], axis=2),
        "features": {last: features[last][drawn]},
    }
    rows = spoken.leave_speakers_out(audio.speaker, config.seeds)
    splits = {name: (audio.inputs, audio.labels, rows[name]) for name in ("validation", "test")}
    split, student = Split(audio.inputs, audio.labels), networks()[AUDIO][1]
    lesson = training.Lesson(split, {"teacher": None, "permuted": None}, {})
    plan = plan_of(config, teacher)
    return SemiSupervisedTask(AUDIO, student, lesson, own, rows["train"], splits, plan)


def image_task(
    config: Config, images: Images, taught: teachers.Teachers, teacher: int
) -> SemiSupervisedTask:
    """Images, with the logits and feature maps of a larger convnet."""
    logits, features = outputs(taught, images.students.inputs)
    lesson = training.Lesson(images.students, {"teacher": logits}, {"features": features})

    def all_rows(split):
        return np.tile(np.arange(len(split.labels)), (config.seeds, 1))

    found = {"validation": images.teachers.validation, "test": images.teachers.test}
    splits = {name: (*split, all_rows(split)) for name, split in found.items()}
    student, rows = networks()[IMAGES][1], all_rows(images.students)
    plan = plan_of(config, teacher)
    return SemiSupervisedTask(IMAGES, student, lesson, {}, rows, splits, plan)


def methods_of(config: Config, part: str) -> list[tuple[methods.Method, tuple[int, ...]]]:
    """(method, few numbers of labels) of all that is trained in a part, besides with all of them.

    Without any label a student can learn from logits alone: a hint has no classes.
    """
    few, temperature = config.labels, config.temperature
    known = *methods.of_logits(temperature)[:2], methods.of_vectors()[0], methods.of_maps()[0]
    soft = methods.Method(SOFT).times(config.multiples)
    softer, permuted, hint, attention = (method.times(config.multiples) for method in known)
    softer, labels = softer._replace(row=softer_row(temperature)), methods.labels_only()
    if part == IMAGES:
        return [(method, few) for method in (labels, softer, hint, attention)]
    of_logits = soft, softer, permuted._replace(row=permuted_row(temperature))
    return [(labels, few), *((method, (0, *few)) for method in of_logits), (hint, few)]


class Prepared(NamedTuple):
    """A part's teacher, and what its students learn."""

    taught: teachers.Teachers
    task: SemiSupervisedTask


def units_of(
    config: Config, part: str, teacher: int, prepared: Callable[[], Prepared], data: Dataset
):
    """The units of work of a part and a teacher: its record, then one for each method.

    Args:
        config: the settings.
        part: of the table.
        teacher: which of several.
        prepared: called when there is a unit to do.
        data: images, on whose test the teacher is measured.
    """
    known = {"part": part, "teacher_seed": teacher}

    def record(unit):
        taught = prepared().taught
        saved_models.save_teachers(unit.run, taught, data.test, **known)
        return taught.records(data)

    def train(method, few, unit):
        task = prepared().task
        return few_labels.train(task, method, (*few, task.rows.shape[1]), unit)

    yield {**known, "row": TEACHER}, record
    for method, few in methods_of(config, part):
        yield {**known, "row": method.row}, functools.partial(train, method, few)


def load(config: Config) -> tuple[spoken.SpokenDigits, Images]:
    """Recordings and images, the training images in disjoint parts."""
    where = config.data_dir, config.manual_dir
    data = mnist.images(config.mnist_5k, *where)
    names = "teacher_images", "images", "validation"
    sizes = {name: getattr(config, name) for name in names}
    seed = keys.number(config.base_seed, "draw", "images")
    taught, students, held_out = partition.disjoint(data.train, sizes, seed)
    images = Images(data._replace(train=taught, validation=held_out), students)
    return spoken.load(*where), images


def prepare(config: Config, audio, images: Images, part: str, teacher: int, run) -> Prepared:
    """Train or restore a part's teacher, and compute what its students learn."""
    taught = fit_teacher(config, part, images.teachers, teacher, run)
    if part == IMAGES:
        return Prepared(taught, image_task(config, images, taught, teacher))
    # the teacher of audio was not trained on the images that recordings are paired with
    return Prepared(taught, audio_task(config, audio, images.teachers.test, taught, teacher))


def run(config: Config, run: run_folder.Run) -> None:
    """Train the teachers of both parts, then the students of every method."""
    audio, images = load(config)
    run.uses(data=[audio.digest, images.teachers.digest])
    for teacher in range(config.teachers):
        units: list[tuple[dict, Callable]] = []
        for part in PARTS:
            work = functools.partial(prepare, config, audio, images, part, teacher, run)
            units += units_of(config, part, teacher, parallel.once(work), images.teachers)
        run.each(units, workers=config.workers, by=("labels",))
