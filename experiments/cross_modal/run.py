"""Knowledge from one sense to another: images of digits teach how the digits sound."""

import dataclasses
import functools
from typing import NamedTuple

import jax
import numpy as np

from experiments.cross_modal import data as spoken_words
from experiments.cross_modal import few_labels, report
from kd_jax import experiment, fingerprint, losses, models
from kd_jax.data import Dataset, Split, augment, mnist, mnist_5k, partition
from kd_jax.distill import controls, methods
from kd_jax.distill import teachers as teaching
from kd_jax.distill.methods import training
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.metrics import classification, records
from kd_jax.runtime import parallel
from kd_jax.storage import checkpoint, run_folder
from kd_jax.training import loop, optimizers, samplers

CLASSES, BATCH = 10, 100
HEARD = 2000  # recordings of the four speakers that a student listens to


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of both parts."""

    seeds: int = experiment.setting(6, "seeds per row; six test every speaker once")
    embedded: bool = experiment.setting(False, "use the package's 5,000 digits instead of MNIST")
    labels: tuple[int, ...] = experiment.setting((10, 50, 200), "how many examples have labels")
    teacher_images: int = experiment.setting(20000, "images of the teachers")
    images: int = experiment.setting(2000, "images of the smaller convnet")
    validation: int = experiment.setting(2000, "images on which weights are chosen")
    teacher_epochs: int = experiment.setting(8, "epochs of the teachers")
    epochs: int = experiment.setting(10, "epochs of the students")
    workers: int = experiment.place(2, "trainings side by side; each keeps about one core busy")

    PRESETS = {
        "default": {},
        "smoke": {
            "optimize": False,
            "seeds": 2,
            "embedded": True,
            "labels": (50,),
            "teacher_images": 1000,
            "images": 200,
            "validation": 200,
            "teacher_epochs": 2,
            "epochs": 1,
        },
    }

    def validate(self):
        sizes = "teacher_images", "images", "validation"
        experiment.check_counts(self, *sizes, "teacher_epochs", "epochs", "workers")
        given, most = ",".join(map(str, self.labels)), min(self.images, HEARD)
        require(self.labels, "--labels is empty: expected numbers of labels, like 10,50,200")
        ascending = list(self.labels) == sorted(set(self.labels))
        require(ascending, f"--labels={given}: expected ascending numbers")
        for count in self.labels:
            require(
                0 < count < most and count % CLASSES == 0,
                f"--labels={given}: {count} is no multiple of {CLASSES} from 1 to {most - 1}",
            )


class Seen(NamedTuple):
    """Images: of the teachers a Dataset, and the Split that the smaller convnet is shown."""

    teachers: Dataset
    shown: Split


@functools.cache
def networks():
    """{part: (teacher, student)}."""
    mlp = models.MLP((300, 300), CLASSES, dropout=0.25)
    listener = models.MLP((128, 128), CLASSES)
    large = models.ConvNet((16, 32), (1, 2), CLASSES, dropout=0.25)
    small = models.ConvNet((4, 8), (1, 2), CLASSES)
    return {
        report.SPOKEN: (models.functional(mlp, (28, 28)), models.functional(listener, (20, 40))),
        report.IMAGES: (models.functional(large, (28, 28)), models.functional(small, (28, 28))),
    }


def fit_teacher(settings, data, part, run):
    """(network, params) of a part's teacher, taught on images moved by up to 2 pixels; recorded."""
    net, epochs = networks()[part][0], settings.teacher_epochs
    order = samplers.shuffled(jax.random.key(2), len(data.train.labels), BATCH)
    facts = {"experiment": "cross_modal", "part": part, "code": TEACHER_CODE}
    facts |= {"images": len(data.train.labels)}
    optimizer = optimizers.adam(1e-3, epochs, order)
    course = teaching.Recipe(report.TEACHER, net, optimizer, order, epochs, facts, augment.jitter)
    keys = jax.random.key(1)[None]
    where = {"workdir": settings.workdir, "retrain": settings.retrain}
    taught = teaching.together(course, keys, data, **where)
    run.facts[part] = {"teacher": taught.fingerprint}
    if not run.has(part=part, row=report.TEACHER):
        metrics = teaching.metrics(taught.logits["test"], data.test.labels)
        saved_models.keep_teachers(run, net, taught.params, report.TEACHER, data.test, part=part)
        run.append(records.of_metrics(report.TEACHER, metrics, part=part))
    return net, jax.tree.map(lambda x: x[0], taught.params)


def listening(settings, words, seen, run):
    """The Scene of recordings, each with what the teacher says of an image of the same digit."""
    net, params = fit_teacher(settings, seen.teachers, report.SPOKEN, run)
    images = seen.teachers.test  # the teacher was not taught these
    logits, features = training.outputs(net.apply, params, images.inputs)
    drawn = [
        spoken_words.partners(words.labels, images.labels, seed) for seed in range(settings.seeds)
    ]
    last = list(features)[-1]
    said = logits[np.stack(drawn)]
    permuted = [controls.permuted(z, z.argmax(-1), seed) for seed, z in enumerate(said)]
    own = {
        "teacher": {"logits": said, "features": {last: features[last][np.stack(drawn)]}},
        "permuted_logits": np.stack(permuted),
    }
    rows = spoken_words.unheard(words.speaker, settings.seeds)
    held = {name: (words.inputs, words.labels, rows[name]) for name in ("validation", "test")}
    arrays = {"inputs": words.inputs, "labels": words.labels}
    student = networks()[report.SPOKEN][1]
    return few_labels.Scene(
        report.SPOKEN, student, arrays, own, rows["train"], held, settings.epochs
    )


