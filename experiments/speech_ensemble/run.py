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
from kd_jax.training import keys, loop, samplers
from kd_jax.training import state as train_state


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


def arms(config: Config, setup: Setup) -> list[Arm]:
    """The students of a set-up: all of the paper's in the first, the chief ones in the others."""
    numbers: dict[str, Any] = {"weight": 1.0, "label_weight": config.label_weight}
    names, t = named.Names.of(config.results_key()), config.temperature
    mixed = students.arms(names.mixed, sorted(config.temperatures), **numbers)
    alone = Arm(names.alone, t, weight=1.0)
    labels_only = Arm(named.LABELS, label_weight=1.0)
    if setup.unlabeled:  # labels only have other frames, and a training of their own
        return [Arm(named.PSEUDO_LABELS, label_weight=1.0), *mixed[:-1], alone]
    if setup != SETUPS[0]:
        return [labels_only, *mixed[1:-1], alone]
    smoothed = Arm(names.smoothed, label_weight=1.0, smoothing=config.smoothing)
    geometric = Arm(names.of_geometric, t, **numbers, teacher="geometric")
    permuted = Arm(names.permuted, t, **numbers, teacher="permuted")
    return [labels_only, smoothed, *mixed, alone, geometric, permuted]


def arms_of_few(config: Config) -> list[Arm]:
    """The students of few recordings."""
    names, t = named.Names.of(config.results_key()), config.temperature
    return [
        Arm(named.LAST, label_weight=1.0),
        Arm(names.smoothed_last, label_weight=1.0, smoothing=config.smoothing),
        Arm(names.soft, t, weight=1.0),
        Arm(named.PERMUTED_LAST, t, weight=1.0, teacher="permuted"),
    ]


@functools.cache
def network(layers: int, width: int) -> models.Model:
    """A deep network of ReLUs from 26 frames to 30 states; one object, so that it compiles once."""
    return models.functional(models.MLP((width,) * layers, 30), (26, 40))


def recipe(
    config: Config, count: int, epochs: int, order, wider: int = 1
) -> teachers.NetworkRecipe:
    """Adam with a cosine decay on `count` frames. Args: order: the key of their order."""
    model = network(config.layers, config.width * wider)
    sampler = samplers.shuffled(order, count, min(config.batch_size, count))
    return teachers.adam_recipe(model, config.learning_rate, sampler, epochs)


def train_ensemble(config: Config, spoken: data.Speech, ensemble: int, run, times: int):
    """The members, which differ by initialization and order, trained in one program or restored.

    Args:
        config: settings.
        spoken: all recordings.
        ensemble: which of several.
        run: a run_folder.Run.
        times: how many times as long as the settings say.
    """
    count, base = len(spoken.frames.train.labels), config.base_seed
    order = keys.key(base, "teacher", ensemble, "order")
    return teachers.together(
        named.MEMBER, recipe(config, count, config.epochs * times, order),
        keys.keys(base, "teacher", ensemble, count=config.members), spoken.frames, run,
    )  # fmt: skip


def of_students(config: Config, ensemble: int) -> tuple[jax.Array, jax.Array]:
    """(keys [S], the key of their order) of the students of an ensemble."""
    base = config.base_seed
    each = keys.keys(base, "student", ensemble, count=config.seeds)
    return each, keys.key(base, "student", ensemble, "order")


def permuted(config: Config, logits: np.ndarray, labels: np.ndarray, ensemble: int) -> np.ndarray:
    """The control of an ensemble."""
    seed = keys.number(config.base_seed, "draw", "permuted", ensemble)
    return controls.permuted(logits, labels, seed)


def means(config: Config, logits: np.ndarray, labels: np.ndarray, ensemble: int) -> dict:
    """{name: logits [N, C]} of the teachers that members' logits [M, N, C] make."""
    mean = ensembles.arithmetic_mean(logits)
    geometric, control = ensembles.geometric_mean(logits), permuted(config, mean, labels, ensemble)
    return {"teacher": mean, "geometric": geometric, "permuted": control}


def transfer_set(config: Config, setup: Setup, spoken: data.Speech, members, ensemble: int):
    """(Split, {teacher: logits [N, C]}) that the students of a set-up learn from."""
    split = spoken.frames.train
    sources = means(config, members.logits["train"], split.labels, ensemble)
    if not (setup.late or setup.unlabeled):
        return split, sources
    first = 10 + config.takes if setup.unlabeled else 10
    more = load(config, setup.late, first).frames.train
    grid = train_state.one_arm(members.variables)
    logits = classification.predict(members.model.apply, grid, more.inputs)[:, 0]
    if setup.unlabeled:  # the ensemble's predictions take the place of the labels
        chosen = ensembles.arithmetic_mean(logits).argmax(-1)
        more = more._replace(labels=chosen.astype(np.int32))
    theirs = means(config, logits, more.labels, ensemble)
    both = {name: np.concatenate([sources[name], theirs[name]]) for name in sources}
    return Split(*(np.concatenate(pair) for pair in zip(split, more))), both


