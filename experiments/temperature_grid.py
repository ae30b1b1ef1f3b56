"""Which temperature is best, on nine data sets and for students of many widths, over seeds.

Command:  ./run.sh temperature_grid [--part=grid|width|all] [--nomnist] [--preset=paper]
Takes:    15 minutes for the grid, 25 for the widths on 2 CPU cores; less with teachers restored
Expected: soft targets make less than half the errors of labels; errors hardly change from T=2 to
          20, so a claim of one best temperature does not survive its interval

Part III of the tutorial "Distilling the Knowledge in a Neural Network" (Harvard APMTH 207, 2018)
claims from one run per setting that T_opt lies between 2.5 and 5 on all of nine artificial data
sets, and suspects that it grows with the width of the student. Here each teacher and student is
trained once per seed, the teacher of seed s teaching the student of seed s, and the verdict on
both claims comes from intervals. T_opt is read off the test errors: it describes the curve and
chooses nothing. On MNIST (Hinton, Vinyals and Dean 2015: T = 2.5 to 4 best at 30 units, all alike
above 8 at 300) one teacher teaches all seeds, so the spread there is of the students alone.

Every width is a program of its own: padded to the widest student all would cost what it costs,
four times as much as the sum of the real ones, to save a second of compilation each.
"""

import dataclasses
import functools
import json
import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import optax

from kd_jax import (
    augment,
    checkpoint,
    config,
    controls,
    fingerprint,
    lessons,
    losses,
    models,
    parallel,
    record,
    students,
    supervised,
    train,
)
from kd_jax.data import synthetic
from kd_jax.errors import require
from kd_jax.report import temperature as report
from kd_jax.report import temperature_figures

MNIST = "MNIST"
ORDER_KEY, TEACHER_KEY, STUDENT_KEY, PERMUTATION_SEED = 1, 2, 3, 4
BATCH = 100


