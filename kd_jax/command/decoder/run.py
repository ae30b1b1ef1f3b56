"""`distill_lm` from a file to a folder: read, train by every objective, measure, write."""

import functools
import pathlib
from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax import fingerprint, paths
from kd_jax.command.decoder import folder
from kd_jax.command.decoder.config import Config
from kd_jax.errors import InputError, brief, printable, require
from kd_jax.language.decoder import (
    chatting,
    measure,
    objectives,
    problem,
    quantized,
    starts,
    top_k_files,
)
from kd_jax.language.decoder.conversations import Keys
from kd_jax.language.decoder.starts import Start
from kd_jax.language.decoder.students import Recipe, Students
from kd_jax.language.objectives import Objective
from kd_jax.metrics import cost, records
from kd_jax.pretrained import decoder_folder, decoder_settings, gguf_writer, load
from kd_jax.pretrained.chat_template import ChatTemplate
from kd_jax.pretrained.load import ChatModel
from kd_jax.report import decoder_table
from kd_jax.storage import run_folder
from kd_jax.training import keys

STUDENT = "student"  # a folder of the run: the student that is kept
SNAPSHOTS = 120.0  # seconds between two: one holds three times the parameters


class Given(NamedTuple):
    """All that students are trained with.

    Attributes:
        teacher: A ChatModel.
        start: Of the students.
        problem: Their texts.
        objectives: In the order of the rows, SFT first.
        top: Of --teacher_top_k, as Students take it.
    """

    teacher: ChatModel
    start: Start
    problem: problem.Problem
    objectives: list[Objective]
    top: dict[str, np.ndarray] | None = None


def run(config: Config, run: run_folder.Run) -> None:
    """Do all of it, in a run's folder, and write --out; or only answer --prompt of a finished run.

    Args:
        config: The flags.
        run: Not open yet.
    """
    folder.check(config)
    given = read(config)
    if config.prompt:
        chatting.Decoder(given.teacher).asked(config.prompt, config.answer_tokens)
    for line in given.problem.facts:
        print(printable(line))
    run.uses(
        data=given.problem.digest, teacher=fingerprint.arrays(given.teacher.params),
        start=fingerprint.arrays(given.start.params), words=_words(given.teacher),
        own_words=given.start.tokens and _words(given.start.tokens),
        top=given.top and fingerprint.arrays(given.top),
    )  # fmt: skip
    done = run_folder.finished(run) if config.prompt and not config.out else None
    if done is None:
        train(config, given, run)
        if config.out:
            folder.write(config, run, given.teacher, given.start)
    if config.prompt:
        print(answers(config, given, (done or run.folder) / STUDENT))


def _words(teacher: ChatModel) -> str:
    """What decides which tokens texts become, as a name."""
    template = teacher.template
    said = [template.text, template.marks] if template else []
    return fingerprint.of([teacher.tokenizer.to_str(), said, teacher.stop])


def read(config: Config) -> Given:
    """The teacher, the texts and the start of a command.

    Args:
        config: The flags.

    Raises:
        InputError: Something of it is not what is expected, or does not fit together.
    """
    teacher = load.load(config.teacher)
    if config.chat_template:
        teacher = teacher._replace(template=_template(config.chat_template, teacher))
    names = dict.fromkeys([objectives.SFT, *config.objective])
    most = max(config.top_k)
    require(
        most < teacher.net.vocabulary, f"--top_k={most}: expected below "
        f"{teacher.net.vocabulary:,}, the teacher's tokens",
    )  # fmt: skip
    reading = problem.Reading(
        Keys(config.messages_key, config.prompt_key, config.completion_key, config.text_key),
        config.max_length, config.too_long, config.pack, config.held_out, config.max_texts,
        config.base_seed,
    )  # fmt: skip
    start = _start(config, teacher, reading)
    starts.require_comparable(start, teacher, config.objective)
    own = start.tokens or teacher
    decoder_settings.settings(start.net)  # InputError now, and not when it is written
    if config.quantize:
        quantized.require_fits(start.net)
    if config.gguf:
        gguf_writer.require_writable(start.net, own.tokenizer)
    written = any(map(objectives.writes, names))
    other = teacher if start.tokens else None
    texts = problem.read(own, config.data, config.test_data, reading, written, other)
    if written:
        note = "answers are written: each text is a prompt and its last answer, not packed"
        texts = texts._replace(facts=[*texts.facts, note])
    grids = {name: getattr(config, name) for name in objectives.Numbers._fields}
    if config.quantize:
        bits = quantized.BITS[config.quantize]
        note = f"matrices of the student's layers are rounded as {config.quantize}"
        texts = texts._replace(facts=[*texts.facts, f"{note}, {bits:g} bits a number"])
    top = None
    if config.teacher_top_k:
        tops = top_k_files.read(config.teacher_top_k, teacher.net.vocabulary)
        packed: Any = texts.train
        top = top_k_files.rows(packed, texts.texts, tops, config.teacher_top_k)
        grids["top_k"] = (top["tokens"].shape[-1],)
    rows = [each for name in names for each in objectives.grid(name, grids)]
    return Given(teacher, start, texts, rows, top)


