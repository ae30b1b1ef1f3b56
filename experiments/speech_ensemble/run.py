"""Speech: an ensemble distilled into one network, and soft targets where recordings are few."""

import functools
from collections.abc import Callable

import jax
import numpy as np
import optax

from experiments.speech_ensemble import data, metrics
from experiments.speech_ensemble import rows as named
from experiments.speech_ensemble.config import Config
from experiments.speech_ensemble.setups import Setup, arms, arms_of_few, setups_of
from kd_jax import models
from kd_jax.data import Split
from kd_jax.distill import controls, ensembles, students, teachers
from kd_jax.distill.driver import augmented
from kd_jax.distill.students import Arm
from kd_jax.export import saved_models
from kd_jax.export.network import Network
from kd_jax.metrics import classification
from kd_jax.storage import run_folder
from kd_jax.training import keys, loop, samplers
from kd_jax.training import state as train_state


@functools.cache
def network(layers: int, width: int) -> models.Model:
    """A deep network of ReLUs from 26 frames to 30 states; one object, so that it compiles once."""
    return models.functional(models.MLP((width,) * layers, 30), (26, 40))


adam = functools.cache(optax.adam)  # one of each rate, so that like trainings share a program


@functools.cache  # as above
def perturbation(times: float) -> Callable:
    """(key, frame) -> frame, perturbed `times` as far as data.perturbed does."""
    return functools.partial(data.perturbed, times=times)


def recipe(
    config: Config, count: int, epochs: int, order, *, decays: bool = False
) -> teachers.NetworkRecipe:
    """Adam on `count` frames.

    Args:
        config: settings.
        count: of frames.
        epochs: passes.
        order: the key of the frames' order.
        decays: whether the learning rate decays to zero, by a cosine; else it is constant.
    """
    model, rate = network(config.layers, config.width), config.learning_rate
    sampler = samplers.shuffled(order, count, min(config.batch_size, count))
    if decays:
        return teachers.adam_recipe(model, rate, sampler, epochs)
    return teachers.NetworkRecipe(model, adam(rate), sampler, epochs)


def train_ensemble(
    config: Config, spoken: data.Speech, ensemble: int, run, decays: bool, perturbed: float
):
    """The members, which differ by initialization and order, trained in one program or restored.

    Args:
        config: settings.
        spoken: all recordings.
        ensemble: which of several.
        run: a run_folder.Run.
        decays: as for `recipe`.
        perturbed: how far the frames that members see are perturbed; 0 for not.
    """
    count, base = len(spoken.frames.train.labels), config.base_seed
    order = keys.key(base, "teacher", ensemble, "order")
    how = recipe(config, count, config.epochs, order, decays=decays)
    if perturbed:
        how = how._replace(augment=perturbation(perturbed))
    each = keys.keys(base, "teacher", ensemble, count=config.members)
    return teachers.together(named.MEMBER, how, each, spoken.frames, run)


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
    if setup.perturbed:
        return split, {"teacher": sources["teacher"]}
    if not setup.unlabeled:
        return split, sources
    more = load(config, 10 + config.takes).frames.train
    grid = train_state.one_arm(members.variables)
    logits = classification.predict(members.model.apply, grid, more.inputs)[:, 0]
    chosen = ensembles.arithmetic_mean(logits).argmax(-1)  # take the place of the labels
    more = more._replace(labels=chosen.astype(np.int32))
    theirs = means(config, logits, more.labels, ensemble)
    both = {name: np.concatenate([sources[name], theirs[name]]) for name in sources}
    return Split(*(np.concatenate(pair) for pair in zip(split, more))), both


def perturb_and_ask(members: teachers.Teachers, times: float, inputs: np.ndarray) -> Callable:
    """What a step sees: its frames perturbed, and what the ensemble says of those."""
    whole = ensembles.as_model(members.model, len(members.logits["train"]))
    asked = {"teacher": Network(whole, members.variables)}
    return augmented.views(perturbation(times), asked, inputs)


