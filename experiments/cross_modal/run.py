"""Cross-modal distillation: a teacher of images for students of audio and a smaller convnet."""

import functools
from typing import NamedTuple

import jax
import numpy as np

from experiments.cross_modal import data as spoken
from experiments.cross_modal import few_labels
from experiments.cross_modal.config import Config
from experiments.cross_modal.few_labels import SemiSupervisedTask
from experiments.cross_modal.rows import AUDIO, CLASSES, IMAGES, PERMUTED, SOFT, SOFTER, TEACHER
from kd_jax import losses, models
from kd_jax.data import Dataset, Split, augment, mnist, partition
from kd_jax.distill import controls, methods, teachers
from kd_jax.distill.methods import training
from kd_jax.export import saved_models
from kd_jax.storage import run_folder
from kd_jax.training import samplers

BATCH = 100
TEACHER_KEY, TEACHER_SAMPLER_KEY, STUDENT_KEY, STUDENT_SAMPLER_KEY = 1, 2, 3, 4


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


def teacher_recipe(config: Config, part: str, rows: int) -> teachers.Recipe:
    """The Recipe of a part's teacher, on images moved by up to 2 pixels."""
    model, _ = networks()[part]
    sampler = samplers.shuffled(jax.random.key(TEACHER_SAMPLER_KEY), rows, BATCH)
    return teachers.adam_recipe(model, 1e-3, sampler, config.teacher_epochs, augment.jitter)


def fit_teacher(config: Config, part: str, data: Dataset, run) -> teachers.Teachers:
    """A part's teacher, trained or restored."""
    count, data = len(data.train.labels), data._replace(name=f"{data.name}, {part}")
    return teachers.together(
        TEACHER, teacher_recipe(config, part, count), jax.random.key(TEACHER_KEY)[None], data, run,
    )  # fmt: skip


def outputs(taught: teachers.Teachers, inputs):
    """Logits and features of a teacher."""
    params = jax.tree.map(lambda x: x[0], taught.params)
    return training.outputs(taught.model.apply, params, inputs)


def audio_task(config: Config, audio: spoken.SpokenDigits, images: Split, taught):
    """Recordings, each with the teacher's outputs for an image of the same digit."""
    logits, features = outputs(taught, images.inputs)
    drawn = np.stack(
        [spoken.same_class(audio.labels, images.labels, seed) for seed in range(config.seeds)]
    )
    last, paired = list(features)[-1], logits[drawn]
    permuted = [controls.permuted(z, z.argmax(-1), seed) for seed, z in enumerate(paired)]
    own = {
        "teacher": {"logits": paired, "features": {last: features[last][drawn]}},
        "permuted_logits": np.stack(permuted),
    }
    rows = spoken.leave_speakers_out(audio.speaker, config.seeds)
    splits = {name: (audio.inputs, audio.labels, rows[name]) for name in ("validation", "test")}
    arrays, student = {"inputs": audio.inputs, "labels": audio.labels}, networks()[AUDIO][1]
    return SemiSupervisedTask(AUDIO, student, arrays, own, rows["train"], splits, config.epochs)


def image_task(config: Config, images: Images, taught) -> SemiSupervisedTask:
    """Images, with the logits and feature maps of a larger convnet."""
    logits, features = outputs(taught, images.students.inputs)
    arrays = {**images.students._asdict(), "teacher": {"logits": logits, "features": features}}

    def all_rows(split):
        return np.tile(np.arange(len(split.labels)), (config.seeds, 1))

    found = {"validation": images.teachers.validation, "test": images.teachers.test}
    splits = {name: (*split, all_rows(split)) for name, split in found.items()}
    student, rows = networks()[IMAGES][1], all_rows(images.students)
    return SemiSupervisedTask(IMAGES, student, arrays, {}, rows, splits, config.epochs)


def methods_of(config: Config, task: SemiSupervisedTask):
    """(method, numbers of labels) of all that is trained in a task.

    Without any label a student can learn from logits alone: a hint has no classes.
    """
    counts = (*config.labels, task.rows.shape[1])
    labels, (softer, permuted) = methods.without_teacher()[0], methods.of_logits()[:2]
    hint, attention = methods.of_vectors()[0], methods.of_maps()[0]
    softer = softer._replace(row=SOFTER)
    if task.name == IMAGES:
        return [(method, counts) for method in (labels, softer, hint, attention)]
    soft = methods.Method(SOFT, 1.0, methods.on_logits(losses.soft_targets))
    of_logits = soft, softer, permuted._replace(row=PERMUTED)
    return [(labels, counts), *((m, (0, *counts)) for m in of_logits), (hint, counts)]


def units_of(config: Config, task: SemiSupervisedTask, taught: teachers.Teachers, data: Dataset):
    """The units of work of a task: its teacher's record, then one for each method."""
    keys = jax.random.split(jax.random.key(STUDENT_KEY), config.seeds)

    def teacher(unit):
        saved_models.save_teachers(unit.run, taught, data.test, part=task.name)
        return taught.records(data)

    yield {"part": task.name, "row": TEACHER}, teacher
    for method, counts in methods_of(config, task):
        more = counts, keys, jax.random.key(STUDENT_SAMPLER_KEY)
        train = functools.partial(few_labels.train, task, method, *more)
        yield {"part": task.name, "row": method.row}, train


def load(config: Config) -> tuple[spoken.SpokenDigits, Images]:
    """Recordings and images, the training images in disjoint parts."""
    where = config.data_dir, config.manual_dir
    data = mnist.images(config.mnist_5k, *where)
    names = "teacher_images", "images", "validation"
    sizes = {name: getattr(config, name) for name in names}
    taught, students, held_out = partition.disjoint(data.train, sizes)
    images = Images(data._replace(train=taught, validation=held_out), students)
    return spoken.load(*where), images


def run(config: Config, run: run_folder.Run) -> None:
    """Train the teachers of both tasks, then the students of every method."""
    audio, images = load(config)
    run.uses(data=[audio.digest, images.teachers.digest])
    data = images.teachers
    of_audio, of_images = (fit_teacher(config, part, data, run) for part in (AUDIO, IMAGES))
    # the teacher of audio was not trained on the images that recordings are paired with
    first = audio_task(config, audio, data.test, of_audio)
    second = image_task(config, images, of_images)
    units = [*units_of(config, first, of_audio, data), *units_of(config, second, of_images, data)]
    run.each(units, workers=config.workers, by=("labels",))