@dataclasses.dataclass(frozen=True)
class Config(config.Common):
    """Settings of the temperature grid."""

    part: str = config.setting("all", "grid: nine data sets; width: students' widths; or all")
    temperatures: tuple[float, ...] = config.setting(
        (1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0, 15.0, 20.0), "temperatures of the students"
    )
    class_seps: tuple[float, ...] = config.setting((0.2, 0.6, 1.0), "distances of the classes")
    informative: tuple[float, ...] = config.setting(
        (0.5, 0.8, 1.0), "informative fractions of the features"
    )
    samples: int = config.setting(50_000, "rows of an artificial data set, a fifth for the test")
    epochs: int = config.setting(50, "epochs of the grid's teachers and students")
    widths: tuple[int, ...] = config.setting(
        (5, 10, 20, 50, 100, 200), "widths of the students; data sets pair --class_seps in turn"
    )
    width_epochs: int = config.setting(20, "epochs of the students of different widths")
    mnist: bool = config.setting(True, "whether the widths are compared on MNIST too")
    mnist_widths: tuple[int, ...] = config.setting((10, 30, 100, 300), "widths on MNIST")
    mnist_temperatures: tuple[float, ...] = config.setting(
        (1.0, 3.0, 8.0, 20.0), "temperatures on MNIST"
    )
    mnist_epochs: int = config.setting(10, "epochs of the teacher and the students on MNIST")
    workers: int = config.place(2, "trainings side by side; each keeps about one core busy")

    PRESETS = {
        "default": {},
        "paper": {
            "width_epochs": 50,
            "mnist_widths": (10, 30, 100, 300, 800),
            "mnist_temperatures": (1.0, 2.0, 3.0, 4.0, 8.0, 20.0, 40.0),
            "mnist_epochs": 20,
        },
        "smoke": {
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
        config.check_counts(self, *counts)
        config.check_temperatures(self.temperatures)
        config.check_temperatures(self.mnist_temperatures)
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


class Task(NamedTuple):
    """How a data set is loaded and who teaches it: load() -> Dataset, teach(settings, data)."""

    load: Callable
    teach: Callable


def grid_jobs(settings):
    """One job per combination of class separation and informative fraction."""
    names = [synthetic.name(s, p) for s in settings.class_seps for p in settings.informative]
    return [Job("grid", name, 50, settings.epochs, settings.temperatures, True) for name in names]


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


def tasks(settings):
    """{name: Task} of every data set there is."""
    found = {
        synthetic.name(s, p): Task(
            functools.partial(synthetic.load, s, p, settings.samples), teach_clusters
        )
        for s in settings.class_seps
        for p in settings.informative
    }
    return {**found, MNIST: Task(functools.partial(load_mnist, settings), teach_mnist)}


def load_mnist(settings):
    """The 60,000 and 10,000 digits, from --data_dir or --manual_dir."""
    from kd_jax.data import mnist  # only here: the rest needs no prepared data set

    return mnist.load("mnist", settings.data_dir, settings.manual_dir)


def cluster_teacher():
    """100-100-100-100-10 with ReLU, dropping a fifth of the hidden units."""
    return models.functional(models.MLP((100, 100, 100), 10, dropout=0.2), (100,))


def mnist_teacher():
    """784-800-800-10 with ReLU, dropping 20 % of the inputs and half of the hidden units."""
    net = models.MLP((800, 800), 10, dropout=0.5, input_dropout=0.2)
    return models.functional(net, (28, 28))


def student_network(width, input_shape):
    """Two hidden layers of `width` units with ReLU."""
    return models.functional(models.MLP((width, width), 10), input_shape)


def adam():
    """Adam as Keras has it by default."""
    return optax.adam(1e-3, eps=1e-7)


def order_of(labels):
    """The order of the training rows, the same for the teacher and the students of a seed."""
    return train.shuffled(jax.random.key(ORDER_KEY), len(labels), BATCH)


def teach_clusters(settings, data):
    """The Lesson of an artificial data set: a teacher per seed."""
    epochs = settings.epochs
    teaching = lessons.Teaching(
        f"teachers, {data.name}",
        cluster_teacher(),
        adam(),
        jax.random.split(jax.random.key(TEACHER_KEY), settings.seeds),
        order_of(data.train.labels),
        epochs,
        {"seeds": settings.seeds, **teacher_facts(data, epochs)},
    )
    store = settings.workdir, settings.retrain
    return lessons.one_per_seed(teaching, data, store, PERMUTATION_SEED)


def teach_mnist(settings, data):
    """The Lesson of MNIST: one teacher for all seeds, trained on jittered digits."""
    epochs, order = settings.mnist_epochs, order_of(data.train.labels)
    steps = epochs * (len(data.train.labels) // BATCH)
    teaching = lessons.Teaching(
        f"teacher, {data.name}",
        mnist_teacher(),
        optax.adam(optax.cosine_decay_schedule(2e-3, steps)),
        jax.random.key(TEACHER_KEY)[None],
        order,
        epochs,
        teacher_facts(data, epochs),
        augment.jitter,
    )
    return lessons.one_for_all(teaching, data, (settings.workdir, settings.retrain))


def teacher_facts(data, epochs):
    """What every teacher of this experiment depends on."""
    return {
        "experiment": "temperature_grid",
        "epochs": epochs,
        "data": data.digest,
        "code": TEACHER_CODE,
    }


def train_job(settings, prepared, folder, job):
    """Train and measure the students of a job; returns their records and their teachers'."""
    taught, arms = prepared[job.task], job.arms()
    facts = {"code": STUDENT_CODE, "teacher": taught.fingerprint, "job": job_key(job)}
    snapshots = checkpoint.Snapshots(folder / fingerprint.of(facts), facts)
    net = student_network(job.width, taught.arrays["inputs"].shape[1:])
    params = students.fit(
        net,
        adam(),
        arms,
        jax.random.split(jax.random.key(STUDENT_KEY), settings.seeds),
        taught.arrays,
        order_of(taught.arrays["labels"]),
        epochs=job.epochs,
        own=taught.own,
        snapshots=snapshots,
    )
    measured = students.measure(net, params, taught.test, taught.test_logits)
    of_teachers = record.of_metrics(report.TEACHER, taught.metrics, family=report.TEACHER)
    found = [*of_teachers, *students.records(arms, test=measured)]
    snapshots.clear()
    return [{**job_key(job), **one} for one in found]


def job_key(job):
    """What a record says of the job that it comes from."""
    return {"part": job.part, "task": job.task, "width": job.width, "epochs": job.epochs}


TEACHER_CODE = fingerprint.source(
    augment, train, supervised, lessons, losses.logits, models.mlp, synthetic, cluster_teacher,
    mnist_teacher, adam, order_of, teach_clusters, teach_mnist,
)  # fmt: skip
STUDENT_CODE = fingerprint.source(
    train, students, lessons, controls, losses.logits, models.mlp, Job, report.middle, order_of,
    student_network, adam, train_job,
)  # fmt: skip


def unfinished(here, jobs, seeds):
    """The jobs without all their records; what a killed process wrote of them is dropped."""
    records, left, kept = here.records(), [], []
    for job in jobs:
        found = [r for r in records if job_key(job).items() <= r.items()]
        students_of = [r for r in found if r["row"] != report.TEACHER]
        if len(students_of) == seeds * len(job.arms()):
            kept += found
        else:
            left.append(job)
    if len(kept) < len(records):
        here.write("records.jsonl", "".join(json.dumps(r) + "\n" for r in kept))
    return left


def run(settings):
    """The whole experiment: data, teachers, students, records, tables, figures."""
    began = time.monotonic()
    jobs = [job for make in PARTS[settings.part] for job in make(settings)]
    wanted = dict.fromkeys(job.task for job in jobs)
    chosen = {name: tasks(settings)[name] for name in wanted}
    data = {name: task.load() for name, task in chosen.items()}
    facts = {
        "data": {name: found.digest for name, found in data.items()},
        "code": [TEACHER_CODE, STUDENT_CODE],
    }
    here = record.Run(settings.workdir, "temperature_grid", settings.results_key(), facts)
    left = unfinished(here, jobs, settings.seeds)

    def teach(name):
        return name, chosen[name].teach(settings, data[name])

    names = dict.fromkeys(job.task for job in left)
    prepared = dict(parallel.results(teach, names, settings.workers))
    one = functools.partial(train_job, settings, prepared, here.path("training"))
    for records in parallel.results(one, left, settings.workers):
        here.append(records)
    text = table(here.folder)
    here.write("table.md", text)
    temperature_figures.draw(here.records(), here.path)
    here.finish({"total": time.monotonic() - began})
    print(f"\n{text}\nrecords, tables and figures: {here.folder}")


def table(folder):
    """The Markdown of a run folder: printed rows, nine data sets, claims, widths."""
    settings = json.loads((folder / "config.json").read_text())
    return report.text(record.read(folder), settings)


if __name__ == "__main__":
    config.launch(Config, run)