def train_setup(config: Config, setup: Setup, spoken: data.Speech, trained, task) -> list[dict]:
    """The records of a set-up: its ensemble and its students.

    Args:
        config: settings.
        setup: which.
        spoken: all recordings.
        trained: (whether learning rates decay, how far frames are perturbed) -> the members.
        task: the unit, of one ensemble.
    """
    ensemble = task.known["teacher_seed"]
    members = trained(setup.decays, setup.perturbed if setup.of_perturbed else 0.0)
    wanted = arms(config, setup)
    split, sources = transfer_set(config, setup, spoken, members, ensemble)
    each, order = of_students(config, ensemble)
    longer = config.epochs * setup.times
    student_recipe = recipe(config, len(split.labels), longer, order, decays=setup.decays)
    views = perturb_and_ask(members, setup.perturbed, split.inputs) if setup.perturbed else None
    params, curves = students.fit(
        student_recipe, wanted, split, sources, each, views=views, execution=task.execution
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
    ensemble, members = task.known["teacher_seed"], trained(False, 0.0)
    drawn = keys.number(config.base_seed, "draw", "recordings", ensemble)
    rows = data.fraction(spoken, config.fraction, drawn)
    whole, one = spoken.frames.train, members.logits["train"][0]
    sources = {"teacher": one, "permuted": permuted(config, one, whole.labels, ensemble)}
    split = Split(whole.inputs[rows], whole.labels[rows])
    each, order = of_students(config, ensemble)
    few_recipe = recipe(config, len(rows), config.fraction_epochs, order)
    parts = {"train": split, "validation": spoken.frames.validation, "test": spoken.frames.test}
    arrays = {name: part._asdict() for name, part in parts.items()}
    arrays["test"]["recording"] = spoken.recording["test"]
    sizes = np.bincount(spoken.recording["test"])
    measured = functools.partial(metrics.counted, few_recipe.model, len(sizes))
    wanted = arms_of_few(config)
    _, curves = students.fit(
        few_recipe, wanted, split, {name: x[rows] for name, x in sources.items()}, each,
        epoch_metrics=loop.EpochMetrics(measured, arrays), execution=task.execution,
    )  # fmt: skip
    found = metrics.of_all_recordings(spoken, members)
    for a, arm in enumerate(wanted):
        of_arm = {name: np.swapaxes(curves[name][:, :, a], 0, 1) for name in (*parts, "counts")}
        last = np.full(config.seeds, config.fraction_epochs - 1)
        found += metrics.at_epochs(arm.row, of_arm, last, sizes)
        if arm.row == named.LAST:
            best = of_arm["validation"].argmax(1)
            found += metrics.at_epochs(named.STOPPED, of_arm, best, sizes)
    return found


def load(config: Config, first: int = 10) -> data.Speech:
    """The spoken digits, trained on from take `first` on."""
    takes = data.TAKES | {"train": range(first, first + config.takes)}
    return data.load(config.data_dir, config.manual_dir, takes=takes)


def units_of(config: Config, spoken: data.Speech, ensemble: int, trained) -> list:
    """The units of work of an ensemble, that of few recordings second; see `train_setup`."""
    parts = {
        setup.name: functools.partial(train_setup, config, setup, spoken, trained)
        for setup in setups_of(config)
    }
    first, *others = parts.items()
    few = [(named.FEW, functools.partial(train_few, config, spoken, trained))]
    wanted = [first, *([] if config.perturbed_members else few), *others]
    return [({"part": part, "teacher_seed": ensemble}, work) for part, work in wanted]


def run(config: Config, run: run_folder.Run) -> None:
    """Train ensembles and students of every set-up, and those of few recordings; record them."""
    spoken = load(config)
    run.uses(data=spoken.frames.digest)
    for ensemble in range(config.teachers):
        train = functools.partial(train_ensemble, config, spoken, ensemble, run)
        run.each(units_of(config, spoken, ensemble, functools.cache(train)))
