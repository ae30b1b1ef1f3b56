"""Generalist and specialists on classes that are easily confused, and students of them."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.specialists import data as two_digits
from experiments.specialists import metrics
from experiments.specialists import rows as named
from experiments.specialists.config import Config
from kd_jax import models
from kd_jax.data import Dataset
from kd_jax.distill import controls, specialists, students, teachers
from kd_jax.distill.students import Arm
from kd_jax.errors import InputError
from kd_jax.export import saved_models
from kd_jax.metrics import classification
from kd_jax.storage import run_folder
from kd_jax.training import samplers

GENERALIST_KEY, GENERALIST_SAMPLER, SPECIAL_SAMPLER, SPECIAL_KEY = 1, 2, 4, 5
LONGER_KEY, STUDENT_KEY, STUDENT_SAMPLER = 6, 7, 8
BATCH, STEPS = 60, 100  # STEPS: of equation 5
MIXED: dict[str, Any] = {"temperature": 2.0, "soft_weight": 1.0, "label_weight": 0.5}
ARMS = [
    Arm(named.LABELS, label_weight=1.0, teacher="generalist"),
    Arm(named.SMOOTHED, label_weight=1.0, smoothing=0.1, teacher="generalist"),
    Arm(named.OF_GENERALIST, teacher="generalist", **MIXED),
    Arm(named.OF_JOINED, teacher="joined", **MIXED),
    Arm(named.OF_PERMUTED, teacher="permuted", **MIXED),
]


@functools.cache
def network(width: int, classes: int, shape: tuple[int, ...]) -> models.Model:
    """Two hidden layers of ReLUs; one object, so that it compiles once."""
    return models.functional(models.MLP((width, width), classes), shape)


def recipe(config: Config, data: Dataset, epochs: int, sampler, classes: int) -> teachers.Recipe:
    """Adam with a cosine decay on a data set's inputs."""
    model = network(config.width, classes, data.train.inputs.shape[1:])
    return teachers.adam_recipe(model, 1e-3, sampler, epochs)


def whole_recipe(config: Config, data: Dataset, epochs: int, sampler_key: int) -> teachers.Recipe:
    """A network of all classes, on all rows."""
    sampler = samplers.shuffled(jax.random.key(sampler_key), len(data.train.labels), BATCH)
    return recipe(config, data, epochs, sampler, data.classes)


def generalist_recipe(config: Config, data: Dataset) -> teachers.Recipe:
    """The generalist's."""
    return whole_recipe(config, data, config.epochs, GENERALIST_SAMPLER)


def assigned(config: Config, logits: np.ndarray) -> np.ndarray:
    """Special classes [S, K, size] by what generalists [S, N, C] confuse; no labels are read."""
    found = []
    for seed, scores in enumerate(logits):
        columns = specialists.confusion_columns(np.asarray(jax.nn.softmax(scores)))
        centers = specialists.online_k_means(columns, config.specialists, seed=seed)
        found.append(specialists.special_classes(columns, centers, config.special_classes))
    return np.stack(found)


def unstacked(params) -> list:
    """The parameters of each seed, one after the other."""
    count = len(jax.tree.leaves(params)[0])
    return [jax.tree.map(lambda x, s=s: x[s], params) for s in range(count)]


def fit_specialists(config: Config, data: Dataset, params, special: np.ndarray, snapshots):
    """(Model, parameters [S, K, …]) of all specialists, which begin as their generalists."""
    size, flat = config.special_classes, special.reshape(-1, config.special_classes)
    labels = np.stack([specialists.specialist_labels(data.train.labels, c) for c in flat])
    key = jax.random.key(SPECIAL_SAMPLER)
    sampler = specialists.half_special_sampler(key, labels, size, BATCH)
    special_recipe = recipe(config, data, config.special_epochs, sampler, size + 1)
    first = [
        specialists.from_generalist(one, classes)
        for one, of_seed in zip(unstacked(params), special)
        for classes in of_seed
    ]
    keys = jax.random.split(jax.random.key(SPECIAL_KEY), len(flat))
    found = teachers.fit(
        special_recipe, keys, data.train, start=jax.tree.map(lambda *x: jnp.stack(x), *first),
        own={"labels": labels}, title="specialist", snapshots=snapshots,
    )  # fmt: skip
    shape = special.shape[:2]
    return special_recipe.model, jax.tree.map(lambda x: x.reshape(*shape, *x.shape[1:]), found)


