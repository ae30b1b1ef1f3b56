"""MNIST in the 2015 paper (section 3): a regularised teacher, students without regularisation."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.mnist_2015 import report
from experiments.mnist_2015 import rows as named
from kd_jax import experiment, fingerprint, losses, models
from kd_jax.data import augment, mnist, mnist_5k, subsets
from kd_jax.distill import bias_correction, controls, students, teachers, transfer
from kd_jax.distill.transfer import Lesson
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.metrics import classification, records
from kd_jax.runtime import parallel
from kd_jax.storage import checkpoint, run_folder
from kd_jax.training import loop, optimizers, samplers

FROM_TEACHER, FROM_PERMUTED = range(2)  # which of the stacked teacher logits
LEFT_OUT = {"all": (), "no 3": (3,), "7 and 8": (7, 8)}  # classes whose bias is wrong
HELD_OUT, BATCH = 500, 128  # the first of each class, on which a bias or T is chosen
WIDE_T, NARROW_T = (1, 3, 8, 20, 40), (1, 2, 2.5, 3, 4, 8, 20)


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of the section on MNIST."""

    embedded: bool = experiment.setting(False, "use the package's 5,000 digits instead of MNIST")
    teacher_width: int = experiment.setting(1200, "units in each hidden layer of the teacher")
    teacher_epochs: int = experiment.setting(60, "epochs of the teacher")
    dropout: float = experiment.setting(0.25, "fraction of the teacher's hidden units dropped")
    input_dropout: float = experiment.setting(0.0, "fraction of its pixels dropped")
    width: int = experiment.setting(800, "units in each hidden layer of the students")
    student_epochs: int = experiment.setting(
        12, "epochs of the students; twice that on 7 and 8 alone"
    )
    wide: int = experiment.setting(300, "units of the wide students whose temperature is varied")
    narrow: int = experiment.setting(30, "units of the narrow ones")
    sweep_epochs: int = experiment.setting(10, "epochs of the students whose temperature is varied")
    workers: int = experiment.place(2, "students trained side by side")

    PRESETS = {
        "default": {},
        "paper": {
            "teacher_epochs": 500,
            "dropout": 0.5,
            "input_dropout": 0.2,
            "student_epochs": 60,
            "sweep_epochs": 60,
            "workers": 1,
        },
        "smoke": {
            "optimize": False,
            "seeds": 2,
            "embedded": True,
            "teacher_width": 64,
            "teacher_epochs": 3,
            "width": 32,
            "student_epochs": 2,
            "wide": 20,
            "narrow": 5,
            "sweep_epochs": 2,
        },
    }

    def validate(self):
        widths = "teacher_width", "width", "wide", "narrow"
        epochs = "teacher_epochs", "student_epochs", "sweep_epochs"
        experiment.check_counts(self, *widths, *epochs, "workers")
        for name in ("dropout", "input_dropout"):
            rate = getattr(self, name)
            require(0 <= rate < 1, f"--{name}={rate:g}: expected at least 0 and below 1")


def soft(row, source=FROM_TEACHER):
    """Soft targets at T=20 alone."""
    return students.Arm(row, row, named.T, soft=1.0, source=source)


def on_labels(row=named.LABELS, epsilon=0.0):
    """Labels, or smoothed labels, alone."""
    return students.Arm(row, row, hard=1.0, epsilon=epsilon)