def train_setup(config: Config, setup: Setup, spoken: data.Speech, trained, task) -> list[dict]:
    """The records of a set-up: its ensemble and its students.

    Args:
        config: settings.
        setup: which.
        spoken: all recordings.
        trained: times -> the members of the ensemble, trained so many times as long.
        task: the unit, of one ensemble.
    """
    ensemble = task.known["teacher_seed"]
    members, wanted = trained(setup.times), arms(config, setup)
    split, sources = transfer_set(config, setup, spoken, members, ensemble)
    each, order = of_students(config, ensemble)
    longer = config.epochs * setup.times
    student_recipe = recipe(config, len(split.labels), longer, order, setup.wider)
    params, curves = students.fit(
        student_recipe, wanted, split, sources, each, execution=task.execution
    )
    found = metrics.of_ensemble(spoken, members)
    if setup.unlabeled:
        found += labels_only(config, spoken, len(split.labels) * longer, ensemble, task)
    model, rows = student_recipe.model, [arm.row for arm in wanted]
    mean = ensembles.arithmetic_mean(members.logits["test"])
    saved_models.save(task.run, model, params, rows, spoken.frames.test, mean, **task.known)
    return found + metrics.of_students(spoken, model, params, wanted, curves["diverged"])


def labels_only(config: Config, spoken: data.Speech, frames: int, ensemble: int, task):
    """Records of students of the labels alone, in as many steps as others that see more frames.

    Args:
        config: settings.
        spoken: all recordings.
        frames: how many the others see in all of their epochs.
        ensemble: whose students they are beside.
        task: the unit.
    """
    split, (each, order) = spoken.frames.train, of_students(config, ensemble)
    as_long = recipe(config, len(split.labels), max(1, round(frames / len(split.labels))), order)
    arm, none = Arm(named.LABELS, label_weight=1.0), np.zeros((len(split.labels), 30), np.float32)
    execution = task.execution.part(named.LABELS)
    params, curves = students.fit(
        as_long, [arm], split, {"teacher": none}, each, execution=execution
    )
    return metrics.of_students(spoken, as_long.model, params, [arm], curves["diverged"])


def train_few(config: Config, spoken: data.Speech, trained, task) -> list[dict]:
    """The records of section 6: few recordings, labels or the soft targets of one member.

    Args: as for `train_setup`.
    """
    ensemble, members = task.known["teacher_seed"], trained(1)
    drawn = keys.number(config.base_seed, "draw", "recordings", ensemble)
    rows = data.fraction(spoken, config.fraction, drawn)
    whole, one = spoken.frames.train, members.logits["train"][0]
    sources = {"teacher": one, "permuted": permuted(config, one, whole.labels, ensemble)}
    split = Split(whole.inputs[rows], whole.labels[rows])
    each, order = of_students(config, ensemble)
    few_recipe = recipe(config, len(rows), config.fraction_epochs, order)
    parts = {"train": split, "validation": spoken.frames.validation, "test": spoken.frames.test}
    arrays = {name: part._asdict() for name, part in parts.items()}
    measured = functools.partial(metrics.accuracies, few_recipe.model)
    wanted = arms_of_few(config)
    _, curves = students.fit(
        few_recipe, wanted, split, {name: x[rows] for name, x in sources.items()}, each,
        epoch_metrics=loop.EpochMetrics(measured, arrays), execution=task.execution,
    )  # fmt: skip
    found = metrics.of_all_recordings(spoken, members)
    for a, arm in enumerate(wanted):
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


def units_of(config: Config, spoken: data.Speech, ensemble: int, trained) -> list:
    """The units of work of an ensemble, that of few recordings second; see `train_setup`."""
    parts = {
        setup.name: functools.partial(train_setup, config, setup, spoken, trained)
        for setup in SETUPS
    }
    few = {named.FEW: functools.partial(train_few, config, spoken, trained)}
    first, *others = parts.items()
    return [
        ({"part": part, "teacher_seed": ensemble}, work)
        for part, work in [first, *few.items(), *others]
    ]


def run(config: Config, run: run_folder.Run) -> None:
    """Train ensembles and students of every set-up, and those of few recordings; record them."""
    spoken = load(config)
    run.uses(data=spoken.frames.digest)
    for ensemble in range(config.teachers):
        train = functools.partial(train_ensemble, config, spoken, ensemble, run)
        first, few, *others = units_of(config, spoken, ensemble, functools.cache(train))
        run.each([first, few, *others])
