"""`distill_lm` from a file to a folder: read, train by every objective, measure, write."""

import functools
import os
from typing import Any

import numpy as np

from kd_jax.command.decoder import folder
from kd_jax.command.decoder.config import Config
from kd_jax.command.decoder.given import Given, chat_model, provenance, read
from kd_jax.errors import printable
from kd_jax.language.decoder import (
    chatting,
    measure,
    objectives,
)
from kd_jax.language.decoder.students import Recipe, Students
from kd_jax.metrics import cost, records
from kd_jax.pretrained import decoder_folder, load
from kd_jax.pretrained.load import ChatModel
from kd_jax.report import decoder_rows
from kd_jax.storage import run_folder

STUDENT = "student"  # a folder of the run: the student that is kept
SNAPSHOTS = 120.0  # seconds between two: one holds three times the parameters


def run(config: Config, run: run_folder.Run) -> None:
    """Do all of it, in a run's folder, and write --out; or only answer --prompt of a finished run.

    Args:
        config: The flags.
        run: Not open yet.
    """
    if config.asked_alone:
        print(answers(config, chat_model(config), config.student))
        return
    folder.check(config)
    given = read(config)
    if config.prompt:
        chatting.Decoder(given.teacher).asked(config.prompt, config.answer_tokens)
    for line in given.problem.facts:
        print(printable(line))
    run.uses(**provenance(given))
    done = run_folder.finished(run) if config.prompt and not config.out else None
    if done is None:
        if config.prompt and not config.out:
            print(f"no finished run below {config.workdir} has these settings: training begins")
        train(config, given, run)
        if config.out:
            folder.write(config, run, given.teacher, given.start)
    if config.prompt:
        student = (done or run.folder) / STUDENT
        print(answers(config, given.teacher, student, given.start.words))


def recipe(config: Config) -> Recipe:
    """How students learn.

    Args:
        config: The flags.
    """
    return Recipe(
        config.epochs, config.batch_size, config.learning_rate, config.base_seed, config.bfloat16,
        config.remat, config.lora, config.lora_alpha, config.retrain, config.quantize,
        config.measured_tokens,
    )  # fmt: skip


def train(config: Config, given: Given, run: run_folder.Run) -> None:
    """Measure teacher and start, train the students of every objective, and record all.

    Args:
        config: The flags.
        given: Of `read`.
        run: Whose folder is opened.
    """
    texts, start = given.problem, given.start
    students = Students(
        given.teacher, start, texts.train, texts.test, recipe(config), config.workdir, given.top,
        texts.across, texts.asked,
    )  # fmt: skip
    few = students.rounds.few(given=bool(config.student))
    for line in few:
        print(line)
    first = config.objective[0]
    kept = given.objectives[0 if first == objectives.SFT else 1].row
    run.open()
    decoder_rows.remember(run, start.row, objectives.LABELS, kept, [*texts.facts, *few])
    units: list[tuple[dict, Any]] = [
        (_known(decoder_rows.TEACHER, 0), functools.partial(_measure_teacher, given, students)),
        (_known(start.row, 1), functools.partial(_measure_start, given, students)),
    ]
    for number, objective in enumerate(given.objectives, 2):
        for seed in range(config.seeds):
            keep = objective.row == kept and not seed
            work = functools.partial(_train, given, students, objective, keep)
            units.append((_known(objective.row, number, seed), work))
    run.each(units)


def _known(row, number, seed=0):
    return {"row": row, "number": number, "seed": seed}


def _measure_teacher(given, students, task):
    more: dict[str, Any] = {"parameters": cost.parameters(students.teacher.params)}
    more |= students.written(students.teacher.params, of_teacher=True)
    return [_record(task, students.measure_teacher()) | more]


def _measure_start(given, students, task):
    params, prompts = students.rounded(given.start.params), given.problem.prompts
    found = _record(task, students.measure(params))
    theirs = (given.problem.across or given.problem).prompts
    sides = (given.teacher.net, students.teacher.params, theirs), (given.start.net, params, prompts)
    times = chatting.speeds(sides, students.recipe.measured)
    speeds = zip((decoder_rows.TEACHER_SPEED, decoder_rows.SPEED), times)
    more = {"parameters": cost.parameters(params), **dict(speeds)}
    return [found | more | students.drafts(params, prompts) | students.written(params)]


def _train(given, students, objective, keep, task):
    """The record of one student, which is kept in the run's folder if it is the one."""
    task.execution.snapshots.every = SNAPSHOTS
    fitted = students.fit(objective, task.known["seed"], task.execution)
    if keep and fitted.diverged < 0:
        own = given.start.tokens or given.teacher
        decoder_folder.save(task.run.path(STUDENT), given.start.net, fitted.params, own)
    more: dict[str, Any] = {
        "parameters": cost.parameters(fitted.params),
        "train_loss": float(fitted.curves["loss"][-1]),
        "steps": students.rounds.all_steps,
    }

    def measured():
        found = _record(task, students.measure(fitted.params)) | students.written(fitted.params)
        return found | students.drafts(fitted.params, given.problem.prompts) | more

    return [records.network_record({}, measured, fitted.diverged)]


def _record(task, sums: dict[str, np.ndarray]) -> dict:
    """Means per token, whose sums by text are written beside the records."""
    task.run.save(decoder_rows.file_of(task.known["number"], task.known["seed"]) + ".npz", **sums)
    found = measure.means(sums)
    return {name if name in measure.COUNTS else f"test_{name}": x for name, x in found.items()}


def answers(config: Config, teacher: ChatModel, path: str | os.PathLike, words: str = "") -> str:
    """What teacher and student answer to --prompt, as text.

    Args:
        config: The flags.
        teacher: The teacher.
        path: The folder of the student.
        words: What the student began as; "": the folder says enough.
    """
    both = {"teacher": teacher, f"student, {words or path}": load.load(os.fspath(path))}
    how = config.answer_tokens, config.temperature, config.top_p, config.base_seed
    said = [
        f"--- {name}\n{chatting.Decoder(model).answer(config.prompt, *how)}"
        for name, model in both.items()
    ]
    return "\n".join([f"--- question\n{config.prompt}", *said])
