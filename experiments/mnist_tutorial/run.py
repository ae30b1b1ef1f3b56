"""The MNIST tutorial of the 2015 paper (Harvard APMTH 207, 2018): every table over seeds."""

import dataclasses
import functools

import jax
import numpy as np
import optax

from experiments.mnist_tutorial import report
from experiments.mnist_tutorial import rows as named
from experiments.mnist_tutorial.rows import CNN, CNN_2D, DENSE
from kd_jax import experiment, fingerprint, losses, models
from kd_jax.data import mnist, mnist_5k, subsets
from kd_jax.distill import bias_correction, controls, students, teachers, transfer
from kd_jax.distill.transfer import Lesson
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.metrics import classification, records
from kd_jax.storage import checkpoint, run_folder
from kd_jax.training import loop, samplers

# which teacher logits an arm learns from: the order of `sources`
FROM_DENSE, FROM_CNN, FROM_CNN_2D, FROM_PERMUTED, FROM_UNIFORM, FROM_HOTTER = range(6)
T = 3.0
PARTS = {"1": (), "2a": (3,), "2b": (7, 8)}  # part: the classes whose bias is wrong
HELD_OUT = 500  # of each class, for choosing a bias


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of the tutorial."""

    part: str = experiment.setting("all", "which part: 1, 2a, 2b or all")
    embedded: bool = experiment.setting(False, "use the package's 5,000 digits instead of MNIST")
    teacher_width: int = experiment.setting(1200, "units in each hidden layer of the dense teacher")
    cnn_channels: int = experiment.setting(128, "channels of the CNN teacher's two convolutions")
    dense_epochs: int = experiment.setting(20, "epochs of the dense teacher")
    cnn_epochs: int = experiment.setting(20, "epochs of the CNN teacher")
    cnn_2d_epochs: int = experiment.setting(5, "epochs of the 2-D CNN teacher, a row of our own")
    student_epochs: int = experiment.setting(
        50, "epochs of the students; part 2b's soft ones take two"
    )

    PRESETS = {
        "default": {},
        "paper": {},  # nothing is shortened by default
        "smoke": {
            "optimize": False,
            "seeds": 2,
            "embedded": True,
            "teacher_width": 100,
            "cnn_channels": 16,
            "dense_epochs": 10,
            "cnn_epochs": 1,
            "cnn_2d_epochs": 1,
            "student_epochs": 5,
        },
    }

    def validate(self):
        known = ("all", *PARTS)
        require(self.part in known, f"--part={self.part}: expected one of {', '.join(known)}")
        counts = (
            "dense_epochs",
            "cnn_epochs",
            "cnn_2d_epochs",
            "student_epochs",
            "teacher_width",
            "cnn_channels",
        )
        experiment.check_counts(self, *counts)


def soft(row, temperature=T, source=FROM_DENSE, label_weight=0.0):
    """The tutorial's losses: label_weight·CE + KL at T, without the factor T²."""
    return students.Arm(row, row, temperature, 1 / temperature**2, label_weight, 0.0, source)


def control_arms():
    """What every part carries beside its rows, the baseline first."""
    return [
        students.Arm(named.LABELS, named.LABELS, hard=1.0),
        students.Arm(named.SMOOTHED, named.SMOOTHED, hard=1.0, epsilon=0.1),
        soft(named.PERMUTED, source=FROM_PERMUTED),
        soft(named.UNIFORM, source=FROM_UNIFORM),
    ]


def part_1(labels):
    """Every Lesson of part 1."""
    weight, everyone = 0.7 / T**2, np.arange(len(labels))
    arms = [
        *control_arms(),
        soft(named.SOFT),
        soft(named.MIXED_128, label_weight=weight),
        soft(named.OF_CNN, source=FROM_CNN),
        soft(named.OF_CNN_2D, source=FROM_CNN_2D),
    ]
    mixed = [soft(named.MIXED, label_weight=weight)]
    return [Lesson("1", arms, everyone), Lesson("1 mixed", mixed, everyone, batch=100)]


