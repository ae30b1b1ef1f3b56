"""McCaffrey's teacher-student demo: replayed exactly, then with many teachers and students."""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np
import optax

from experiments.people import stages, training, tuning, widths
from experiments.people.config import PERSON, Config
from experiments.people.replay import replay
from experiments.people.rows import DISTILLED, LABELS, TEACHER, TUNED
from experiments.people.widths import Students
from kd_jax.data import Dataset, people
from kd_jax.data.dataset import Split
from kd_jax.distill import students, teachers
from kd_jax.distill.students import Arm
from kd_jax.export import saved_models
from kd_jax.metrics.records import seed_records
from kd_jax.runtime.execution import DEFAULT
from kd_jax.storage import run_folder
from kd_jax.training import keys, samplers
from kd_jax.training import state as train_state

# those that are fine-tuned begin where the distilled one ends
ARMS = [Arm(LABELS, label_weight=1.0), Arm(DISTILLED, weight=1.0), *map(Arm, tuning.TUNINGS)]
STUDENTS = [arm.row for arm in ARMS]


def load(config: Config) -> Dataset:
    """The 240 people: none is left for validation."""
    train, test = people.load()
    empty = Split(train.inputs[:0], train.labels[:0])
    return Dataset("people", people.CLASSES, train, empty, test, people.digest())


def teacher_recipe(config: Config, count: int) -> teachers.NetworkRecipe:
    """Gradient descent of a 6-width-width-3 network, each teacher in its own orders."""
    model = stages.network(config.teacher_width, config.teacher_width)
    key = keys.key(config.base_seed, "teacher", "order")
    sampler = samplers.shuffled(key, count, config.batch_size)
    rate = optax.sgd(config.teacher_learning_rate)
    return teachers.NetworkRecipe(model, rate, sampler, config.teacher_epochs)


def train_students(
    config: Config, teacher: int, split: Split, logits: np.ndarray, execution: Any = DEFAULT
) -> tuple[Any, np.ndarray]:
    """Train the students of one teacher.

    Args:
        config: the settings.
        teacher: its number, which the students' random choices are named by.
        split: the training rows.
        logits: [N, 3] of the teacher on them.
        execution: as for loop.fit.

    Returns:
        Parameters [S, R, …] of the rows of STUDENTS, and when each diverged, [S, R].
    """
    params, lost = training.fit(
        config, config.student_width, ARMS[:2], teacher, split, logits, execution
    )
    distilled = jax.tree.map(lambda x: x[:, 1], params)
    model, seeds = stages.network(config.student_width), range(config.seeds)
    tuned = [
        tuning.tune(config, teacher, seeds, model, distilled, split, row) for row in tuning.TUNINGS
    ]
    each = [params, *(train_state.one_arm(found) for found, _ in tuned)]
    whole = jax.tree.map(lambda *x: np.concatenate(x, axis=1), *each)
    return whole, np.concatenate([lost, *(then[:, None] for _, then in tuned)], axis=1)


def train(config: Config, data: Dataset, taught: teachers.Teachers, task) -> list[dict]:
    """Train, save and measure the students of one teacher: their records and the teacher's."""
    number, run = task.known["teacher_seed"], task.run
    logits = {split: x[number] for split, x in taught.logits.items()}
    if number < run.saved_seeds:
        alone = jax.tree.map(lambda x: x[number : number + 1, None], taught.variables)
        saved_models.save(run, taught.model, alone, [TEACHER], data.test, **task.known)
    of = config, number, data.train, logits["train"], task.execution
    params, lost = train_students(*of)
    every = [Students(config.student_width, ARMS, params, lost), *widths.train(*of)]
    if number == 0:
        model = stages.network(config.student_width)
        run.write("mistakes.csv", mistakes_text(model, params, data.train))
    of_teacher = {}
    for name in ("train", "test"):
        of_teacher |= teachers.metrics(logits[name][None], getattr(data, name).labels, name)
    found = seed_records(TEACHER, of_teacher)
    for one in every:
        found += measured(one, data, logits, task)
    return found


def measured(of: Students, data: Dataset, logits: dict, task) -> list[dict]:
    """Save and measure the students of one width: their records.

    Args:
        of: The students.
        data: What they are measured on.
        logits: {split: [N, 3]} of their teacher.
        task: The unit of work.
    """
    model = stages.network(of.width)
    if task.known["teacher_seed"] < task.run.saved_seeds:
        saved_models.save(
            task.run, model, of.variables, [arm.row for arm in of.arms], data.test, logits["test"],
            teacher=TEACHER, **task.known,
        )  # fmt: skip
    by_split = {
        name: students.evaluate(model, of.variables, getattr(data, name), logits[name])
        for name in ("train", "test")
    }
    return [{**r, "width": of.width} for r in students.records(of.arms, of.diverged, **by_split)]


def mistakes_text(model: Any, params: Any, split: Split) -> str:
    """CSV of the rows that the first distilled student gets wrong, as the demo saves them."""
    first = jax.tree.map(lambda x: x[:1, STUDENTS.index(DISTILLED)], params)
    (wrong,) = stages.mistakes(model, first, split)
    rows = ([*split.inputs[row], split.labels[row]] for row in wrong)
    return "".join(",".join(f"{x:g}" for x in row) + "\n" for row in rows)


def predict(config: Config, split: Split, person: np.ndarray) -> None:
    """Train the first teacher and its first students; print their class probabilities.

    Args:
        config: the settings.
        split: the training rows.
        person: inputs [6].
    """
    recipe = teacher_recipe(config, len(split.labels))
    taught = teachers.fit(recipe, keys.keys(config.base_seed, "teacher", count=1), split)
    (logits,) = stages.logits_of(recipe.model.apply, taught, split.inputs)
    params, _ = train_students(dataclasses.replace(config, seeds=1), 0, split, logits)
    student = stages.network(config.student_width)
    networks = {TEACHER: (recipe.model, taught)}
    for row in (DISTILLED, TUNED):
        place = STUDENTS.index(row)
        networks[row] = student, jax.tree.map(lambda x, place=place: x[:, place], params)
    print("class probabilities (0 conservative, 1 moderate, 2 liberal)")
    for row, (model, found) in networks.items():
        ((outputs,),) = stages.logits_of(model.apply, found, person[None])
        print(f"  {row:<32}" + " ".join(f"{p:.4f}" for p in jax.nn.softmax(outputs)))


def run(config: Config, run: run_folder.Run) -> None:
    """The whole experiment, or what --replay or --predict ask for."""
    data = load(config)
    if config.predict:
        predict(config, data.train, people.parse_person(config.predict, "--predict"))
    elif config.replay:
        replay(data.train, data.test, people.parse_person(PERSON, "the demo's person"))
    else:
        run.uses(data=data.digest)
        taught = teachers.together(
            TEACHER, teacher_recipe(config, len(data.train.labels)),
            keys.keys(config.base_seed, "teacher", count=config.teachers), data, run,
        )  # fmt: skip
        work = functools.partial(train, config, data, taught)
        run.each([({"teacher_seed": number}, work) for number in range(config.teachers)])
