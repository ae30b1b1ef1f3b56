"""A published teacher-student demo on 240 people: replayed exactly, then over 20 seeds."""

import csv
import dataclasses
import functools
import io

import jax
import jax.numpy as jnp
import numpy as np

from experiments.people import explicit, report
from experiments.people.replay import Replay
from experiments.people.report import DISTILLED, LABELS, TEACHER, TUNED, TUNED_RAW
from experiments.people.stages import label_loss, raw_label_loss, regression_loss
from experiments.people.torch_random import Generator
from kd_jax import experiment, fingerprint, losses, models
from kd_jax.data import people
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.metrics import classification
from kd_jax.metrics.records import of_metrics
from kd_jax.storage import model_store, run_folder
from kd_jax.training import loop, state

PERSON = "-1,0.36,1,0,0,0.445"
BATCH, TEACHER_EPOCHS, STUDENT_EPOCHS, TUNING_EPOCHS = 10, 2000, 1200, 8
PADDING = 200  # the index of the padding row, after the 200 training rows


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of the people demo."""

    seeds: int = experiment.setting(20, "how many seeds each row is averaged over")
    replay: bool = experiment.setting(False, "reproduce the published run from its seed, and stop")
    predict: str = experiment.place("", f'print class probabilities of one person, like "{PERSON}"')

    PRESETS = {"default": {}, "smoke": {"seeds": 2}}

    def validate(self):
        if self.predict:
            people.parse_person(self.predict, "--predict")
            require(not self.replay, "--predict and --replay: choose one of them")


TEACHER_NET = models.functional(models.MLP((100, 100), people.CLASSES, activation=jnp.tanh), (6,))
STUDENT_NET = models.functional(models.MLP((8,), people.CLASSES, activation=jnp.tanh), (6,))


@functools.partial(jax.jit, static_argnames="apply")
def logits_of(apply, params, inputs):
    """Logits [S, N, 3] of networks [S, …]."""
    return jax.vmap(lambda p: apply(p, inputs)[0])(params)


def log_probabilities(params, inputs):
    """The teachers' log-probabilities [S, N + 1, 3] of all rows, the padding among them."""
    return np.asarray(jax.nn.log_softmax(logits_of(TEACHER_NET.apply, params, inputs)))


def mistakes(params, split):
    """For each student of [S, …] the indices of the training rows that it gets wrong."""
    logits = logits_of(STUDENT_NET.apply, params, split.inputs)
    wrong = np.argmax(logits, -1) != split.labels
    return [np.flatnonzero(row) for row in wrong]


def batched(rows, steps):
    """The rows in batches of the demo's size."""
    return explicit.in_batches(rows, steps, BATCH, PADDING)


