"""McCaffrey's teacher-student demo on 240 people: replayed exactly, then over 20 seeds."""

import functools
from typing import Any

import jax
import numpy as np

from experiments.people import stages
from experiments.people.config import PERSON, Config
from experiments.people.replay import replay
from experiments.people.rows import DISTILLED, LABELS, TEACHER, TUNED, TUNED_RAW
from experiments.people.stages import STUDENT_NET, TEACHER_NET
from kd_jax import fingerprint
from kd_jax.data import people
from kd_jax.data.dataset import Split
from kd_jax.export import saved_models
from kd_jax.metrics import classification
from kd_jax.metrics.records import seed_records
from kd_jax.storage import model_store, run_folder
from kd_jax.training import state

STUDENTS = LABELS, DISTILLED, TUNED_RAW, TUNED


def shuffled(generator: np.random.Generator, rows_of_seed: list, epochs: int) -> np.ndarray:
    """Batches [S, epochs, steps, B]: each seed's rows, shuffled anew every epoch."""
    steps = max(1, -(-max(len(rows) for rows in rows_of_seed) // stages.BATCH_SIZE))
    return np.array([
        [stages.in_batches(generator.permutation(rows), steps) for _ in range(epochs)]
        for rows in rows_of_seed
    ])  # fmt: skip


def untrained(seeds: int, each=state.initialize) -> dict[str, Any]:
    """{row: params [S, …]} of all networks before training; each: what maps `init` over keys."""
    teacher_keys, student_keys = jax.random.split(jax.random.key(0), (2, seeds))
    student = each(STUDENT_NET.init)(student_keys)
    return {TEACHER: each(TEACHER_NET.init)(teacher_keys), **dict.fromkeys(STUDENTS, student)}


def fit_networks(seeds: int, split: Split) -> dict[str, Any]:
    """`untrained` networks trained, each seed drawing its own numbers."""
    generator, everyone = np.random.default_rng(240), [np.arange(len(split.labels))] * seeds
    found = untrained(seeds)

    def fit(stage, batches, start, teachers=None):
        found[stage.row], _ = stages.fit(stage, found[start], split, batches, teachers)

    fit(stages.TEACHER, shuffled(generator, everyone, stages.TEACHER.epochs), TEACHER)
    batches = shuffled(generator, everyone, stages.DISTILLED.epochs)
    fit(stages.DISTILLED, batches, DISTILLED, found[TEACHER])
    fit(stages.LABELS, batches, LABELS)
    wrong = stages.mistakes(found[DISTILLED], split)
    batches = shuffled(generator, wrong, stages.TUNED.epochs)
    fit(stages.TUNED_RAW, batches, DISTILLED)
    fit(stages.TUNED, batches, DISTILLED)
    return found


def networks(seeds: int, split: Split, run: run_folder.Run) -> dict[str, Any]:
    """What `fit_networks` gives, restored where it was trained before."""
    facts = {"seeds": seeds, "data": fingerprint.arrays(split)}
    facts["code"] = fingerprint.code(fit_networks)
    like = jax.eval_shape(functools.partial(untrained, seeds, jax.vmap))
    found = model_store.fit_or_restore(
        run.workdir, facts, lambda _: fit_networks(seeds, split), like, retrain=run.retrain
    )
    return found.params


def outputs(row: str, params: Any, inputs: np.ndarray) -> np.ndarray:
    """Logits [S, N, 3] of the networks [S, …] of one row."""
    net = TEACHER_NET if row == TEACHER else STUDENT_NET
    return np.asarray(stages.logits_of(net.apply, params, inputs))


def mistakes_text(students: Any, split: Split) -> str:
    """CSV of the rows that the first of the students gets wrong, as the demo saves them."""
    wrong, *_ = stages.mistakes(jax.tree.map(lambda x: x[:1], students), split)
    rows = ([*split.inputs[row], split.labels[row]] for row in wrong)
    return "".join(",".join(f"{x:g}" for x in row) + "\n" for row in rows)


def train(seeds: int, splits: dict[str, Split], task: run_folder.Task) -> list[dict]:
    """Train, save and measure all networks; one record per row and seed."""
    found, test = networks(seeds, splits["train"], task.run), splits["test"]
    taught = outputs(TEACHER, found[TEACHER], test.inputs)
    grid = jax.tree.map(lambda *x: np.stack(x, axis=1), *(found[row] for row in STUDENTS))
    alone = jax.tree.map(lambda x: x[:, None], found[TEACHER])
    saved_models.save(task.run, TEACHER_NET, alone, [TEACHER], test)
    saved_models.save(task.run, STUDENT_NET, grid, STUDENTS, test, taught, teacher=TEACHER)
    task.run.write("mistakes.csv", mistakes_text(found[DISTILLED], splits["train"]))
    records = []
    for row, params in found.items():
        metrics = {}
        for name, split in splits.items():
            of_split = classification.measure(outputs(row, params, split.inputs), split.labels)
            metrics |= {f"{name}_{metric}": values for metric, values in of_split.items()}
        records += seed_records(row, metrics)
    return records


def predict(person: np.ndarray, found: dict[str, Any]) -> None:
    """Print the class probabilities of one person [6] by teacher and students of seed 0."""
    print("class probabilities (0 conservative, 1 moderate, 2 liberal)")
    for row in (TEACHER, DISTILLED, TUNED):
        logits = outputs(row, found[row], person[None])[0, 0]
        print(f"  {row:<32}" + " ".join(f"{p:.4f}" for p in jax.nn.softmax(logits)))


def run(config: Config, run: run_folder.Run) -> None:
    """The whole experiment over seeds, or what --replay or --predict ask for."""
    train_split, test_split = people.load(config.manual_dir)
    if config.predict:
        person = people.parse_person(config.predict, "--predict")
        predict(person, networks(config.seeds, train_split, run))
    elif config.replay:
        replay(train_split, test_split, people.parse_person(PERSON, "the demo's person"))
    else:
        run.uses(data=people.digest())
        splits = {"train": train_split, "test": test_split}
        run.each([({}, functools.partial(train, config.seeds, splits))])
