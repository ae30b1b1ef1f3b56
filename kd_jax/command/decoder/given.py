"""What the flags of `distill_lm` ask for, read: teacher, start, texts and objectives."""

from typing import Any, NamedTuple

import numpy as np

from kd_jax import fingerprint, paths
from kd_jax.command.decoder.config import Config
from kd_jax.errors import InputError, brief, require
from kd_jax.language.decoder import (
    objectives,
    own_tokens,
    problem,
    quantized,
    starts,
    student_sizes,
    top_k_files,
)
from kd_jax.language.decoder.conversations import Keys
from kd_jax.language.decoder.starts import Start
from kd_jax.language.objectives import Objective
from kd_jax.pretrained import decoder_settings, gguf_writer, load
from kd_jax.pretrained.chat_template import ChatTemplate
from kd_jax.pretrained.load import ChatModel
from kd_jax.training import keys


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


def words(teacher: ChatModel) -> str:
    """What decides which tokens texts become, as a name.

    Args:
        teacher: Or another model.
    """
    template = teacher.template
    said = [template.text, template.marks] if template else []
    return fingerprint.of([teacher.tokenizer.to_str(), said, teacher.stop])


def chat_model(config: Config) -> ChatModel:
    """The teacher of a command, with the chat template that is given.

    Args:
        config: The flags.

    Raises:
        InputError: There is none.
    """
    teacher = load.load(config.teacher)
    if config.chat_template:
        return teacher._replace(template=_template(config.chat_template, teacher))
    return teacher


def read(config: Config, teacher: ChatModel | None = None) -> Given:
    """The teacher, the texts and the start of a command.

    Args:
        config: The flags.
        teacher: In place of --teacher.

    Raises:
        InputError: Something of it is not what is expected, or does not fit together.
    """
    _check_sizes(config, teacher.net if teacher else load.network(config.teacher))
    teacher = teacher or chat_model(config)
    names = dict.fromkeys([objectives.SFT, *config.objective])
    reading = problem.Reading(
        Keys(config.messages_key, config.prompt_key, config.completion_key, config.text_key),
        config.max_length, config.too_long, config.pack, config.held_out, config.max_texts,
        config.base_seed,
    )  # fmt: skip
    student = None
    if config.student:
        teacher, student = starts.without_padding(teacher, load.load(config.student))
    start = _start(config, teacher, student, reading)
    _check(config, teacher, start)
    written = any(map(objectives.writes, names))
    models = (start.tokens, teacher) if start.tokens else (teacher, None)
    texts = problem.read(models[0], config.data, config.test_data, reading, written, models[1])
    texts = texts._replace(facts=[*texts.facts, *_notes(config, written)])
    grids, top = {name: getattr(config, name) for name in objectives.Numbers._fields}, None
    if config.teacher_top_k:
        tops = top_k_files.read(config.teacher_top_k, teacher.net.vocabulary)
        packed: Any = texts.train
        top = top_k_files.rows(packed, texts.texts, tops, config.teacher_top_k)
        grids["top_k"] = (top["tokens"].shape[-1],)
    rows = [each for name in names for each in objectives.grid(name, grids)]
    return Given(teacher, start, texts, rows, top)


def provenance(given: Given) -> dict[str, Any]:
    """What a run says that it uses.

    Args:
        given: Of `read`.
    """
    own, top = given.start.tokens, given.top
    return {
        "data": given.problem.digest, "teacher": fingerprint.arrays(given.teacher.params),
        "start": fingerprint.arrays(given.start.params), "words": words(given.teacher),
        "own_words": own and words(own), "top": top and fingerprint.arrays(top),
    }  # fmt: skip


def _check_sizes(config, net):
    """InputError of sizes beyond the teacher's, before its parameters are read."""
    most = max(config.top_k)
    require(
        "top_k" not in config.objective or most < net.vocabulary,
        f"--top_k={most}: expected below {net.vocabulary:,}, the teacher's tokens",
    )
    if config.layers:
        starts.require_fewer(config.layers, net)
    if config.random:
        starts.require_no_more(student_sizes.sizes(config.random), net)
    if config.vocabulary:
        starts.require_across(f"--vocabulary={config.vocabulary}", config.objective)
    own = load.network(config.student) if config.student else net
    problem.require_room(config.max_length, own)


def _check(config, teacher, start):
    """InputError now, and not when students are trained or written."""
    net = start.net
    if start.tokens and config.student:
        starts.require_across(f"--student={config.student}", config.objective)
    decoder_settings.settings(net)
    if config.quantize:
        quantized.require_fits(net, config.quantize)
    if config.gguf:
        gguf_writer.require_writable(net, (start.tokens or teacher).tokenizer)


def _notes(config, written):
    if written:
        yield "answers are written: each text is a prompt and its last answer, not packed"
    if config.student and not config.test_data:
        yield (
            "a student that learned from --data before may know the texts held out now: keep the "
            "--max_texts, --held_out and --base_seed of then, or give --test_data"
        )
    if config.quantize:
        bits = f"{quantized.BITS[config.quantize]:g} bits a number"
        yield f"matrices of the student's layers are rounded as {config.quantize}, {bits}"


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


def _start(
    config: Config, teacher: ChatModel, student: ChatModel | None, reading: problem.Reading
) -> Start:
    own = None
    if config.vocabulary:
        examples, *_ = problem.parted(config.data, config.test_data, reading)
        own = own_tokens.learned(teacher, examples, config.vocabulary)
    if config.layers:
        return starts.cut(teacher, config.layers, own)
    if student:
        found = starts.given(teacher, student)
        if found.tokens and config.chat_template:
            own = found.tokens
            own = own._replace(template=_template(config.chat_template, own))
            return found._replace(tokens=own)
        return found
    key = keys.key(config.base_seed, "student", "start")
    return starts.new(teacher, student_sizes.sizes(config.random), key, own)
