"""A teacher that only answers: how much it must say, about what, and how often it must be asked."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from experiments.black_box import answers, queries, report
from kd_jax import experiment, fingerprint, losses, models
from kd_jax.data import augment, out_of_domain
from kd_jax.distill import controls, students, teachers
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.metrics import classification, records
from kd_jax.storage import checkpoint, run_folder
from kd_jax.training import loop, optimizers, samplers

BATCH, K, DECIMALS = 100, 3, 1
ANSWERS: dict[str, Callable] = {
    report.LABEL: answers.label,
    report.RANKED: functools.partial(answers.ranked, k=K),
    report.LIKELIEST: functools.partial(answers.likeliest, k=K),
    report.ROUNDED: functools.partial(answers.rounded, decimals=DECIMALS),
    report.EVERYTHING: answers.everything,
}
ROWS = [*ANSWERS, report.SHUFFLED]


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of the black box."""

    embedded: bool = experiment.setting(False, "use the package's 5,000 digits instead of MNIST")
    teacher_width: int = experiment.setting(300, "units in each hidden layer of the teacher")
    teacher_epochs: int = experiment.setting(15, "epochs of the teacher")
    width: int = experiment.setting(64, "units in each hidden layer of the students")
    steps: int = experiment.setting(3000, "steps of every student")
    budgets: tuple[int, ...] = experiment.setting((1000, 5000, 20000, 60000), "queries at random")
    rounds: tuple[int, ...] = experiment.setting(
        (500, 1000, 2000, 5000, 10000), "queries in all after each round of active choice"
    )

    PRESETS = {
        "default": {},
        "smoke": {
            "optimize": False,
            "seeds": 2,
            "embedded": True,
            "teacher_width": 64,
            "teacher_epochs": 5,
            "width": 16,
            "steps": 60,
            "budgets": (300, 1500),
            "rounds": (200, 600),
        },
    }

    def validate(self):
        experiment.check_counts(self, "teacher_width", "teacher_epochs", "width", "steps")
        for name in ("budgets", "rounds"):
            _check_queries(name, getattr(self, name), self.steps)


def _check_queries(name, counts, steps):
    given = ",".join(map(str, counts))
    require(counts, f"--{name} is empty: expected numbers of queries, like 1000,5000")
    require(list(counts) == sorted(set(counts)), f"--{name}={given}: expected ascending numbers")
    for count in counts:
        require(
            count > 0 and count % BATCH == 0 and steps * BATCH % count == 0,
            f"--{name}={given}: {count} is no multiple of {BATCH} that divides the {steps * BATCH} "
            f"examples of {steps} steps",
        )


@functools.cache
def network(width, **options):
    """Two hidden layers of ReLUs for the ten digits."""
    return models.functional(models.MLP((width, width), 10, **options), (28, 28))


def fit_teacher(settings, data):
    """(network, Taught) of one teacher, trained with dropout on images moved by up to 2 pixels."""
    width, epochs = settings.teacher_width, settings.teacher_epochs
    net = network(width, dropout=0.25)
    order = samplers.shuffled(jax.random.key(2), len(data.train.labels), BATCH)
    facts = {"experiment": "black_box", "width": width, "code": TEACHER_CODE}
    optimizer = optimizers.adam(1e-3, epochs, order)
    course = teachers.Recipe(report.TEACHER, net, optimizer, order, epochs, facts, augment.jitter)
    keys = jax.random.key(1)[None]
    where = {"workdir": settings.workdir, "retrain": settings.retrain}
    return net, teachers.together(course, keys, data, **where)


def told(logits):
    """What the teacher lets out of its logits [N, C]: logits [N, K, C] in the order of ROWS."""
    p = np.asarray(jax.nn.softmax(logits))
    shuffled = controls.permuted(np.asarray(logits), p.argmax(-1), seed=0)
    said = [answers.as_logits(answer(p)) for answer in ANSWERS.values()]
    return np.stack([*said, shuffled], axis=1, dtype=np.float32)


def asked(net, taught, inputs):
    """What students gather their batches from: a pool's inputs [N, …] and what is said of them."""
    params = jax.tree.map(lambda x: jnp.asarray(x)[:, None], taught.params)
    said = told(classification.predict(net.apply, params, inputs)[0, 0])
    return {"inputs": inputs, "labels": np.zeros(len(inputs), np.int32), "teachers": said}


