"""The equations of the 2015 paper (section 2) as numbers and as trainings."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from experiments.equations_2015 import report
from kd_jax import experiment, fingerprint, losses, models
from kd_jax.data import mnist_5k
from kd_jax.distill import ensembles, teachers
from kd_jax.export import saved_models
from kd_jax.metrics import classification, records
from kd_jax.runtime import progress
from kd_jax.storage import checkpoint, run_folder
from kd_jax.training import loop, optimizers, samplers
from kd_jax.training import state as train_state

TEMPERATURES = (1.0, 5.0, 20.0, 50.0, 100.0, 1000.0)
TRAINED_T, MEAN_T, DRAWN = (1.0, 5.0, 20.0, 100.0), 2.0, 1000
ARITHMETIC, GEOMETRIC = range(2)  # which mean of the teachers


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of the equations."""

    members: int = experiment.setting(10, "teachers in the ensemble")
    teacher_width: int = experiment.setting(200, "units in each of their two hidden layers")
    teacher_epochs: int = experiment.setting(30, "epochs of the teachers")
    student_epochs: int = experiment.setting(30, "epochs of the students")

    PRESETS = {
        "default": {},
        "smoke": {
            "optimize": False,
            "seeds": 2,
            "members": 3,
            "teacher_width": 20,
            "teacher_epochs": 2,
            "student_epochs": 2,
        },
    }

    def validate(self):
        experiment.check_counts(
            self, "members", "teacher_width", "teacher_epochs", "student_epochs"
        )


def gradients(seed):
    """Records over T: how far the gradient of T² KL is from its limit, and its size without T².

    Equation 4: dC/dz_i → (z_i − v_i)/(N T²) for zero-mean z and v, so T² N dC/dz → z − v.
    """
    z, v = jax.random.normal(jax.random.key(seed), (2, DRAWN, 10))
    z, v = z - z.mean(-1, keepdims=True), v - v.mean(-1, keepdims=True)
    found = []
    for t in TEMPERATURES:
        of_loss = jax.grad(lambda z, t=t: losses.soft_targets(z, v, temperature=t).sum())(z)
        by_hand = t * (jax.nn.softmax(z / t) - jax.nn.softmax(v / t))  # equation 2, times T²
        size = float(jnp.linalg.norm(of_loss))
        found.append({
            "row": f"T={t:g}",
            "part": "gradient",
            "seed": seed,
            "temperature": t,
            "equation_2_error": float(jnp.linalg.norm(of_loss - by_hand)) / size,
            "limit_error": float(jnp.linalg.norm(10 * of_loss - (z - v)) / jnp.linalg.norm(z - v)),
            "size": size,
            "size_without": size / t**2,
        })  # fmt: skip
    return found


@functools.cache
def network(*widths, **options):
    """A fully connected network of ReLUs for the ten digits."""
    return models.functional(models.MLP(widths, 10, **options), (28, 28))


def fit_teachers(settings, data):
    """The Taught of the ensemble."""
    order = samplers.shuffled(jax.random.key(1), len(data.train.labels), 100)
    epochs, width = settings.teacher_epochs, settings.teacher_width
    facts = {"experiment": "equations_2015", "width": width, "code": TEACHER_CODE}
    net = network(width, width, dropout=0.5)
    course = teachers.Recipe(
        "member", net, optimizers.adam(3e-3, epochs, order), order, epochs, facts
    )
    keys = jax.random.split(jax.random.key(2), settings.members)
    return teachers.together(course, keys, data, settings.workdir, retrain=settings.retrain)


def loss(apply):
    """Soft targets at T, or where "matching" is 1 the limit they have, logit matching."""

    def loss_fn(params, batch, key):
        logits, _ = apply(params, batch["inputs"])
        teacher = jnp.take(batch["teachers"], batch["source"], axis=1)
        soft = losses.soft_targets(logits, teacher, temperature=batch["temperature"])
        match = losses.logit_matching(logits, teacher)
        term = jnp.where(batch["matching"] > 0, match, soft)
        return jnp.mean(term), {"matching": jnp.mean(match)}

    return loss_fn


