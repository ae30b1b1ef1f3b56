"""Generalist and specialists on classes that are easily confused, and students of them."""

import functools
from typing import Any

import jax
import numpy as np

from experiments.specialists import data as two_digits
from experiments.specialists import metrics
from experiments.specialists import rows as named
from experiments.specialists.config import Config
from experiments.specialists.generalists import SPLITS, controls, predicted
from experiments.specialists.networks import recipe, whole_recipe
from kd_jax.data import Dataset
from kd_jax.distill import specialists, students, teachers
from kd_jax.distill.controls import permuted as permuted_logits
from kd_jax.distill.students import Arm
from kd_jax.export import saved_models
from kd_jax.metrics import classification
from kd_jax.storage import run_folder
from kd_jax.training import keys
from kd_jax.training import state as train_state


def arms(config: Config) -> list[Arm]:
    """The students, those without a teacher first."""
    mixed: dict[str, Any] = {"temperature": config.temperature, "weight": 1.0}
    mixed["label_weight"] = config.label_weight
    smoothed = f"{named.SMOOTHED} {config.smoothing:g}"
    return [
        Arm(named.LABELS, label_weight=1.0, teacher="generalist"),
        Arm(smoothed, label_weight=1.0, smoothing=config.smoothing, teacher="generalist"),
        Arm(named.OF_GENERALIST, teacher="generalist", **mixed),
        Arm(named.OF_JOINED, teacher="joined", **mixed),
        Arm(named.OF_PERMUTED, teacher="permuted", **mixed),
    ]


def generalist_recipe(config: Config, data: Dataset, teacher: int) -> teachers.NetworkRecipe:
    """The generalist's."""
    return whole_recipe(config, data, config.epochs, "teacher", teacher)


def assigned(config: Config, logits: np.ndarray, teacher: int) -> np.ndarray:
    """Special classes [K, size] by what a generalist [N, C] confuses; no labels are read."""
    columns = specialists.confusion_columns(np.asarray(jax.nn.softmax(logits)))
    seed = keys.number(config.base_seed, "draw", "clusters", teacher)
    centers = specialists.online_k_means(columns, config.specialists, seed=seed)
    return specialists.special_classes(columns, centers, config.special_classes)


def fit_specialists(config: Config, data: Dataset, generalist, special, teacher: int, execution):
    """(Model, parameters [K, …]) of all specialists, which begin as their generalist."""
    size, base = config.special_classes, config.base_seed
    labels = np.stack([specialists.specialist_labels(data.train.labels, c) for c in special])
    order = keys.key(base, "specialist", teacher, "order")
    sampler = specialists.half_special_sampler(order, labels, size, config.batch_size)
    special_recipe = recipe(config, data, config.special_epochs, sampler, size + 1)
    first = [specialists.from_generalist(generalist, classes) for classes in special]
    found = teachers.fit(
        special_recipe, keys.keys(base, "specialist", teacher, count=len(special)), data.train,
        start=jax.tree.map(lambda *x: np.stack(x), *first), own={"labels": labels},
        title="specialist", execution=execution,
    )  # fmt: skip
    return special_recipe.model, found


def joined(config: Config, model, params, generalist, special, inputs, shift: float) -> np.ndarray:
    """log q [N, C] of a generalist's logits and its specialists. Args: shift: of dustbins."""
    grid = train_state.one_arm(params)
    each = classification.predict(model.apply, grid, inputs)[:, 0]
    each[..., -1] += shift
    log_p, log_m = np.asarray(jax.nn.log_softmax(generalist)), jax.nn.log_softmax(each)
    active = specialists.active(log_p, special)
    steps = config.combine_steps
    return np.asarray(specialists.combine(log_p, log_m, special, active, steps=steps))