def joined(model, params, generalists, special, inputs, shift: float) -> np.ndarray:
    """log q [S, N, C] of generalists' logits and their specialists. Args: shift: of dustbins."""
    found = []
    for scores, one, classes in zip(generalists, unstacked(params), special):
        grid = jax.tree.map(lambda x: x[:, None], one)
        each = classification.predict(model.apply, grid, inputs)[:, 0]
        each[..., -1] += shift
        log_p, log_m = np.asarray(jax.nn.log_softmax(scores)), jax.nn.log_softmax(each)
        active = specialists.active(log_p, classes)
        found.append(np.asarray(specialists.combine(log_p, log_m, classes, active, steps=STEPS)))
    return np.stack(found)


def with_specialists(config: Config, data: Dataset, taught, special, snapshots):
    """({row: test logits [S, N, C]}, generalist and specialists' logits of the training rows)."""
    part = snapshots.part("specialists")
    model, params = fit_specialists(config, data, taught.params, special, part)
    longer = teachers.fit(
        whole_recipe(config, data, config.special_epochs, GENERALIST_SAMPLER),
        jax.random.split(jax.random.key(LONGER_KEY), config.seeds), data.train,
        start=taught.params, title=named.LONGER, snapshots=snapshots.part("longer"),
    )  # fmt: skip
    shift = specialists.dustbin_shift(config.special_classes / data.classes)

    def together(split, shift):
        inputs = getattr(data, split).inputs
        return joined(model, params, taught.logits[split], special, inputs, shift)

    grid = jax.tree.map(lambda x: x[:, None], longer)
    rows = {
        named.GENERALIST: taught.logits["test"],
        named.LONGER: classification.predict(taught.model.apply, grid, data.test.inputs)[:, 0],
        named.JOINED: together("test", shift),
        named.UNCORRECTED: together("test", 0.0),
    }
    return rows, together("train", shift)


def train_part(config: Config, data: Dataset, names: list[str], task) -> list[dict]:
    """The records of one part: generalists, specialists, control and students."""
    keys = jax.random.split(jax.random.key(GENERALIST_KEY), config.seeds)
    taught = teachers.together(
        named.GENERALIST, generalist_recipe(config, data), keys, data, task.run,
    )  # fmt: skip
    special = assigned(config, taught.logits["validation"])
    found, together = with_specialists(config, data, taught, special, task.snapshots)
    labels, outputs = data.train.labels, taught.logits["train"]
    permuted = [controls.permuted(x, labels, seed) for seed, x in enumerate(together)]
    sources = {"generalist": outputs, "joined": together, "permuted": np.stack(permuted)}
    student_recipe = whole_recipe(config, data, config.student_epochs, STUDENT_SAMPLER)
    keys = jax.random.split(jax.random.key(STUDENT_KEY), config.seeds)
    snapshots = task.snapshots.part("students")
    params, _ = students.fit(student_recipe, ARMS, data.train, sources, keys, snapshots=snapshots)
    model, rows, test = student_recipe.model, [arm.row for arm in ARMS], data.test
    saved_models.save(
        task.run, model, params, rows, test, taught.logits["test"], teacher=named.GENERALIST,
        **task.known,
    )  # fmt: skip
    saved_models.save_teachers(task.run, taught, test, **task.known)
    logits = classification.predict(model.apply, params, test.inputs)
    found |= {row: logits[:, a] for a, row in enumerate(rows)}
    each = [
        metrics.examine(row, x, test.labels, special, np.array(names)) for row, x in found.items()
    ]
    return sum(each, [])


def tasks(config: Config) -> dict[str, tuple[Dataset, list[str]]]:
    """{part: (Dataset, names of its classes)}: two digits, and BANKING77 with the extra."""
    where = config.data_dir, config.manual_dir
    found = {named.DIGITS: (two_digits.load(*where), [f"{c:02d}" for c in range(100)])}
    try:
        from kd_jax.pretrained import sentence_embeddings  # here, as it needs the extra text
    except InputError as error:
        print(f"without {named.QUESTIONS}: {error}")
        return found
    return found | {named.QUESTIONS: sentence_embeddings.bank_questions(*where)}


def run(config: Config, run: run_folder.Run) -> None:
    """Train generalists, specialists and students of every part, and record them."""
    known = tasks(config)
    run.uses(data={part: data.digest for part, (data, _) in known.items()})
    run.each([
        ({"part": part}, functools.partial(train_part, config, data, names))
        for part, (data, names) in known.items()
    ])  # fmt: skip