def fit(settings, rows, arms, data, snapshots, group=1):
    """(network, params [S, A, …], when they diverged [S, A]) of students on rows [S, n] of data.

    Args: group: how many students in turn share an initialisation.
    """
    net = network(settings.width)
    order = queries.order(jax.random.key(4), rows, BATCH)
    epochs = settings.steps * BATCH // rows.shape[1]
    keys = jax.random.split(jax.random.key(3), settings.seeds)[np.arange(len(rows)) // group]
    params, curves = students.fit(
        net, optimizers.adam(2e-3, epochs, order), arms, keys, data, order,
        epochs=epochs, label=f"{rows.shape[1]:,} queries", snapshots=snapshots,
    )  # fmt: skip
    return net, params, curves["diverged"]


def teach(settings, part, data, count, test, run):
    """The records of students of `count` queries at random from a pool, one row per answer.

    Args: data: of `asked`; test: (Split, the teacher's logits).
    """
    rows = queries.at_random(settings.seeds, len(data["inputs"]), count)
    arms = [students.Arm(row, row, soft=1.0, source=number) for number, row in enumerate(ROWS)]
    snapshots = checkpoint.of_run(run, part, count)
    net, params, diverged = fit(settings, rows, arms, data, snapshots)
    saved_models.keep(run, net, params, ROWS, *test, part=part, queries=count)
    found = students.records(arms, diverged, test=students.measure(net, params, *test))
    snapshots.clear()
    return [{**r, "part": part, "queries": count} for r in found]


def ask_actively(settings, answer, data, test, run):
    """The records of rounds of queries, at random or where the student is least sure.

    Members [S, 2] are laid out as seeds [2 S], since each asks about rows of its own.
    """
    arm = students.Arm(answer, answer, soft=1.0, source=ROWS.index(answer))
    by_chance = queries.at_random(settings.seeds, len(data["inputs"]), settings.rounds[-1])
    rows, found = by_chance[:, : settings.rounds[0]], []
    for number, count in enumerate(settings.rounds):
        snapshots = checkpoint.of_run(run, "active", answer, count)
        both = np.stack([by_chance[:, :count], rows], axis=1).reshape(-1, count)
        net, params, diverged = fit(settings, both, [arm], data, snapshots, group=2)
        measured = students.measure(net, params, *test)
        for choice, row in enumerate((report.AT_RANDOM, report.LEAST_SURE)):
            one, known = jax.tree.map(lambda x, c=choice: x[c::2], params), {"queries": count}
            saved_models.keep(run, net, one, [row], *test, part=report.ACTIVE[answer], **known)
            metrics = {f"test_{name}": x[choice::2, 0] for name, x in measured.items()}
            more = {"part": report.ACTIVE[answer], "queries": count}
            found += records.of_metrics(row, metrics, diverged[choice::2, 0], **more)
        if count < settings.rounds[-1]:
            unsure = jax.tree.map(lambda x: x[1::2], params)
            p = jax.nn.softmax(classification.predict(net.apply, unsure, data["inputs"])[:, 0])
            rows = queries.least_sure(rows, queries.margin(p), settings.rounds[number + 1])
        snapshots.clear()
    return found


def pools(settings, data, others):
    """{part: a function that gives its inputs}: what the teacher is asked about."""
    count, images = max(settings.budgets), data.train.inputs
    return {
        report.OWN: lambda: images,
        report.MIXES: lambda: queries.mixes(images, count, seed=0),
        report.OTHERS: lambda: others,
        report.NOISE: lambda: queries.noise(count, images.shape[1:], seed=0),
    }


TEACHER_CODE = fingerprint.source(
    augment, loop, teachers, losses.logits, models.mlp, optimizers, network, fit_teacher,
)  # fmt: skip
STUDENT_CODE = fingerprint.source(
    loop, students, answers, queries, controls, classification, out_of_domain, losses.logits,
    models.mlp, optimizers, network, asked, told, fit, teach, ask_actively, pools,
)  # fmt: skip


def load(settings):
    """(Dataset of digits, images that are none, digests of both)."""
    where = settings.data_dir, settings.manual_dir
    data, others, digests = out_of_domain.beside_digits(settings.embedded, *where)
    largest = min(len(data.train.inputs), len(others))
    for name in ("budgets", "rounds"):
        most = getattr(settings, name)[-1]
        require(most <= largest, f"--{name}: {most} queries, but there are {largest} images")
    return data, others, digests


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """The whole experiment: teacher, students of every answer and pool, records, table, figures."""
    data, others, digests = load(settings)
    facts = {"data": digests, "code": [TEACHER_CODE, STUDENT_CODE]}
    here = run_folder.Run(settings.workdir, "black_box", settings.results_key(), facts)
    net, taught = fit_teacher(settings, data)
    here.facts["teacher"] = taught.fingerprint
    if not here.has(row=report.TEACHER):
        found = teachers.metrics(taught.logits["test"], data.test.labels)
        saved_models.keep_teachers(here, net, taught.params, report.TEACHER, data.test)
        here.append(records.of_metrics(report.TEACHER, found, part=report.TEACHER))
    test = data.test, taught.logits["test"][0]
    for part, pool in pools(settings, data, others).items():
        left = [count for count in settings.budgets if not here.has(part=part, queries=count)]
        known = asked(net, taught, pool()) if left else None
        for count in left:
            here.append(teach(settings, part, known, count, test, here))
    for answer, part in report.ACTIVE.items():
        if not here.has(part=part):
            known = asked(net, taught, data.train.inputs)
            here.append(ask_actively(settings, answer, known, test, here))
    here.conclude(table, report.draw)


if __name__ == "__main__":
    experiment.launch(Config, run)
