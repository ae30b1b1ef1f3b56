"""Which temperature is best, on nine data sets and for students of many widths, over seeds."""

import dataclasses
import functools
import itertools
import json
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from experiments.temperature_grid import figures, report
from kd_jax import experiment, fingerprint, losses, models
from kd_jax.data import augment, mnist, synthetic
from kd_jax.distill import controls, students
from kd_jax.distill import teachers as teaching
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.metrics.records import of_metrics
from kd_jax.runtime import parallel
from kd_jax.storage import checkpoint, jsonl, run_folder
from kd_jax.training import loop, samplers

MNIST = "MNIST"
ORDER_KEY, TEACHER_KEY, STUDENT_KEY, PERMUTATION_SEED = 1, 2, 3, 4
BATCH = 100


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of the temperature grid."""

    part: str = experiment.setting("all", "grid: nine data sets; width: students' widths; or all")
    temperatures: tuple[float, ...] = experiment.setting(
        (1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0, 15.0, 20.0), "temperatures of the students"
    )
    class_seps: tuple[float, ...] = experiment.setting((0.2, 0.6, 1.0), "distances of the classes")
    informative: tuple[float, ...] = experiment.setting(
        (0.5, 0.8, 1.0), "informative fractions of the features"
    )
    samples: int = experiment.setting(
        50_000, "rows of an artificial data set, a fifth for the test"
    )
    epochs: int = experiment.setting(50, "epochs of the grid's teachers and students")
    widths: tuple[int, ...] = experiment.setting(
        (5, 10, 20, 50, 100, 200), "widths of the students; data sets pair --class_seps in turn"
    )
    width_epochs: int = experiment.setting(20, "epochs of the students of different widths")
    mnist: bool = experiment.setting(True, "whether the widths are compared on MNIST too")
    mnist_widths: tuple[int, ...] = experiment.setting((10, 30, 100, 300, 800), "widths on MNIST")
    mnist_temperatures: tuple[float, ...] = experiment.setting(
        (1.0, 3.0, 8.0, 20.0), "temperatures on MNIST"
    )
    mnist_epochs: int = experiment.setting(10, "epochs of the teacher and the students on MNIST")
    workers: int = experiment.place(2, "trainings side by side; each keeps about one core busy")

    PRESETS = {
        "default": {},
        "paper": {
            "width_epochs": 50,
            "mnist_temperatures": (1.0, 2.0, 3.0, 4.0, 8.0, 20.0, 40.0),
            "mnist_epochs": 20,
        },
        "smoke": {
            "optimize": False,
            "seeds": 2,
            "temperatures": (1.0, 3.0, 10.0),
            "class_seps": (0.2, 1.0),
            "informative": (0.5,),
            "samples": 2000,
            "epochs": 3,
            "widths": (5, 20),
            "width_epochs": 3,
            "mnist": False,
            "workers": 1,  # the second data set finds the programs of the first
        },
    }

    def validate(self):
        require(self.part in PARTS, f"--part={self.part}: expected one of {', '.join(PARTS)}")
        counts = ("epochs", "width_epochs", "mnist_epochs", "workers")
        experiment.check_counts(self, *counts)
        experiment.check_temperatures(self.temperatures)
        experiment.check_temperatures(self.mnist_temperatures)
        for name in ("widths", "mnist_widths"):
            found = getattr(self, name)
            require(
                len(set(found)) == len(found) >= 2 and min(found) >= 1,
                f"--{name}={','.join(map(str, found))}: expected two or more different widths",
            )
        require(self.samples >= 1000, f"--samples={self.samples}: expected at least 1000")
        for x in self.class_seps:
            require(0 < x < 100, f"--class_seps: {x:g} is not a number above 0 and below 100")
        for x in self.informative:
            require(0.04 <= x <= 1, f"--informative: {x:g} is not in [0.04, 1]")


class Job(NamedTuple):
    """The students of one width on one data set: every temperature and seed in one program."""

    part: str
    task: str
    width: int
    epochs: int
    temperatures: tuple[float, ...]
    controls: bool

    def arms(self):
        """The rows of this job, the baseline first."""
        found = [
            students.Arm(report.LABELS, report.LABELS, hard=1.0),
            *students.over_temperatures(report.SOFT, sorted(self.temperatures), soft=1.0),
        ]
        if self.controls:
            at = report.middle(self.temperatures)
            found.append(students.Arm("label smoothing 0.1", "smoothing", hard=1.0, epsilon=0.1))
            found += students.over_temperatures(report.PERMUTED, [at], soft=1.0, source=1)
        return found


def clusters(settings):
    """{name: (class separation, informative fraction)} of the artificial data sets."""
    pairs = itertools.product(settings.class_seps, settings.informative)
    return {synthetic.name(*pair): pair for pair in pairs}


def grid_jobs(settings):
    """One job per artificial data set."""
    more = 50, settings.epochs, settings.temperatures, True
    return [Job("grid", name, *more) for name in clusters(settings)]


def width_jobs(settings):
    """One job per width on the grid's diagonal and on MNIST, the longest first."""
    names = [synthetic.name(s, p) for s, p in zip(settings.class_seps, settings.informative)]
    found = [
        Job("width", name, width, settings.width_epochs, settings.temperatures, False)
        for name in names
        for width in settings.widths
    ]
    if settings.mnist:
        epochs, temperatures = settings.mnist_epochs, settings.mnist_temperatures
        found += [
            Job("width", MNIST, width, epochs, temperatures, False)
            for width in settings.mnist_widths
        ]
    return sorted(found, key=lambda job: -job.width)


