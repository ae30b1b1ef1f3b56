"""McCaffrey's teacher-student demo: replayed exactly, then with many teachers and students."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.people import stages
from experiments.people.config import PERSON, Config
from experiments.people.replay import replay
from experiments.people.rows import DISTILLED, LABELS, TEACHER, TUNED, TUNED_RAW
from experiments.people.stages import Stage
from kd_jax import losses
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

ARMS = [Arm(LABELS, label_weight=1.0), Arm(DISTILLED, weight=1.0), Arm(TUNED_RAW), Arm(TUNED)]
STUDENTS = [arm.row for arm in ARMS]  # the last two begin where the distilled one ends


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


@functools.cache  # with its loss, so that the students of all teachers are one program
def student_recipe(config: Config, count: int) -> teachers.NetworkRecipe:
    """Gradient descent of a 6-width-3 network, on labels and on a teacher's outputs alike."""
    key = keys.key(config.base_seed, "student", "order")
    sampler = samplers.shuffled(key, count, config.batch_size)
    model, rate = stages.network(config.student_width), optax.sgd(config.student_learning_rate)
    return teachers.NetworkRecipe(model, rate, sampler, config.student_epochs)


@functools.cache
def loss(apply):
    """Weights of regression on the teacher's log-probabilities and of the labels: see Arm."""

    def loss_fn(variables, batch, key):
        rows, arm = batch.rows, batch.numbers
        (logits, _), state = apply(variables, rows["inputs"])
        soft = stages.regression_loss(logits, {"teacher": rows["teachers"][:, 0]})
        hard = jnp.mean(losses.cross_entropy(logits, rows["labels"]))
        loss = arm["weight"] * soft + arm["label_weight"] * hard
        return train_state.Outcome(loss, state=state)

    return loss_fn


def tuning_batches(config: Config, teacher: int, wrong: list, padding: int) -> np.ndarray:
    """Batches [S, epochs, steps, B]: each student's mistakes, shuffled anew every epoch."""
    size, found = config.batch_size, []
    steps = max(1, -(-max(map(len, wrong)) // size))
    for seed, rows in enumerate(wrong):
        number = keys.number(config.base_seed, "tuning", teacher, seed, "order")
        orders = (np.random.default_rng([number, epoch]) for epoch in range(config.tuning_epochs))
        found.append([stages.in_batches(x.permutation(rows), steps, size, padding) for x in orders])
    return np.array(found)


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
    recipe, seeds = student_recipe(config, len(split.labels)), range(config.seeds)
    named = config.base_seed, "student", teacher
    params, curves = students.fit(
        recipe, ARMS[:2], split, {"teacher": logits}, keys.keys(*named, count=config.seeds),
        # of the orders: the same program for every teacher
        seeds=[keys.number(*named, seed, "order") % 2**31 for seed in seeds],
        label=f"students, teacher {teacher}", loss=loss, execution=execution,
    )  # fmt: skip
    distilled = jax.tree.map(lambda x: x[:, 1], params)
    tuned, lost = tune(config, teacher, recipe.model, distilled, split)
    whole = jax.tree.map(lambda *x: np.concatenate(x, axis=1), params, *tuned)
    return whole, np.concatenate([curves["diverged"], *lost], axis=1)


def tune(config: Config, teacher: int, model: Any, params: Any, split: Split) -> tuple[list, list]:
    """Train distilled students [S, …] on their mistakes: by row parameters [S, 1, …], divergences.

    Args:
        config: the settings.
        teacher: the number of their teacher.
        model: the students' network.
        params: what they begin with.
        split: the training rows.
    """
    wrong = stages.mistakes(model, params, split)
    batches = tuning_batches(config, teacher, wrong, len(split.labels))
    tuned, lost = [], []
    for row, of_logits in ((TUNED_RAW, stages.raw_label_loss), (TUNED, stages.label_loss)):
        stage = Stage(row, model, of_logits, config.tuning_learning_rate, config.tuning_epochs)
        found, _, diverged = stages.fit(stage, params, split, batches)
        tuned.append(train_state.one_arm(found))
        lost.append(diverged[:, None])
    return tuned, lost


def train(config: Config, data: Dataset, taught: teachers.Teachers, task) -> list[dict]:
    """Train, save and measure the students of one teacher: their records and the teacher's."""
    number, run = task.known["teacher_seed"], task.run
    logits = {split: x[number] for split, x in taught.logits.items()}
    params, lost = train_students(config, number, data.train, logits["train"], task.execution)
    model = stages.network(config.student_width)
    if number < run.saved_seeds:
        alone = jax.tree.map(lambda x: x[number : number + 1, None], taught.variables)
        saved_models.save(run, taught.model, alone, [TEACHER], data.test, **task.known)
        saved_models.save(
            run, model, params, STUDENTS, data.test, logits["test"], teacher=TEACHER, **task.known
        )
    if number == 0:
        run.write("mistakes.csv", mistakes_text(model, params, data.train))
    measured, of_teacher = {}, {}
    for name in ("train", "test"):
        split = getattr(data, name)
        measured[name] = students.evaluate(model, params, split, logits[name])
        of_teacher |= teachers.metrics(logits[name][None], split.labels, name)
    return seed_records(TEACHER, of_teacher) + students.records(ARMS, lost, **measured)


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
