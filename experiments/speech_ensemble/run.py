"""Speech: an ensemble distilled into one network, and soft targets where recordings are few."""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np

from experiments.speech_ensemble import data, metrics
from experiments.speech_ensemble import rows as named
from experiments.speech_ensemble.config import Config
from kd_jax import models
from kd_jax.data import Split, log_mel
from kd_jax.distill import controls, ensembles, students, teachers
from kd_jax.distill.students import Arm
from kd_jax.export import saved_models
from kd_jax.metrics import classification
from kd_jax.storage import run_folder
from kd_jax.training import loop, samplers

MEMBER_KEY, MEMBER_SAMPLER, STUDENT_KEY, STUDENT_SAMPLER, FEW_KEY, FEW_SAMPLER = range(1, 7)
TEMPERATURES, BATCH = (1.0, 2.0, 5.0, 10.0), 128
FEW_SEED = 0  # of the draw of few recordings


@dataclasses.dataclass(frozen=True)
class Setup:
    """How ensemble and students are trained: for how long, how wide students are, on what frames.

    late: seconds; students also see the frames that begin so much later. unlabeled: whether they
    also see as many recordings that no member saw, without labels.
    """

    name: str
    times: int = 1
    wider: int = 1
    late: float = 0.0
    unlabeled: bool = False


SETUPS = (
    Setup("as the paper: students of the members' size, equally long"),
    Setup("members and students twice as long", times=2),
    Setup("students twice as wide", wider=2),
    Setup("students see the frames between the frames too", late=log_mel.STEP / 2),
    Setup("students hear as many recordings again, unlabeled", unlabeled=True),
)


def arms(setup: Setup) -> list[Arm]:
    """The students of a set-up: all of the paper's in the first, the chief ones in the others."""
    numbers: dict[str, Any] = {"soft_weight": 1.0, "label_weight": 0.5}
    mixed = students.arms(named.MIXED, TEMPERATURES, **numbers)
    alone = Arm(named.ALONE, 2.0, soft_weight=1.0)
    labels_only = Arm(named.LABELS, label_weight=1.0)
    if setup.unlabeled:  # labels only: the students of the first set-up
        return [Arm(named.PSEUDO_LABELS, label_weight=1.0), *mixed[:3], alone]
    if setup != SETUPS[0]:
        return [labels_only, *mixed[1:3], alone]
    smoothed = Arm(named.SMOOTHED, label_weight=1.0, smoothing=0.1)
    geometric = Arm(named.OF_GEOMETRIC, 2.0, **numbers, teacher="geometric")
    permuted = Arm(named.PERMUTED, 2.0, **numbers, teacher="permuted")
    return [labels_only, smoothed, *mixed, alone, geometric, permuted]


ARMS_OF_FEW = [
    Arm(named.LAST, label_weight=1.0),
    Arm(named.SMOOTHED_LAST, label_weight=1.0, smoothing=0.1),
    Arm(named.SOFT, 2.0, soft_weight=1.0),
    Arm(named.PERMUTED_LAST, 2.0, soft_weight=1.0, teacher="permuted"),
]


@functools.cache
def network(layers: int, width: int) -> models.Model:
    """A deep network of ReLUs from 26 frames to 30 states; one object, so that it compiles once."""
    return models.functional(models.MLP((width,) * layers, 30), (26, 40))


def recipe(config: Config, count: int, epochs: int, sampler_key: int, wider=1) -> teachers.Recipe:
    """Adam with a cosine decay on `count` frames."""
    model = network(config.layers, config.width * wider)
    sampler = samplers.shuffled(jax.random.key(sampler_key), count, min(BATCH, count))
    return teachers.adam_recipe(model, 1e-3, sampler, epochs)


def train_ensemble(config: Config, spoken: data.Speech, times: int, run) -> teachers.Teachers:
    """The members, which differ by initialization and order, trained in one program or restored."""
    count, keys = len(spoken.frames.train.labels), jax.random.key(MEMBER_KEY)
    return teachers.together(
        named.MEMBER, recipe(config, count, config.epochs * times, MEMBER_SAMPLER),
        jax.random.split(keys, config.members), spoken.frames, run,
    )  # fmt: skip