ARMS = [  # row, T, whether it is the limit, whose mean
    *((report.soft(t), t, 0, ARITHMETIC) for t in TRAINED_T),
    (report.MATCHING, 1.0, 1, ARITHMETIC),
    (report.OF_ARITHMETIC, MEAN_T, 0, ARITHMETIC),
    (report.OF_GEOMETRIC, MEAN_T, 0, GEOMETRIC),
]


def fit_students(settings, data, teachers, snapshots):
    """(parameters [S, A, …], {curve: [epochs, S, A]}) of the students in ARMS."""
    names = ("temperature", "matching", "source")
    numbers = {
        name: np.tile(np.array([arm[i] for arm in ARMS]), (settings.seeds, 1))
        for i, name in enumerate(names, 1)
    }
    order = samplers.shuffled(jax.random.key(3), len(data.train.labels), 50)
    net, epochs = network(20, 20), settings.student_epochs
    optimizer = optimizers.adam(3e-3, epochs, order)
    keys = jax.random.split(jax.random.key(4), settings.seeds)
    state = train_state.members(net.init, optimizer, keys, len(ARMS))
    arrays = {"inputs": data.train.inputs, "teachers": teachers}
    with progress.bar(f"{numbers['source'].size} students", epochs) as shown:
        state, curves = loop.fit(
            loss(net.apply), optimizer, state, arrays, order, epochs=epochs, numbers=numbers,
            report=shown, snapshots=snapshots,
        )  # fmt: skip
    return state.params, curves


def trainings(settings, data, taught, run, snapshots):
    """Records of the members, their means, and the students."""
    means = {
        split: np.stack([ensembles.arithmetic(x), ensembles.geometric(x)], 1)
        for split, x in taught.logits.items()
    }
    params, curves = fit_students(settings, data, means["train"], snapshots)
    labels, found = data.test.labels, []
    of_means = np.moveaxis(means["test"], 1, 0)[:, None]
    for row, logits in (
        (report.MEMBER, taught.logits["test"]),
        (report.ARITHMETIC, of_means[ARITHMETIC]),
        (report.GEOMETRIC, of_means[GEOMETRIC]),
    ):
        found += records.of_metrics(row, teachers.metrics(logits, labels), part="training")
    rows = [row for row, *_ in ARMS]
    said = means["test"][:, ARITHMETIC]
    saved_models.keep(run, network(20, 20), params, rows, data.test, said, part="training")
    students = classification.predict(network(20, 20).apply, params, data.test.inputs)
    for a, (row, *_) in enumerate(ARMS):
        metrics = teachers.metrics(students[:, a], labels)
        metrics["curve"] = curves["matching"][:, :, a].T
        found += records.of_metrics(row, metrics, part="training")
    return found


TEACHER_CODE = fingerprint.source(
    loop, teachers, losses.logits, models.mlp, network, optimizers, fit_teachers,
)  # fmt: skip
STUDENT_CODE = fingerprint.source(
    loop, ensembles, classification, losses.logits, models.mlp, gradients, network, optimizers,
    loss, fit_students, trainings,
)  # fmt: skip


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """All equations: gradients, trainings, records, tables, figure."""
    data = mnist_5k.load()
    facts = {"data": data.digest, "code": [TEACHER_CODE, STUDENT_CODE]}
    here = run_folder.Run(settings.workdir, "equations_2015", settings.results_key(), facts)
    taught = fit_teachers(settings, data)
    here.facts["teacher"] = taught.fingerprint
    if not here.records():
        snapshots = checkpoint.Snapshots(here.path("training"), here.facts)
        found = [r for seed in range(settings.seeds) for r in gradients(seed)]
        here.append(found + trainings(settings, data, taught, here, snapshots))
        snapshots.clear()
    here.conclude(table, report.draw)


if __name__ == "__main__":
    experiment.launch(Config, run)
