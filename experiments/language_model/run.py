"""A decoder with a third of its layers distilled from the whole one: objectives side by side."""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from experiments.language_model import generation as writing
from experiments.language_model import objectives, rates
from experiments.language_model import rows as names
from experiments.language_model.students import STUDENT, DecoderStudents
from kd_jax import fingerprint
from kd_jax.data import gsm8k, padding
from kd_jax.errors import require
from kd_jax.language import generation, gsm8k_texts, teacher_cache, tiny_teacher, tokens
from kd_jax.pretrained import llama as llama_files
from kd_jax.pretrained import load as pretrained
from kd_jax.storage import run_folder
from kd_jax.training import keys


class Distillation(NamedTuple):
    """The teacher, and Texts: what students learn from, their validation and their test.

    model: the teacher's ChatModel; question: --prompt as Tokens, if any.
    """

    teacher: teacher_cache.DecoderTeacher
    texts: tokens.Texts
    validation: tokens.Texts
    test: tokens.Texts
    model: pretrained.ChatModel
    question: padding.Tokens | None


def load_teacher(config, problems):
    """(DecoderTeacher, its ChatModel). Raises: InputError when it does not fit the settings."""
    if config.tiny:
        some = [text for problem in problems[: config.texts] for text in problem]
        model = tiny_teacher.chat_model(keys.key(config.base_seed, "teacher"), some)
    else:
        model = pretrained.load(config.teacher)
    net, params, stop = model.net, model.params, model.stop
    require(
        config.layers < net.layers,
        f"--layers={config.layers}: expected fewer than the teacher's {net.layers}",
    )
    require(
        config.prompt_tokens + config.answer_tokens <= net.max_position_embeddings,
        f"--prompt_tokens={config.prompt_tokens} and --answer_tokens={config.answer_tokens}: "
        f"expected {net.max_position_embeddings} in all at most, the teacher's positions",
    )
    kept = max(each.top_k for each in objectives.chosen(config))
    require(
        kept < net.vocabulary,
        f"--top_k={kept}: expected below {net.vocabulary}, the teacher's vocabulary",
    )
    net = dataclasses.replace(net, dtype=jnp.bfloat16 if config.bfloat16 else jnp.float32)
    digest = fingerprint.arrays(params)
    return teacher_cache.DecoderTeacher(net, jax.device_put(params), digest, stop), model


def load(config):
    """The Distillation. Raises: InputError when teacher and settings do not fit together."""
    problems, test = gsm8k.load(config.data_dir, config.manual_dir)
    teacher, model = load_teacher(config, problems)
    chat = gsm8k_texts.chat_of(model)
    question = None
    if config.prompt:
        question = writing.prompt_of(chat, config.prompt, teacher.net, config.answer_tokens)
    lengths = config.prompt_tokens, config.answer_tokens
    texts = gsm8k_texts.encode(chat, problems, config.texts + config.tests, lengths)
    validation = texts.take(slice(config.texts, None))
    measured_on = validation
    if not config.validation_only:
        measured_on = gsm8k_texts.encode(chat, test, config.tests, lengths)
    learned = texts.take(slice(config.texts))
    return Distillation(teacher, learned, validation, measured_on, model, question)


def train(config, data, run):
    """Measure the teacher and its cut, train the students of every objective.

    The first seed is trained at every peak rate, the others at the one that it chooses.
    """
    chosen, students = objectives.chosen(config), DecoderStudents(config, data, run)

    def unit(objective, rate, seed):
        known = {"row": objective.row, "rate": rate, "seed": seed}
        return known, functools.partial(students.train, objective, rate, seed)

    run.each([
        ({"row": names.TEACHER}, functools.partial(students.measure_teacher, chosen)),
        ({"row": names.CUT}, students.measure_cut),
    ])  # fmt: skip
    for objective in chosen:
        for rate in config.learning_rates:  # each is held against those that are recorded
            run.each([unit(objective, rate, 0)])
        best = rates.chosen(run.records(), objective.row)
        run.each([unit(objective, best, seed) for seed in range(1, config.seeds)])


def said(config, data, folder):
    """What the teacher and the student in a folder answer to --prompt, as text."""
    teacher, choose = data.teacher, generation.greedy
    if config.temperature:
        choose = generation.sampled(config.temperature, config.top_p)
    who = {
        "teacher": (teacher.net, teacher.params),
        f"student ({names.FORWARD})": llama_files.load(folder),
    }
    key = keys.key(config.base_seed, "generation")
    how = data.model.tokenizer, data.question, teacher.stop, config.answer_tokens, choose, key
    return f"--- question\n{config.prompt}\n" + "\n".join(
        f"--- {name}, {net.layers} layers\n{writing.answer(net, params, *how)}"
        for name, (net, params) in who.items()
    )


def run(config, run):
    """Train, or only answer --prompt where a finished run of these settings has the student."""
    data = load(config)
    run.uses(data=gsm8k.DIGEST, teacher=data.teacher.digest)
    folder = run_folder.finished(run) if config.prompt else None
    if folder is None:
        train(config, data, run)
    if config.prompt:
        print(said(config, data, (folder or run.folder) / STUDENT))