def held_rows(labels):
    """The rows of the training split on which a bias or a temperature is chosen."""
    return subsets.held_out(labels, min(HELD_OUT, len(labels) // 100), seed=0)[1]


def main_lessons(labels, live):
    """The Lessons of students of the paper's width; live: the view of jittered images."""
    rest = np.setdiff1d(np.arange(len(labels)), held_rows(labels))
    everyone = np.arange(len(labels))
    on_truth = [on_labels(), on_labels(named.SMOOTHED, 0.1)]
    arms = [*on_truth, soft(named.SOFT), soft(named.PERMUTED, FROM_PERMUTED)]
    fewer = np.intersect1d(rest, subsets.omit(labels, [3]))
    fewest = np.intersect1d(rest, subsets.keep(labels, [7, 8]))
    return [
        Lesson("all", arms, everyone, BATCH),
        Lesson("all", [soft(named.LIVE)], everyone, BATCH, view=live),
        Lesson("no 3", arms, fewer, BATCH),
        Lesson("7 and 8", arms, fewest, BATCH, passes=2),
    ]


def sweep_lesson(name, temperatures, labels):
    """The Lesson of students of one width over temperatures."""
    rest = np.setdiff1d(np.arange(len(labels)), held_rows(labels))
    arms = students.over_temperatures(named.SWEPT, temperatures, soft=1.0)
    return Lesson(name, [on_labels(), *arms], rest, BATCH)


def network(*widths, **options):
    """A fully connected network of ReLUs for the ten digits."""
    return models.functional(models.MLP(widths, 10, **options), (28, 28))


def teacher_course(settings, data):
    """Dropout, max-norm and images moved by up to 2 pixels, drawn anew each time."""
    width, epochs = settings.teacher_width, settings.teacher_epochs
    order = samplers.shuffled(jax.random.key(2), len(data.train.labels), BATCH)
    rates = {"dropout": settings.dropout, "input_dropout": settings.input_dropout}
    net = network(width, width, **rates)
    optimizer = optax.chain(optimizers.adam(1e-3, epochs, order), optimizers.max_norm(np.sqrt(15)))
    facts = {"experiment": "mnist_2015", "width": width, "code": TEACHER_CODE, **rates}
    return teachers.Recipe(named.TEACHER, net, optimizer, order, epochs, facts, augment.jitter)


def live_view(course, params):
    """A view of jittered images, about which the teacher is asked as they are drawn."""

    def view(batch, key):
        keys = jax.random.split(key, len(batch["inputs"]))
        moved = jax.vmap(augment.jitter)(keys, batch["inputs"])
        logits, _ = course.model.apply(params, moved)
        return {**batch, "inputs": moved, "teachers": logits[:, None]}

    return view


def pupils_of(lesson, model, settings, epochs):
    """The Pupils of a lesson, whose learning rate ends where their training does."""
    keys, order_key = jax.random.split(jax.random.key(3), settings.seeds), jax.random.key(4)
    order = samplers.shuffled(order_key, lesson.rows, lesson.batch)
    optimizer = optimizers.adam(1e-3, epochs * lesson.passes, order)
    return transfer.Pupils(model, optimizer, keys, order_key, epochs)


def examine(arm, params, model, data, teacher_logits, **more):
    """Records of one arm's students [S, 1, …] on validation and test."""
    held = held_rows(data.train.labels)
    logits = classification.predict(model.apply, params, data.test.inputs)[:, 0]
    metrics = transfer.test_metrics(logits, data.test.labels, teacher_logits)
    seen = classification.predict(model.apply, params, data.train.inputs[held])[:, 0]
    found = classification.measure(seen, data.train.labels[held])
    metrics["validation_errors"] = np.asarray(found["errors"])
    more |= {"family": arm.family, "temperature": arm.temperature}
    return records.of_metrics(arm.row, metrics, **more)


def teach_one(settings, data, teachers, run, job):
    """The records of one student of the paper's width."""
    lesson, arm, seed = job
    model = network(settings.width, settings.width)
    pupils = pupils_of(lesson, model, settings, settings.student_epochs)
    snapshots = checkpoint.of_run(run, lesson.name, arm.row, seed)
    params = transfer.fit_one(lesson, arm, seed, pupils, data.train, teachers["train"], snapshots)
    more, said = {"part": lesson.name}, teachers["test"][:, FROM_TEACHER]
    found = examine(arm, params, model, data, said, **more)
    known = {"seed": seed, "teacher": named.TEACHER, **more}
    saved_models.keep(run, model, params, [arm.row], data.test, said, **known)
    if LEFT_OUT[lesson.name] and arm.row == named.SOFT:
        held, classes = held_rows(data.train.labels), LEFT_OUT[lesson.name]
        found += transfer.corrected(model, params, data, classes, held, **more)
    snapshots.clear()
    return [{**r, "seed": seed} for r in found]


def sweep(settings, data, teachers, run, width, temperatures):
    """The records of students of one width over temperatures, all trained in one program."""
    lesson = sweep_lesson(f"{width} units", temperatures, data.train.labels)
    model = network(width, width)
    pupils = pupils_of(lesson, model, settings, settings.sweep_epochs)
    snapshots = checkpoint.of_run(run, lesson.name)
    own = np.broadcast_to(teachers["train"], (settings.seeds, *teachers["train"].shape))
    params = transfer.fit(lesson, pupils, data.train, own, snapshots)
    found, of_test = [], teachers["test"][:, FROM_TEACHER]
    rows, known = [arm.row for arm in lesson.arms], {"part": "width", "width": width}
    saved_models.keep(run, model, params, rows, data.test, of_test, teacher=named.TEACHER, **known)
    for a, arm in enumerate(lesson.arms):
        one = jax.tree.map(lambda x, a=a: x[:, a : a + 1], params)
        found += examine(arm, one, model, data, of_test, **known)
    snapshots.clear()
    return found


TEACHER_CODE = fingerprint.source(
    augment, loop, teachers, losses.logits, models.mlp, optimizers, teacher_course,
    network,
)  # fmt: skip
STUDENT_CODE = fingerprint.source(
    loop, students, transfer, controls, bias_correction, classification, subsets, augment,
    losses.logits, soft, on_labels, held_rows, main_lessons, sweep_lesson, network, optimizers,
    live_view, pupils_of, examine, teach_one, sweep,
)  # fmt: skip


def fit_teacher(settings, data, run):
    """(course, params, {split: stacked logits [N, K, C]}); records the teacher."""
    course = teacher_course(settings, data)
    keys = jax.random.key(1)[None]
    found = teachers.together(course, keys, data, settings.workdir, retrain=settings.retrain)
    run.facts[named.TEACHER] = {"teacher": found.fingerprint, "seconds": found.seconds}
    if not run.has(row=named.TEACHER):
        saved_models.keep_teachers(run, course.model, found.params, named.TEACHER, data.test)
        metrics = transfer.test_metrics(found.logits["test"], data.test.labels)
        run.append(records.of_metrics(named.TEACHER, metrics, part="all"))
    stacked = {}
    for split in ("train", "test"):
        logits = found.logits[split][0]
        other = controls.permuted(logits, getattr(data, split).labels, seed=0)
        stacked[split] = np.stack([logits, other], axis=1, dtype=np.float32)
    return course, jax.tree.map(lambda x: jnp.asarray(x[0]), found.params), stacked


def load(settings):
    """MNIST, or the embedded digits."""
    if settings.embedded:
        return mnist_5k.load()
    return mnist.load("mnist", settings.data_dir, settings.manual_dir)


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """The whole section: teacher, students, records, table, figures."""
    data = load(settings)
    facts = {"data": data.digest, "code": [TEACHER_CODE, STUDENT_CODE]}
    here = run_folder.Run(settings.workdir, "mnist_2015", settings.results_key(), facts)
    course, params, teachers = fit_teacher(settings, data, here)
    left = [
        (lesson, arm, seed)
        for lesson in main_lessons(data.train.labels, live_view(course, params))
        for arm in lesson.arms
        for seed in range(settings.seeds)
        if not here.has(part=lesson.name, row=arm.row, seed=seed)
    ]
    one = functools.partial(teach_one, settings, data, teachers, here)
    for found in parallel.results(one, left, settings.workers):
        here.append(found)
    for width, temperatures in ((settings.wide, WIDE_T), (settings.narrow, NARROW_T)):
        if not here.has(part="width", width=width):
            here.append(sweep(settings, data, teachers, here, width, temperatures))
    here.conclude(table, lambda folder: report.draw(folder, transfer.SHIFTS))


if __name__ == "__main__":
    experiment.launch(Config, run)