def means(logits: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """{name: logits [N, C]} of the teachers that members' logits [M, N, C] make."""
    mean = ensembles.arithmetic_mean(logits)
    geometric = ensembles.geometric_mean(logits)
    permuted = controls.permuted(mean, labels, seed=0)
    return {"teacher": mean, "geometric": geometric, "permuted": permuted}


def transfer_set(config: Config, setup: Setup, spoken: data.Speech, members: teachers.Teachers):
    """(Split, {teacher: logits [N, C]}) that the students of a set-up learn from."""
    split = spoken.frames.train
    sources = means(members.logits["train"], split.labels)
    if not (setup.late or setup.unlabeled):
        return split, sources
    first = 10 + config.takes if setup.unlabeled else 10
    more = load(config, setup.late, first).frames.train
    grid = jax.tree.map(lambda x: x[:, None], members.params)
    logits = classification.predict(members.model.apply, grid, more.inputs)[:, 0]
    if setup.unlabeled:  # the ensemble's predictions take the place of the labels
        chosen = ensembles.arithmetic_mean(logits).argmax(-1)
        more = more._replace(labels=chosen.astype(np.int32))
    theirs = means(logits, more.labels)
    both = {name: np.concatenate([sources[name], theirs[name]]) for name in sources}
    return Split(*(np.concatenate(pair) for pair in zip(split, more))), both


def train_setup(config: Config, setup: Setup, spoken: data.Speech, task) -> list[dict]:
    """The records of a set-up: its ensemble and its students."""
    members, wanted = train_ensemble(config, spoken, setup.times, task.run), arms(setup)
    split, sources = transfer_set(config, setup, spoken, members)
    epochs, count = config.epochs * setup.times, len(split.labels)
    of_students = recipe(config, count, epochs, STUDENT_SAMPLER, setup.wider)
    keys = jax.random.split(jax.random.key(STUDENT_KEY), config.seeds)
    params, curves = students.fit(
        of_students, wanted, split, sources, keys, execution=task.execution
    )
    model, rows = of_students.model, [arm.row for arm in wanted]
    mean = ensembles.arithmetic_mean(members.logits["test"])
    saved_models.save(task.run, model, params, rows, spoken.frames.test, mean, **task.known)
    found = metrics.of_ensemble(spoken, members)
    found += metrics.of_students(spoken, model, params, wanted, curves["diverged"])
    if setup.unlabeled:
        first = (r for r in task.run.records() if r["part"] == SETUPS[0].name)
        found += [r | task.known for r in first if r["row"] == named.LABELS]
    return found


def train_few(config: Config, spoken: data.Speech, task) -> list[dict]:
    """The records of section 6: few recordings, labels or the soft targets of one member."""
    members = train_ensemble(config, spoken, 1, task.run)
    rows = data.fraction(spoken, config.fraction, FEW_SEED)
    whole, one = spoken.frames.train, members.logits["train"][0]
    permuted = controls.permuted(one, whole.labels, seed=0)
    split = Split(whole.inputs[rows], whole.labels[rows])
    few_recipe = recipe(config, len(rows), config.fraction_epochs, FEW_SAMPLER)
    parts = {"train": split, "validation": spoken.frames.validation, "test": spoken.frames.test}
    arrays = {name: part._asdict() for name, part in parts.items()}
    epoch_metrics = loop.EpochMetrics(
        functools.partial(metrics.accuracies, few_recipe.model.apply), arrays
    )
    _, curves = students.fit(
        few_recipe, ARMS_OF_FEW, split, {"teacher": one[rows], "permuted": permuted[rows]},
        jax.random.split(jax.random.key(FEW_KEY), config.seeds), epoch_metrics=epoch_metrics,
        execution=task.execution,
    )  # fmt: skip
    found = metrics.of_all_recordings(spoken, members)
    for a, arm in enumerate(ARMS_OF_FEW):
        of_arm = {name: curves[name][:, :, a].T for name in parts}
        last = np.full(config.seeds, config.fraction_epochs - 1)
        found += metrics.at_epochs(arm.row, of_arm, last)
        if arm.row == named.LAST:
            found += metrics.at_epochs(named.STOPPED, of_arm, of_arm["validation"].argmax(1))
    return found


def load(config: Config, late: float = 0.0, first: int = 10) -> data.Speech:
    """The spoken digits, trained on from take `first` on; late: as for data.load."""
    takes = data.TAKES | {"train": range(first, first + config.takes)}
    return data.load(config.data_dir, config.manual_dir, takes=takes, late=late)


def run(config: Config, run: run_folder.Run) -> None:
    """Train ensembles and students of every set-up, and those of few recordings; record them."""
    spoken = load(config)
    run.uses(data=spoken.frames.digest)
    first, *others = [
        ({"part": setup.name}, functools.partial(train_setup, config, setup, spoken))
        for setup in SETUPS
    ]
    run.each([first, ({"part": named.FEW}, functools.partial(train_few, config, spoken))])
    run.each(others)  # what they copy of the first is recorded by now