def _template(path: str, teacher: ChatModel) -> ChatTemplate:
    marks = teacher.template.marks if teacher.template else ()
    file = paths.given(path)
    require(  # a pipe would be waited for
        file.is_file() or not file.exists(), f"--chat_template={path} is no file: expected one with"
        " a chat template",
    )  # fmt: skip
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"--chat_template={path} cannot be read ({brief(error)})") from None
    found = ChatTemplate(text, marks, path)
    found.check()
    return found


def _start(config: Config, teacher: ChatModel, reading: problem.Reading) -> Start:
    if config.layers:
        return starts.cut(teacher, config.layers)
    if config.student:
        found = starts.given(teacher, load.load(config.student))
        if found.tokens and config.chat_template:
            own = found.tokens
            own = own._replace(template=_template(config.chat_template, own))
            return found._replace(tokens=own)
        return found
    key = keys.key(config.base_seed, "student", "start")
    wanted = starts.sizes(config.random)
    examples: list = []
    if "vocabulary" in wanted:
        examples, _ = problem.parted(config.data, config.test_data, reading)
    return starts.new(teacher, wanted, key, examples)


def recipe(config: Config) -> Recipe:
    """How students learn.

    Args:
        config: The flags.
    """
    return Recipe(
        config.epochs, config.batch_size, config.learning_rate, config.base_seed, config.bfloat16,
        config.remat, config.lora, config.lora_alpha, config.retrain, config.quantize,
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
        texts.across,
    )  # fmt: skip
    few = [] if config.student else students.rounds.few()
    for line in few:
        print(line)
    first = config.objective[0]
    kept = given.objectives[0 if first == objectives.SFT else 1].row
    run.open()
    decoder_table.remember(run, start.row, objectives.LABELS, kept, [*texts.facts, *few])
    units: list[tuple[dict, Any]] = [
        (_known(decoder_table.TEACHER, 0), functools.partial(_measure_teacher, given, students)),
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
    net, params = given.teacher.net, students.teacher.params
    across = given.problem.across
    speed = chatting.speed(net, params, (across or given.problem).prompts)
    more = {"parameters": cost.parameters(params), "generated": speed}
    return [_record(task, students.measure_teacher()) | more]


def _measure_start(given, students, task):
    params, prompts = students.rounded(given.start.params), given.problem.prompts
    found = _record(task, students.measure(params))
    speed = chatting.speed(given.start.net, jax.device_put(params), prompts)
    more = {"parameters": cost.parameters(params), "generated": speed}
    return [found | more | students.drafts(params, prompts)]


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
    if keep and fitted.diverged < 0:  # the others are of its size
        params = jax.device_put(fitted.params)
        more["generated"] = chatting.speed(given.start.net, params, given.problem.prompts)

    def measured():
        drafts = students.drafts(fitted.params, given.problem.prompts)
        return _record(task, students.measure(fitted.params)) | drafts | more

    return [records.network_record({}, measured, fitted.diverged)]


def _record(task, sums: dict[str, np.ndarray]) -> dict:
    """Means per token, whose sums by text are written beside the records."""
    task.run.save(decoder_table.file_of(task.known["number"], task.known["seed"]) + ".npz", **sums)
    found = measure.means(sums)
    return {name if name in measure.COUNTS else f"test_{name}": x for name, x in found.items()}


def answers(config: Config, given: Given, path: pathlib.Path) -> str:
    """What teacher and student answer to --prompt, as text.

    Args:
        config: The flags.
        given: Of `read`.
        path: The folder of the student.
    """
    student = load.load(str(path))
    both = {"teacher": given.teacher, f"student, {given.start.words}": student}
    how = config.answer_tokens, config.temperature, config.top_p, config.base_seed
    said = [
        f"--- {name}\n{chatting.Decoder(model).answer(config.prompt, *how)}"
        for name, model in both.items()
    ]
    return "\n".join([f"--- question\n{config.prompt}", *said])
