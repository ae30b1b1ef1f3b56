"""`distill` from data to folder: read, ask, train by every method, choose, test, export."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence

import jax
import numpy as np

from kd_jax.command import folder, methods, networks, problem, settings, teachers, trained_teachers
from kd_jax.command.config import Config
from kd_jax.command.teacher_sources import ToTrain
from kd_jax.data import Split
from kd_jax.distill.driver import checks, fitting, given_rows, named_teachers, sizes
from kd_jax.distill.driver import distill as driver
from kd_jax.distill.driver.fitting import Taught
from kd_jax.distill.driver.problem import Problem, of_few_steps, prepare
from kd_jax.distill.driver.result import Result
from kd_jax.distill.methods import Method
from kd_jax.errors import printable, require
from kd_jax.report import compared_run
from kd_jax.storage import checkpoint, run_folder
from kd_jax.training import keys


def run(config: Config, run: run_folder.Run) -> None:
    """Do all of it, in a run's folder, and write --out.

    Args:
        config: The flags.
        run: Not open yet.
    """
    folder.check(config)
    given = problem.read(config)
    _say(given.notes)
    sources = teachers.sources(config.teacher, given)
    settings.check(config, given)
    wanted = methods.chosen(config, bool(given.classes))
    folder.check_row(config, wanted)
    groups = fitting.groups(wanted)
    models = _to_train(given, sources)
    names = ", ".join(models)
    in_memory = f"--teacher={names} and --stream: a teacher is trained on rows in memory only"
    require(not (models and config.stream), in_memory)
    read = next(iter(models.values()), None) if len(sources) == 1 and not config.cross_fit else None
    fits = functools.partial(_student, config, given, wanted, read)
    student = fits(len(given.classes)) if given.classes else None
    options = {"again": config.retrain, "augmented": config.augment != "none"}
    answers = teachers.read(sources, given, config.workdir, **options)
    student = student or fits(len(answers[0].classes))
    run.uses(
        data=given.digest, teachers={one.name: one.digest for one in answers},
        trained=list(models), **folder.sources(config),
    )  # fmt: skip
    for name, model in models.items():
        answers.append(trained_teachers.train(name, model, given, config, run))
    teacher = teachers.ensemble(answers)
    prepared = _prepared(config, given, student, teacher, wanted)
    asks = config.augment != "none" and callable(teacher.ask)  # in each step
    _say(prepared.notes[len(given.notes) :])
    run.each([
        ({"group": _name(group)}, functools.partial(_train, config, prepared, group, asks))
        for group in groups
    ])  # fmt: skip
    result = _concluded(config, given, prepared, wanted, groups, run)
    compared_run.remember(run, result.comparison)
    said = {*prepared.notes}  # above, before anything was trained
    run.shown = result.page([note for note in result.comparison.notes if note not in said])
    if config.out:
        folder.write(config, run, result, given, {one.name: one.digest for one in answers})


def _to_train(given, sources):
    """{name: Model} of the teachers that are trained here."""
    return {
        each.name: networks.student(each.network, given, flag="--teacher=train:")
        for each in sources
        if isinstance(each, ToTrain)
    }


def _say(lines):
    for line in lines:
        print(printable(line))


def _student(config, given, wanted, read, classes):
    """The network of --student, which every method and format fits, before a teacher is asked.

    read: the Model of the teacher whose features methods may read, or None.
    """
    student, inputs = networks.student(config.student, given, classes), given.train.inputs[:2]
    of_whom = student if read is None else read
    taught = Taught(
        {"teacher": np.zeros((2, classes), np.float32)},
        features=named_teachers.features_of(of_whom, inputs),
    )
    for method in wanted:
        reads = checks.check([method], student, Split(inputs, np.zeros(2, np.int32)), taught)
        require(
            read or not reads,
            f"method {method.row} learns from a teacher's features, which are known of "
            "--teacher=train:NETWORK alone, without --cross_fit: train one here or leave it out",
        )
    shapes = jax.eval_shape(student.init, jax.eval_shape(lambda: jax.random.key(0)))
    _say(folder.check_formats(config, given.network(student, shapes, list(given.classes))))
    return student


def _prepared(config, given, student, teacher, wanted) -> Problem:
    """What the driver trains on."""
    parts = {
        name: given_rows.Part(Split(part.inputs, part.labels), name, np.arange(len(part.rows)))
        for name, part in given.parts.items()
    }
    counts = {name: len(part.rows) for name, part in parts.items()}
    rows = given_rows.Rows(parts, counts, given.train.labels is not None, len(given.classes))
    known = named_teachers.Known(teacher.logits, teacher.ask)
    prepared = prepare(student, known, rows, wanted, settings.recipe(config))
    few = of_few_steps(prepared.steps)
    size = sizes.line(student, teacher.ask, given.train.inputs)
    of_teacher = prepared.lag.values() or teacher.notes
    notes = [*given.notes, *of_teacher, size, *few]
    if config.augment != "none" and teacher.ask is None:
        notes.append(
            f"teacher {teacher.name} cannot be asked about views of --augment: it says of a view "
            "what it said of the row"
        )
    return prepared._replace(notes=[*map(printable, notes)])


def _name(group: Sequence[Method]) -> str:
    return group[0].row


def _train(config, prepared, group, asks, task) -> list[dict]:
    """Train, choose and test the students of methods that share a program; their records.

    asks: whether steps ask a function, which may use JAX and wait for a device that waits for it:
    then the training has one for itself.
    """
    alone = {"devices": jax.devices()[-1:], "mesh": ""} if asks else {}
    trained = fitting.fit_students(
        prepared.student, prepared.splits["train"], prepared.taught, group,
        recipe=settings.recipe(config), seeds=config.seeds, base_seed=config.base_seed,
        execution=task.execution._replace(**alone),
    )  # fmt: skip
    chosen = [driver.choose(prepared, each, config.base_seed) for each in trained]
    students = {str(number): each.variables for number, each in enumerate(chosen)}
    checkpoint.save(_place(task.run, group), students, {})
    return [record for each in chosen for record in each.records]


def _place(run, group) -> pathlib.Path:
    """Where the students of a group lie: a killed run goes on with them."""
    return run.path("students") / folder.plain(_name(group))


def _concluded(config, given, prepared, wanted, groups, run) -> Result:
    """The Result of all records and students of the run."""
    records, variables = run.records(), {}
    like = jax.eval_shape(jax.vmap(prepared.student.init), keys.keys(0, "like", count=config.seeds))
    for group in groups:
        shapes = {str(number): like for number in range(len(group))}
        students, _ = checkpoint.load(_place(run, group), shapes)
        variables |= {method.row: students[str(n)] for n, method in enumerate(group)}
    chosen = [
        driver.Chosen(method, variables[method.row], [r for r in records if r["row"] == method.row])
        for method in wanted
    ]
    result = driver.concluded(prepared, chosen, config.margin)
    classes = list(given.classes or result.template.classes)
    template = given.network(prepared.student, None, classes)
    comparison = result.comparison._replace(unjudged=run.unjudged)
    return dataclasses.replace(result, comparison=comparison, template=template)