def shuffled_orders(generator, rows_of_seed, epochs):
    """Orders [S, epochs, steps, BATCH]: each seed's rows, shuffled anew every epoch."""
    steps = max(1, -(-max(len(rows) for rows in rows_of_seed) // BATCH))
    return np.array([
        [batched(generator.permutation(rows), steps) for _ in range(epochs)]
        for rows in rows_of_seed
    ])  # fmt: skip


def fit_networks(seeds, split):
    """{row: params [S, …]} of the teacher and every student, each seed drawing its own numbers."""
    descend = explicit.descend
    generator = np.random.default_rng(240)
    data, everyone = explicit.padded(split), [np.arange(len(split.labels))] * seeds
    teacher_keys, student_keys = jax.random.split(jax.random.key(0), (2, seeds))
    orders = shuffled_orders(generator, everyone, TEACHER_EPOCHS)
    start, loss = state.initialize(TEACHER_NET.init)(teacher_keys), label_loss(TEACHER_NET.apply)
    taught, _ = descend(f"{seeds} teachers", loss, 0.005, start, data, orders)
    own = {"log_probabilities": log_probabilities(taught, data["inputs"])}
    orders = shuffled_orders(generator, everyone, STUDENT_EPOCHS)
    pupils = state.initialize(STUDENT_NET.init)(student_keys)
    loss = regression_loss(STUDENT_NET.apply)
    distilled, _ = descend(f"{seeds} students distilled", loss, 0.01, pupils, data, orders, own)
    loss = label_loss(STUDENT_NET.apply)
    on_labels, _ = descend(f"{seeds} students on labels", loss, 0.01, pupils, data, orders)
    orders = shuffled_orders(generator, mistakes(distilled, split), TUNING_EPOCHS)
    raw_loss = raw_label_loss(STUDENT_NET.apply)
    tuned_raw, _ = descend("tuning, raw outputs", raw_loss, 0.001, distilled, data, orders)
    tuned, _ = descend("tuning, log-softmax", loss, 0.001, distilled, data, orders)
    return {
        TEACHER: taught,
        LABELS: on_labels,
        DISTILLED: distilled,
        TUNED_RAW: tuned_raw,
        TUNED: tuned,
    }


CODE = fingerprint.source(
    loop, explicit, losses.logits, models.mlp, people, label_loss, regression_loss,
    raw_label_loss, logits_of, log_probabilities, mistakes, batched, shuffled_orders,
    fit_networks,
)  # fmt: skip


def networks(settings, split):
    """The store's entry with the params {row: [S, …]} of all networks, trained if it is missing."""
    facts = {
        "experiment": "people",
        "seeds": settings.seeds,
        "data": people.digest(),
        "code": CODE,
    }

    def like():
        keys = jax.random.split(jax.random.key(0), settings.seeds)
        student = jax.vmap(STUDENT_NET.init)(keys)
        rows = dict.fromkeys((LABELS, DISTILLED, TUNED_RAW, TUNED), student)
        return {TEACHER: jax.vmap(TEACHER_NET.init)(keys), **rows}

    return model_store.fit_or_restore(
        settings.workdir,
        facts,
        lambda snapshots: fit_networks(settings.seeds, split),
        jax.eval_shape(like),
        retrain=settings.retrain,
    )


def outputs(row, params, inputs):
    """Logits [S, N, 3] of the networks [S, …] of one row."""
    net = TEACHER_NET if row == TEACHER else STUDENT_NET
    return logits_of(net.apply, params, inputs)


def make_records(found, splits):
    """One record per row and seed with the metrics on both splits."""
    records = []
    for row, params in found.items():
        metrics = {}
        for name, split in splits.items():
            of_split = classification.measure(outputs(row, params, split.inputs), split.labels)
            metrics |= {f"{name}_{metric}": values for metric, values in of_split.items()}
        records += of_metrics(row, metrics)
    return records


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def mistakes_text(params, split):
    """CSV of the rows that the first distilled student gets wrong, as the demo saves them."""
    first = jax.tree.map(lambda x: x[:1], params)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in mistakes(first, split)[0]:
        writer.writerow([*(f"{x:g}" for x in split.inputs[row]), split.labels[row]])
    return text.getvalue()


def predict(settings, split):
    """Print what teacher and students of seed 0 say of one person."""
    person = people.parse_person(settings.predict, "--predict")
    found = networks(settings, split).params
    print("class probabilities (0 conservative, 1 moderate, 2 liberal)")
    for row in (TEACHER, DISTILLED, TUNED):
        logits = outputs(row, found[row], person[None])[0, 0]
        print(f"  {row:<28}" + " ".join(f"{p:.4f}" for p in jax.nn.softmax(logits)))


def keep(params, split, run):
    """Keep all networks {row: [S, …]} for export, with the split that they are tested on."""
    taught, pupils = params[TEACHER], {row: x for row, x in params.items() if row != TEACHER}
    saved_models.keep_teachers(run, TEACHER_NET, taught, TEACHER, split)
    grid = jax.tree.map(lambda *x: np.stack(x, axis=1), *pupils.values())
    said = logits_of(TEACHER_NET.apply, taught, split.inputs)
    saved_models.keep(run, STUDENT_NET, grid, pupils, split, said, teacher=TEACHER)


def run(settings):
    """The whole experiment over seeds, or what --replay or --predict ask for."""
    train_split, test_split = people.load(settings.manual_dir)
    if settings.predict:
        return predict(settings, train_split)
    if settings.replay:
        return replay(train_split, test_split)
    facts = {"data": people.digest(), "code": CODE}
    here = run_folder.Run(settings.workdir, "people", settings.results_key(), facts)
    stored = networks(settings, train_split)
    if not here.records():
        keep(stored.params, test_split, here)
        here.append(make_records(stored.params, {"train": train_split, "test": test_split}))
    here.write("mistakes.csv", mistakes_text(stored.params[DISTILLED], train_split))
    here.conclude(table)


def replay(train_split, test_split):
    """Reproduce the published run, printing what the demo printed.

    One generator, seeded with 0, draws everything in the demo's order: the teacher's weights, its
    epochs, the student's weights, its epochs, the tuning epochs. The tuning uses raw outputs.
    """
    again = Replay(Generator(0), (train_split, test_split), BATCH)
    person = people.parse_person(PERSON, "the demo's person")[None]

    def probabilities(row, params):
        of_person = jax.nn.softmax(outputs(row, params, person)[0, 0])
        print(f"  {row}: prediction " + " ".join(f"{p:.4f}" for p in of_person))

    everyone, apply = np.arange(len(train_split.labels)), TEACHER_NET.apply
    one = again.weights((6, 100, 100, people.CLASSES))
    taught = again.stage(TEACHER, apply, label_loss(apply), 0.005, one, everyone, TEACHER_EPOCHS)
    probabilities(TEACHER, taught)
    one, apply = again.weights((6, 8, people.CLASSES)), STUDENT_NET.apply
    own = {"log_probabilities": log_probabilities(taught, explicit.padded(train_split)["inputs"])}
    loss = regression_loss(apply)
    student = again.stage(DISTILLED, apply, loss, 0.01, one, everyone, STUDENT_EPOCHS, own)
    wrong = mistakes(student, train_split)[0]
    print(f"  {DISTILLED}: {len(wrong)} mistakes to tune on")
    loss = raw_label_loss(apply)
    tuned = again.stage(TUNED_RAW, apply, loss, 0.001, student, wrong, TUNING_EPOCHS)
    probabilities(TUNED_RAW, tuned)


if __name__ == "__main__":
    experiment.launch(Config, run)