def with_specialists(config: Config, data: Dataset, taught, special, teacher: int, execution):
    """({row: {split: logits [1, N, C]}}, generalist and specialists' logits of the training rows).

    Args:
        config: settings.
        data: the part's.
        taught: the generalist.
        special: the special classes [K, size].
        teacher: which of several generalists.
        execution: of the unit.
    """
    first, part = train_state.at(taught.variables, 0), execution.part("specialists")
    model, params = fit_specialists(config, data, first, special, teacher, part)
    shift = specialists.dustbin_shift(config.special_classes / data.classes)

    def together(split, shift):
        inputs, logits = getattr(data, split).inputs, taught.logits[split][0]
        return joined(config, model, params, logits, special, inputs, shift)

    rows = {
        named.JOINED: {split: together(split, shift)[None] for split in SPLITS},
        named.UNCORRECTED: {split: together(split, 0.0)[None] for split in SPLITS},
    }
    return rows, together("train", shift)


def fit_students(config: Config, data: Dataset, outputs, together, teacher: int, task) -> tuple:
    """(Model, parameters [S, A, …]) of students of a generalist and of all together.

    Args:
        config: settings.
        data: the part's.
        outputs: the generalist's logits on the training rows.
        together: those of generalist and specialists.
        teacher: which of several generalists.
        task: the unit.
    """
    seed = keys.number(config.base_seed, "draw", "permuted", teacher)
    permuted = permuted_logits(together, data.train.labels, seed)
    sources = {"generalist": outputs, "joined": together, "permuted": permuted}
    student_recipe = whole_recipe(config, data, config.student_epochs, "student", teacher)
    params, _ = students.fit(
        student_recipe, arms(config), data.train, sources,
        keys.keys(config.base_seed, "student", teacher, count=config.seeds),
        execution=task.execution.part("students"),
    )  # fmt: skip
    return student_recipe.model, params


def train_part(config: Config, data: Dataset, names: list[str], teacher: int, task) -> list[dict]:
    """The records of one part and generalist: itself, specialists, control and students."""
    taught = teachers.one(
        named.GENERALIST, generalist_recipe(config, data, teacher),
        keys.key(config.base_seed, "teacher", teacher), data, task.run, seed=teacher,
    )  # fmt: skip
    special = assigned(config, taught.logits["validation"][0], teacher)
    found = {named.GENERALIST: {split: taught.logits[split] for split in SPLITS}}
    found |= controls(config, data, taught, teacher, task.execution)
    more, together = with_specialists(config, data, taught, special, teacher, task.execution)
    outputs, test = taught.logits["train"][0], data.test
    model, params = fit_students(config, data, outputs, together, teacher, task)
    rows, of_test = [arm.row for arm in arms(config)], taught.logits["test"][0]
    where = {"teacher": named.GENERALIST, **task.known}
    saved_models.save(task.run, model, params, rows, test, of_test, **where)
    saved_models.save_teachers(task.run, taught, test, **task.known)
    logits = predicted(model, params, data)
    found |= more | {row: {n: x[:, a] for n, x in logits.items()} for a, row in enumerate(rows)}
    classes = {named.JOINED: {"special": np.array(names)[special].tolist()}}  # once is enough
    each = [
        metrics.examine(row, x, data, special, **classes.get(row, {})) for row, x in found.items()
    ]
    return sum(each, [])


def load(config: Config) -> tuple[str, Dataset, list[str]]:
    """(part, Dataset, names of its classes): two digits, or BANKING77 with the extra text."""
    where, base = (config.data_dir, config.manual_dir), config.base_seed
    if config.part == named.BANKING77:
        from kd_jax.pretrained import sentence_embeddings  # here, as it needs the extra

        seed = keys.number(base, "draw", "questions")
        found = sentence_embeddings.bank_questions(*where, most=config.questions, seed=seed)
        return named.QUESTIONS, *found
    splits = ("train", "validation", "test")
    per_class = {name: getattr(config, f"{name}_per_class") for name in splits}
    digits = two_digits.load(*where, per_class=per_class, held_out=config.held_out, base_seed=base)
    return named.DIGITS, digits, [f"{c:02d}" for c in range(100)]


def run(config: Config, run: run_folder.Run) -> None:
    """Train generalists, their specialists, controls and students, and record them."""
    part, data, names = load(config)
    run.uses(data={part: data.digest})
    run.each([
        (
            {"part": part, "teacher_seed": teacher},
            functools.partial(train_part, config, data, names, teacher),
        )
        for teacher in range(config.teachers)
    ])  # fmt: skip
