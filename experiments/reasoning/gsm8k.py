"""GSM8K as a Task: a decoder that others taught to chat, and a student with fewer of its layers."""

import dataclasses
import decimal
import re

import jax

from experiments.reasoning import answering, tasks
from experiments.reasoning.problems import ANSWER, TERSE
from kd_jax import fingerprint
from kd_jax.data.gsm8k import Problem
from kd_jax.errors import require
from kd_jax.language import gsm8k_texts, teacher_cache
from kd_jax.pretrained import chat_template, layer_selection
from kd_jax.training import optimizers

FORMAT = 'Reason step by step. End with "#### " and the answer as a number.'
NUMBER = re.compile(r"####\s*\$?\s*(-?[\d,]*\.?\d+)")


def extracted(text):
    """The number after the first "####" of a text, in plain digits, or None.

    $, commas and zeros after the point are left out: "#### $1,250.00" says 1250.
    Source: the answer format of Cobbe et al. 2021, arXiv 2110.14168.
    """
    found = NUMBER.search(text)
    if not found:
        return None
    number = decimal.Decimal(found[1].replace(",", ""))
    return f"{number.normalize():f}"


def asked(words, wanted, longest):
    """(tasks.Asked, Tokens of the published solutions) of the first problems that fit.

    Args: words: a chat model's tokenizer; wanted: GSM8K's Problems, and how many of them; longest:
      (tokens of a prompt, of an answer). Raises: InputError when fewer fit.
    """
    known, count = wanted
    formatted = [Problem(f"{p.question}\n{FORMAT}", p.solution) for p in known]
    texts = gsm8k_texts.texts(words, formatted, count, longest)
    said = [_text(words, ids) for ids in answering.texts(texts.answers)]
    gold, steps = [extracted(text) for text in said], [text.count("\n") for text in said]
    return tasks.Asked(texts.prompts, gold, steps, longest[1]), texts.answers


def task(model, known, tests, longest, layers):
    """The Task of a teacher and a student with so many of its layers.

    Args: model: (Llama, params, tokenizer); known, tests: (Problems, how many of them).
    Raises: InputError when the model has too few layers or positions, or too few problems fit.
    """
    net, params, words = model
    require(layers < net.layers, f"--layers={layers}: expected below the teacher's {net.layers}")
    require(
        sum(longest) <= net.positions,
        f"--prompt_tokens={longest[0]} and --answer_tokens={longest[1]}: expected "
        f"{net.positions} in all at most, the teacher's positions",
    )
    stop = chat_template.stop_token(words)
    teacher = teacher_cache.Teacher(net, jax.device_put(params), fingerprint.arrays(params), stop)
    train, solutions = asked(words, known, longest)
    short = chat_template.answers(words, [f"#### {answer}" for answer in train.gold])
    return tasks.Task(
        teacher,
        dataclasses.replace(net, layers=layers),
        tasks.same_start(layer_selection.cut(params, layer_selection.spaced(net.layers, layers))),
        optimizers.adamw_warmup_cosine,
        train,
        {ANSWER: short, TERSE: solutions},
        {"test": asked(words, tests, longest)[0]},
        lambda ids: extracted(_text(words, ids)),
    )


def _text(words, ids):
    return words.decode(ids, skip_special_tokens=True)