def looking(settings, seen, run):
    """The Scene of images, with the logits and feature maps of a larger convnet."""
    net, params = fit_teacher(settings, seen.teachers, report.IMAGES, run)
    logits, features = training.outputs(net.apply, params, seen.shown.inputs)
    arrays = {**seen.shown._asdict(), "teacher": {"logits": logits, "features": features}}

    def everyone(split):
        return np.tile(np.arange(len(split.labels)), (settings.seeds, 1))

    splits = {"validation": seen.teachers.validation, "test": seen.teachers.test}
    held = {name: (*split, everyone(split)) for name, split in splits.items()}
    student, rows = networks()[report.IMAGES][1], everyone(seen.shown)
    return few_labels.Scene(report.IMAGES, student, arrays, {}, rows, held, settings.epochs)


def lessons(settings, scene):
    """(method, numbers of labels) of everything that is taught in a scene.

    Who hears no label at all can learn from logits alone: a hint says nothing of classes.
    """
    counts = (*settings.labels, scene.taught.shape[1])
    labels, (softer, permuted) = methods.alone()[0], methods.of_logits()[:2]
    hint, attention = methods.of_vectors()[0], methods.of_maps()[0]
    softer = softer._replace(row=report.SOFTER)
    if scene.name == report.IMAGES:
        return [(method, counts) for method in (labels, softer, hint, attention)]
    soft = methods.Method(report.SOFT, 1.0, methods.on_logits(losses.soft_targets))
    of_logits = soft, softer, permuted._replace(row=report.PERMUTED)
    return [(labels, counts), *((m, (0, *counts)) for m in of_logits), (hint, counts)]


def teach(settings, run, job):
    """The records of one method in one scene."""
    scene, (method, counts) = job
    keys = jax.random.split(jax.random.key(3), settings.seeds)
    snapshots = checkpoint.of_run(run, scene.name, method.row)
    inputs, labels, rows = scene.held["test"]

    def keep(chosen, count):  # each seed is tested on rows of its own
        for seed, own in enumerate(rows):
            one = jax.tree.map(lambda x, s=seed: x[s : s + 1], chosen)
            test, known = Split(inputs[own], labels[own]), {"part": scene.name, "labels": count}
            saved_models.keep(run, scene.student, one, [method.row], test, seed=seed, **known)

    found = few_labels.teach(scene, method, counts, keys, jax.random.key(4), keep, snapshots)
    snapshots.clear()
    return found


TEACHER_CODE = fingerprint.source(
    augment, loop, teaching, losses.logits, models.mlp, models.convnet, optimizers, networks,
    fit_teacher,
)  # fmt: skip
STUDENT_CODE = fingerprint.source(
    loop, training, few_labels, partition, samplers, controls, classification, methods.base,
    methods.parameter_free, methods.with_projector, losses.logits, losses.features,
    losses.feature_maps, models.mlp, models.convnet, models.projectors, optimizers, spoken_words,
    networks, listening, looking, lessons, teach,
)  # fmt: skip


def load(settings):
    """(Words, Seen): recordings and images, the training images in disjoint parts."""
    where = settings.data_dir, settings.manual_dir
    data = mnist_5k.load() if settings.embedded else mnist.load("mnist", *where)
    sizes = np.cumsum([settings.teacher_images, settings.images, settings.validation])
    known = len(data.train.labels)
    require(
        sizes[-1] <= known,
        f"--teacher_images, --images and --validation are {sizes[-1]} images: there are {known}",
    )
    rows = np.split(np.random.default_rng(0).permutation(known), sizes)
    taught, shown, held = (Split(*(x[own] for x in data.train)) for own in rows[:3])
    return spoken_words.load(*where), Seen(data._replace(train=taught, validation=held), shown)


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """The whole experiment: teachers, students of both scenes, records, table, figure."""
    words, seen = load(settings)
    facts = {"data": [words.digest, seen.teachers.digest], "code": [TEACHER_CODE, STUDENT_CODE]}
    here = run_folder.Run(settings.workdir, "cross_modal", settings.results_key(), facts)
    scenes = listening(settings, words, seen, here), looking(settings, seen, here)
    left = [
        (scene, lesson)
        for scene in scenes
        for lesson in lessons(settings, scene)
        if not here.has(part=scene.name, row=lesson[0].row)
    ]
    one = functools.partial(teach, settings, here)
    for found in parallel.results(one, left, settings.workers):
        here.append(found)
    here.conclude(table, report.draw)


if __name__ == "__main__":
    experiment.launch(Config, run)