def part_2(part, labels, seen, first, label_weight, passes):
    """Every Lesson of part 2a or 2b: rows `seen`, biases that start at `first`."""
    started, weight = named.STARTED[part], label_weight / 25
    on_labels, altered = control_arms()[:2], control_arms()[2:]
    arms = [
        *altered,
        soft(named.SOFT),
        soft(named.MISMATCHED, 5.0, FROM_HOTTER, weight),
        soft(named.MATCHED, 5.0, FROM_DENSE, weight),
        soft(started),
    ]
    start = {started: dict.fromkeys(PARTS[part], first)}
    rest = np.setdiff1d(seen, held_rows(labels))
    return [
        Lesson(f"{part} labels", on_labels, seen),
        Lesson(part, arms, seen, passes=passes, start=start),
        Lesson(f"{part} kept", [soft(named.KEPT)], rest, passes=passes),
    ]


def held_rows(labels):
    """The rows that a bias is chosen on: 500 of each class, or a tenth of a small set."""
    return subsets.held_out(labels, min(HELD_OUT, len(labels) // 100), seed=0)[1]


def all_lessons(part, labels):
    """Every Lesson of a part."""
    classes = PARTS[part]
    if part == "2a":
        return part_2(part, labels, subsets.omit(labels, classes), 3.5, 0.4, 1)
    if part == "2b":
        return part_2(part, labels, subsets.keep(labels, classes), 1.0, 0.5, 2)
    return part_1(labels)


@functools.cache
def student_network():
    """784-20-20-10 with ReLU."""
    return models.functional(models.MLP((20, 20), 10), (28, 28))


def courses(settings, data):
    """The three teachers: dense, the CNN as the tutorial's input made it, and a 2-D CNN."""
    width, channels = settings.teacher_width, settings.cnn_channels
    normal = jax.nn.initializers.normal(0.01)
    dense = models.MLP((width, width), 10, dropout=0.7, kernel_init=normal)
    rows = models.ColumnsAsChannels(models.ConvNet((channels, channels), (2,), 10, dropout=0.25))
    planes = models.ConvNet((16, 32), (1, 2), 10, dropout=0.25)

    def course(row, net, rate, batch, epochs):
        order = samplers.shuffled(jax.random.key(2), len(data.train.labels), batch)
        facts = {"experiment": "mnist_tutorial", "width": width, "channels": channels}
        facts["code"] = TEACHER_CODE
        model = models.functional(net, (28, 28))
        return teachers.Recipe(row, model, adam(rate), order, epochs, facts)

    return [
        course(DENSE, dense, 1e-4, 100, settings.dense_epochs),
        course(CNN, rows, 5e-4, 128, settings.cnn_epochs),
        course(CNN_2D, planes, 1e-3, 128, settings.cnn_2d_epochs),
    ]


def adam(rate):
    """Adam as Keras has it."""
    return optax.adam(rate, eps=1e-7)


def sources(by_teacher, labels):
    """All teachers an arm may learn from, [S, N, K, C], in the order of FROM_DENSE, ….

    Args: by_teacher: logits of the three teachers, or of the dense one alone, which then stands
    for all. Students at T=5 on targets made at T=3 are students at T=5 of logits times 5/3.
    """
    dense, cnn, cnn_2d = by_teacher if len(by_teacher) == 3 else by_teacher * 3
    permuted = [controls.permuted(logits, labels, seed) for seed, logits in enumerate(dense)]
    uniform = [controls.uniform(logits, labels, T) for logits in dense]
    hotter = dense * np.float32(5 / 3)
    return np.stack([dense, cnn, cnn_2d, permuted, uniform, hotter], axis=2, dtype=np.float32)


def printed_loss(logits, teachers, labels, arm):
    """The loss that the tutorial prints for one arm: [S], for logits [S, N, C].

    Students with soft targets alone: cross-entropy of the labels at T; mixed ones: their own
    objective w·CE + CE(teacher at T, student at T); students on labels: cross-entropy.
    """
    hard = losses.cross_entropy(logits, np.broadcast_to(labels, logits.shape[:2]))
    if not arm.soft:
        return np.asarray(hard.mean(-1))
    at_t = jax.nn.log_softmax(logits / arm.temperature)
    if not arm.hard:
        return -np.asarray(at_t[:, np.arange(len(labels)), labels].mean(-1))
    target = jax.nn.softmax(teachers[:, :, arm.source] / arm.temperature)
    return np.asarray((arm.hard * hard - (target * at_t).sum(-1)).mean(-1))


def examine(lesson, part, params, data, teachers):
    """Records of a lesson's students on the test set."""
    logits = classification.predict(student_network().apply, params, data.test.inputs)
    labels, found = data.test.labels, []
    for a, arm in enumerate(lesson.arms):
        metrics = transfer.test_metrics(logits[:, a], labels, teachers[:, :, FROM_DENSE])
        metrics["test_loss"] = printed_loss(logits[:, a], teachers, labels, arm)
        found += records.of_metrics(arm.row, metrics, part=part, lesson=lesson.name)
    return found


TEACHER_CODE = fingerprint.source(
    loop, teachers, losses.logits, models.mlp, models.convnet, courses, adam,
)  # fmt: skip
STUDENT_CODE = fingerprint.source(
    loop, students, transfer, controls, bias_correction, classification, subsets, losses.logits,
    soft, control_arms, part_1, part_2, held_rows, all_lessons, student_network, adam, sources,
    printed_loss, examine,
)  # fmt: skip


def load(settings):
    """MNIST, or the embedded digits."""
    if settings.embedded:
        return mnist_5k.load()
    return mnist.load("mnist", settings.data_dir, settings.manual_dir)


def fit_teachers(settings, data, run):
    """(teachers [S, N, K, C] on the training rows, the same on the test); records the true ones."""
    keys = jax.random.split(jax.random.key(1), settings.seeds)
    on_train, on_test = [], []
    wanted = courses(settings, data)[: 3 if settings.part in ("all", "1") else 1]
    for course in wanted:  # part 2 learns from the dense teacher alone
        found = teachers.one_by_one(course, keys, data, settings.workdir, retrain=settings.retrain)
        run.facts[course.row] = {"teachers": found.fingerprint, "seconds": found.seconds}
        on_train.append(found.logits["train"])
        on_test.append(found.logits["test"])
        if not run.has(row=course.row):
            saved_models.keep_teachers(run, course.model, found.params, course.row, data.test)
            metrics = transfer.test_metrics(on_test[-1], data.test.labels)
            metrics["test_loss"] = metrics["test_nll"]
            run.append(records.of_metrics(course.row, metrics, part="1", lesson=course.row))
    return sources(on_train, data.train.labels), sources(on_test, data.test.labels)


def teach(lesson, part, settings, data, teachers, run):
    """Train, examine and record the students of a lesson, unless that was done."""
    if run.has(lesson=lesson.name):
        return
    on_train, on_test = teachers
    keys = jax.random.split(jax.random.key(3), settings.seeds)
    pupils = transfer.Pupils(
        student_network(), adam(1e-3), keys, jax.random.key(4), settings.student_epochs
    )
    facts = {**run.facts, "lesson": lesson.name}
    snapshots = checkpoint.Snapshots(run.path(f"training {lesson.name}"), facts)
    params = transfer.fit(lesson, pupils, data.train, on_train, snapshots)
    found = examine(lesson, part, params, data, on_test)
    rows, where = [arm.row for arm in lesson.arms], {"part": part, "lesson": lesson.name}
    said, dense = on_test[:, :, FROM_DENSE], courses(settings, data)[0].row
    saved_models.keep(run, pupils.model, params, rows, data.test, said, teacher=dense, **where)
    if lesson.name.endswith("kept"):
        held, more = held_rows(data.train.labels), {"part": part, "lesson": lesson.name}
        found += transfer.corrected(pupils.model, params, data, PARTS[part], held, **more)
    run.append(found)
    snapshots.clear()


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """The whole experiment: teachers, students, records, tables, figures."""
    data = load(settings)
    facts = {"data": data.digest, "code": [TEACHER_CODE, STUDENT_CODE]}
    here = run_folder.Run(settings.workdir, "mnist_tutorial", settings.results_key(), facts)
    teachers = fit_teachers(settings, data, here)
    for part in PARTS if settings.part == "all" else [settings.part]:
        for lesson in all_lessons(part, data.train.labels):
            teach(lesson, part, settings, data, teachers, here)
    shown = data.test.inputs[0], teachers[1][0, 0, FROM_DENSE]
    here.conclude(table, lambda folder: report.draw(folder, *shown, transfer.SHIFTS))


if __name__ == "__main__":
    experiment.launch(Config, run)
