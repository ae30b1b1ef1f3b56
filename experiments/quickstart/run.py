"""Distil real digits: a large teacher teaches a small student through its soft predictions."""

import dataclasses
import functools

import jax
import numpy as np

from kd_jax import experiment, fingerprint, losses, models
from kd_jax.data import augment, mnist_5k
from kd_jax.distill import controls, students, teachers
from kd_jax.export import saved_models
from kd_jax.metrics import cost
from kd_jax.metrics.records import of_metrics
from kd_jax.report import figures, tables
from kd_jax.storage import checkpoint, jsonl, run_folder
from kd_jax.training import loop, optimizers, samplers

LABELS, TEACHER = "labels only", "teacher"
SOFT, MIXED, PERMUTED = "soft targets", "soft targets + labels", "permuted teacher"
LABEL_WEIGHT = 0.5  # of the labels in the mixture, as in section 4 of the paper
ORDER_KEY, TEACHER_KEY, STUDENT_KEY, PERMUTATION_SEED = 1, 2, 3, 4


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of the quickstart."""

    seeds: int = experiment.setting(10, "how many students each row is averaged over")
    temperatures: tuple[float, ...] = experiment.setting(
        (1.0, 2.0, 3.0, 5.0, 8.0, 20.0), "temperatures of the students"
    )
    teacher_width: int = experiment.setting(800, "units in each of the teacher's two hidden layers")
    teacher_epochs: int = experiment.setting(80, "epochs of the teacher")
    student_epochs: int = experiment.setting(40, "epochs of the students")

    PRESETS = {
        "default": {},
        "smoke": {
            "optimize": False,
            "seeds": 2,
            "temperatures": (1.0, 3.0),
            "teacher_width": 100,
            "teacher_epochs": 10,
            "student_epochs": 10,
        },
    }

    def validate(self):
        experiment.check_temperatures(self.temperatures)
        experiment.check_counts(self, "teacher_width", "teacher_epochs", "student_epochs")


def arms(temperatures):
    """Every student of the table, the baseline first."""
    return [
        students.Arm(LABELS, LABELS, hard=1.0),
        students.Arm("label smoothing 0.1", "label smoothing", hard=1.0, epsilon=0.1),
        *students.over_temperatures(SOFT, temperatures, soft=1.0),
        *students.over_temperatures(MIXED, temperatures, soft=1.0, hard=LABEL_WEIGHT),
        *students.over_temperatures(PERMUTED, [middle(temperatures)], soft=1.0, source=1),
    ]


def middle(temperatures):
    """The temperature of the permuted control: the middle one, the lower of two."""
    return sorted(temperatures)[(len(temperatures) - 1) // 2]


@functools.cache
def student_network():
    """784-20-20-10 with ReLU."""
    net = models.MLP((20, 20), 10, kernel_init=models.lecun_normal)
    return models.functional(net, (28, 28))


def teacher_network(width):
    """784-width-width-10 with ReLU, dropping 20 % of the inputs and half of the hidden units."""
    net = models.MLP((width, width), 10, dropout=0.5, input_dropout=0.2)
    return models.functional(net, (28, 28))


def fit_teacher(settings, data):
    """The teacher of these settings and digits, restored if it was ever trained."""
    epochs = settings.teacher_epochs
    order = samplers.shuffled(jax.random.key(ORDER_KEY), len(data.train.labels), 100)
    facts = {"experiment": "quickstart", "width": settings.teacher_width, "code": TEACHER_CODE}
    course = teachers.Recipe(
        TEACHER,
        teacher_network(settings.teacher_width),
        optimizers.adam(2e-3, epochs, order),
        order,
        epochs,
        facts,
        augment.jitter,
    )
    keys = jax.random.key(TEACHER_KEY)[None]
    return teachers.together(course, keys, data, settings.workdir, retrain=settings.retrain)


def fit_students(settings, data, teacher_logits, snapshots):
    """Parameters [S, A, …] of all students, and the curves of their training."""
    labels = data.train.labels
    permuted = controls.permuted(teacher_logits, labels, PERMUTATION_SEED)
    arrays = {
        "inputs": data.train.inputs,
        "labels": labels,
        "teachers": np.stack([teacher_logits, permuted], axis=1),
    }
    order = samplers.shuffled(jax.random.key(ORDER_KEY), len(labels), 50)
    return students.fit(
        student_network(),
        optimizers.adam(3e-3, settings.student_epochs, order),
        arms(settings.temperatures),
        jax.random.split(jax.random.key(STUDENT_KEY), settings.seeds),
        arrays,
        order,
        epochs=settings.student_epochs,
        snapshots=snapshots,
    )


TEACHER_CODE = fingerprint.source(
    augment,
    loop,
    teachers,
    losses.logits,
    models.mlp,
    mnist_5k,
    teacher_network,
    optimizers,
    fit_teacher,
)
STUDENT_CODE = fingerprint.source(
    loop,
    students,
    controls,
    losses.logits,
    models.mlp,
    arms,
    middle,
    student_network,
    optimizers,
    fit_students,
)


def train_and_record(settings, data, taught, run):
    """Train the students and write records.jsonl and costs.json."""
    outputs = {name: logits[0] for name, logits in taught.logits.items()}
    facts = {"code": STUDENT_CODE, "teacher": taught.fingerprint}
    snapshots = checkpoint.Snapshots(run.path("training"), facts)
    params, curves = fit_students(settings, data, outputs["train"], snapshots)
    student, measured, of_teacher = student_network(), {}, {}
    for name in ("validation", "test"):
        split = getattr(data, name)
        measured[name] = students.measure(student, params, split, outputs[name])
        of_teacher |= teachers.metrics(taught.logits[name], split.labels, name)
    keep(settings, data, taught, params, outputs["test"], run)
    one_teacher = jax.tree.map(lambda x: x[0], taught.params)
    one_student = jax.tree.map(lambda x: x[0, 0], params)
    net = teacher_network(settings.teacher_width)
    costs = {
        TEACHER: cost.summary(net.apply, one_teacher, data.test.inputs),
        "student": cost.summary(student.apply, one_student, data.test.inputs),
    }
    run.write("costs.json", jsonl.text([costs]))
    known = arms(settings.temperatures)
    of_students = students.records(known, curves["diverged"], **measured)
    run.append([*of_metrics(TEACHER, of_teacher, family=TEACHER), *of_students])
    snapshots.clear()


def keep(settings, data, taught, params, outputs, run):
    """Keep the teacher and students [S, A, …] for export. Args: outputs: of the teacher on test."""
    rows = [arm.row for arm in arms(settings.temperatures)]
    saved_models.keep(run, student_network(), params, rows, data.test, outputs)
    net = teacher_network(settings.teacher_width)
    saved_models.keep_teachers(run, net, taught.params, TEACHER, data.test)


def chosen(records, family):
    """The row of the family with the fewest validation errors; on a tie, the lower NLL there."""
    rows = tables.by_row(r for r in records if r["family"] == family)

    def score(row):
        return tuple(
            np.mean(tables.values(rows[row], f"validation_{m}")) for m in ("errors", "nll")
        )

    return min(rows, key=score)


def table(folder):
    """The Markdown of a run folder: rows against labels only, and teacher against student."""
    records, costs = jsonl.records(folder), jsonl.only(folder / "costs.json")
    picked = {chosen(records, family) for family in (SOFT, MIXED)}
    rows = tables.by_row(records)
    lines = []
    for line in tables.compare(records, "test_errors", LABELS):
        validation, nll, agreement = (
            np.mean([r.get(m, np.nan) for r in rows[line.row]])
            for m in ("validation_errors", "test_nll", "test_agreement")
        )
        lines.append([
            line.row + (" (chosen)" if line.row in picked else ""),
            tables.spread(line),
            tables.difference(line),
            tables.verdict(line),
            f"{validation:.1f}",
            f"{nll:.3f}",
            "–" if np.isnan(agreement) else f"{agreement:.1%}",
        ])  # fmt: skip
    header = [
        "row", "test errors of 1,500", "difference to labels only [95 %]", "verdict",
        "validation errors of 500", "test NLL (nats)", "agrees with teacher",
    ]  # fmt: skip
    seeds = len(rows[LABELS])
    note = (
        f"Mean ± s.d. over {seeds} seeds, paired by seed; (chosen): the temperature with the "
        "fewest validation errors.\n"
    )
    return "\n".join([note, tables.markdown(header, lines), tables.costs(costs)])


def draw(records, run, data, teacher_logits):
    """Both figures of the run."""
    with figures.figure(run.path("errors_by_temperature.png")) as axes:
        figures.errors_by_temperature(axes, records, (SOFT, MIXED), (LABELS, TEACHER, PERMUTED))
        axes.set_ylabel("test errors of 1,500")
    shown = [int(np.flatnonzero(data.test.labels == digit)[0]) for digit in (2, 3, 4, 7)]
    figures.soft_targets(
        run.path("soft_targets.png"), data.test.inputs[shown], teacher_logits[shown], (1, 3, 8, 20)
    )


def run(settings):
    """The whole experiment: teacher, students, records, table, figures."""
    data = mnist_5k.load()
    facts = {"data": data.digest, "code": [TEACHER_CODE, STUDENT_CODE]}
    here = run_folder.Run(settings.workdir, "quickstart", settings.results_key(), facts)
    taught = fit_teacher(settings, data)
    here.facts["teacher"] = taught.fingerprint
    if not here.records():
        train_and_record(settings, data, taught, here)
    logits = taught.logits["test"][0]
    here.conclude(table, lambda folder: draw(here.records(), here, data, logits))


if __name__ == "__main__":
    experiment.launch(Config, run)