PARTS = {"grid": [grid_jobs], "width": [width_jobs], "all": [grid_jobs, width_jobs]}


def student_network(width, input_shape):
    """Two hidden layers of `width` units with ReLU."""
    return models.functional(models.MLP((width, width), 10), input_shape)


def adam():
    """Adam as Keras has it by default."""
    return optax.adam(1e-3, eps=1e-7)


def order_of(labels):
    """The order of the training rows, the same for the teacher and the students of a seed."""
    return samplers.shuffled(jax.random.key(ORDER_KEY), len(labels), BATCH)


def cluster_course(settings, data):
    """The teachers of an artificial data set, one per seed: 100-100-100 with a fifth dropped."""
    net = models.functional(models.MLP((100, 100, 100), 10, dropout=0.2), (100,))
    order = order_of(data.train.labels)
    return teaching.Recipe(report.TEACHER, net, adam(), order, settings.epochs, facts())


def mnist_course(settings, data):
    """The teacher on MNIST: 800-800, a fifth of the inputs dropped and half of the rest, jitter."""
    net = models.MLP((800, 800), 10, dropout=0.5, input_dropout=0.2)
    epochs, order = settings.mnist_epochs, order_of(data.train.labels)
    steps = epochs * (len(data.train.labels) // BATCH)
    rate = optax.adam(optax.cosine_decay_schedule(2e-3, steps))
    net = models.functional(net, (28, 28))
    more = facts(), augment.jitter
    return teaching.Recipe(report.TEACHER, net, rate, order, epochs, *more)


def facts():
    """What the teachers depend on besides data, seeds and what the course itself says."""
    return {"experiment": "temperature_grid", "code": TEACHER_CODE}


class Task(NamedTuple):
    """A data set and its teachers: [S, N, 2, C] true and permuted, and their test logits [S, N, C].

    metrics: of the teachers themselves {name: [S or 1]}; taught: they, [S or 1].
    """

    data: Any
    teachers: Any
    test_logits: Any
    metrics: dict
    taught: teaching.Taught


def load(settings, task):
    """The Dataset of that name."""
    if task == MNIST:
        return mnist.load("mnist", settings.data_dir, settings.manual_dir)
    class_sep, informative = clusters(settings)[task]
    return synthetic.load(class_sep, informative, settings.samples)


def teach(settings, data):
    """The Task of a data set; on MNIST one teacher stands for the teachers of all seeds."""
    on_mnist = data.name == "mnist"
    keys = jax.random.split(jax.random.key(TEACHER_KEY), 1 if on_mnist else settings.seeds)
    course = (mnist_course if on_mnist else cluster_course)(settings, data)
    taught = teaching.together(course, keys, data, settings.workdir, retrain=settings.retrain)
    metrics = teaching.metrics(taught.logits["test"], data.test.labels)
    of_seeds = {
        name: np.repeat(x, settings.seeds // len(keys), axis=0) for name, x in taught.logits.items()
    }
    altered = [
        controls.permuted(each, data.train.labels, PERMUTATION_SEED + seed)
        for seed, each in enumerate(of_seeds["train"])
    ]
    teachers = np.stack([of_seeds["train"], altered], axis=2)
    return Task(data, teachers, of_seeds["test"], metrics, taught)


def train_job(settings, prepared, run, job):
    """Train and measure the students of a job; returns their records and their teachers'."""
    task, arms = prepared[job.task], job.arms()
    facts = {"code": STUDENT_CODE, "teacher": task.taught.fingerprint, "job": job_key(job)}
    snapshots = checkpoint.Snapshots(run.path("training") / fingerprint.of(facts), facts)
    split = task.data.train
    net = student_network(job.width, split.inputs.shape[1:])
    params, curves = students.fit(
        net,
        adam(),
        arms,
        jax.random.split(jax.random.key(STUDENT_KEY), settings.seeds),
        split._asdict(),
        order_of(split.labels),
        epochs=job.epochs,
        own={"teachers": task.teachers},
        snapshots=snapshots,
    )
    measured = students.measure(net, params, task.data.test, task.test_logits)
    test, rows = task.data.test, [arm.row for arm in arms]
    net_of, of_all = task.taught.model, task.taught.params
    saved_models.keep_teachers(run, net_of, of_all, report.TEACHER, test, **job_key(job))
    saved_models.keep(run, net, params, rows, test, task.test_logits, **job_key(job))
    of_teachers = of_metrics(report.TEACHER, task.metrics, family=report.TEACHER)
    found = [*of_teachers, *students.records(arms, curves["diverged"], test=measured)]
    snapshots.clear()
    return [{**job_key(job), **one} for one in found]


def job_key(job):
    """What a record says of the job that it comes from."""
    return {"part": job.part, "task": job.task, "width": job.width, "epochs": job.epochs}


TEACHER_CODE = fingerprint.source(
    augment, loop, teaching, losses.logits, models.mlp, synthetic, cluster_course, mnist_course,
    adam, order_of, teach,
)  # fmt: skip
STUDENT_CODE = fingerprint.source(
    loop, students, controls, losses.logits, models.mlp, Job, report.middle, order_of,
    student_network, adam, train_job,
)  # fmt: skip


def run(settings):
    """The whole experiment: data, teachers, students, records, tables, figures."""
    jobs = [job for make in PARTS[settings.part] for job in make(settings)]
    wanted = dict.fromkeys(job.task for job in jobs)
    data = {name: load(settings, name) for name in wanted}
    facts = {
        "data": {name: found.digest for name, found in data.items()},
        "code": [TEACHER_CODE, STUDENT_CODE],
    }
    here = run_folder.Run(settings.workdir, "temperature_grid", settings.results_key(), facts)
    left = [job for job in jobs if not here.has(**job_key(job))]

    def taught(name):
        return name, teach(settings, data[name])

    names = dict.fromkeys(job.task for job in left)
    prepared = dict(parallel.results(taught, names, settings.workers))
    one = functools.partial(train_job, settings, prepared, here)
    for records in parallel.results(one, left, settings.workers):
        here.append(records)
    here.conclude(table, lambda folder: figures.draw(here.records(), here.path))


def table(folder):
    """The Markdown of a run folder: printed rows, nine data sets, claims, widths."""
    settings = json.loads((folder / "config.json").read_text())
    return report.text(jsonl.records(folder), settings)


if __name__ == "__main__":
    experiment.launch(Config, run)
