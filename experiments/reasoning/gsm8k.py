"""GSM8K as a reasoning task: a chat model as teacher, and some of its layers as student."""

import decimal
import fractions
import re

import jax

from experiments.reasoning import tasks
from experiments.reasoning.problems import ANSWER, TERSE
from kd_jax import fingerprint
from kd_jax.data import gsm8k
from kd_jax.errors import require
from kd_jax.language import gsm8k_texts, teacher_cache, tiny_teacher
from kd_jax.language.tokens import prompts_and_answers
from kd_jax.pretrained import layer_selection
from kd_jax.pretrained import load as pretrained
from kd_jax.training import keys, optimizers

FORMAT = 'Reason step by step. End with "#### " and the answer as a number.'
# What may stand before the digits: blanks, marks, currencies, a sign. Then whole thousands or plain
# digits, and perhaps a power of ten or a denominator; nothing that would make it another number.
# Every repetition is possessive, so that no text takes longer than its length.
NUMBER = re.compile(
    r"####(?P<before>[\s\\*_({$€£¥+−–-]*+)"
    r"(?P<digits>(?:[0-9]{1,3}(?:,[0-9]{3})++|[0-9]++)(?![0-9,]*+,[0-9])(?:\.[0-9]++)?+|\.[0-9]++)"
    r"(?:[eE](?P<power>[-+−]?[0-9]{1,3}+)|[ \t]*+/[ \t]*+(?P<denominator>[0-9]{1,40}+))?+"
    r"(?![0-9]|[.,'’][0-9]|[eE][-+−]?[0-9]|[ \t]*+(?:/[ \t]*+[-+−.]?[0-9]|[×^]|\*\*?[0-9])"
    r"|[ \t\u00a0\u202f][0-9]|[:xX][0-9]|[ \t]*+[²³¹¼-¾⁰-⁹⅐-⅞⁄])"
)
MINUS = str.maketrans("−–", "--")


def extracted(text):
    """The number after the first "####" of a text, in plain digits and exactly, or None.

    Currencies, commas, a plus and zeros after the point are left out: "#### $1,250.00" says 1250,
    and so does 1.25e3. A fraction is what it comes to, 3/4 = 0.75, or in lowest terms, 1/3.
    Source: the answer format of Cobbe et al. 2021, arXiv 2110.14168.
    """
    found = NUMBER.search(text)
    if not found:
        return None
    signs = found["before"].translate(MINUS)
    power = (found["power"] or "0").translate(MINUS)
    digits = ("-" if signs.count("-") == 1 else "") + found["digits"].replace(",", "")
    number, denominator = decimal.Decimal(f"{digits}e{power}"), found["denominator"]
    return _plain(number) if denominator is None else _quotient(number, int(denominator))


def _plain(number):
    """Digits without an exponent, a sign of 0, or zeros that say nothing."""
    exact = decimal.Context(prec=len(number.as_tuple().digits))  # the usual one rounds to 28
    return f"{number.normalize(exact):f}" if number else "0"


def _quotient(number, denominator):
    """A quotient as a decimal fraction where it is one, else in lowest terms, or None."""
    if not denominator or len(number.as_tuple().digits) > 40:
        return None
    quotient = fractions.Fraction(number) / denominator
    if 10**200 % quotient.denominator:
        return str(quotient)
    exact = decimal.Context(prec=300)
    return _plain(exact.divide(decimal.Decimal(quotient.numerator), quotient.denominator))


def problem_set(chat, wanted, max_lengths):
    """(ProblemSet, Tokens of the published solutions) of the first problems that fit.

    Args: wanted: (problems, how many). Raises: InputError when fewer fit.
    """
    problems, count = wanted
    formatted = [p._replace(question=f"{p.question}\n{FORMAT}") for p in problems]
    texts = gsm8k_texts.encode(chat, formatted, count, max_lengths)
    written = [_text(chat.tokenizer, ids) for ids in texts.answers.lists()]
    gold, steps = [extracted(text) for text in written], [text.count("\n") for text in written]
    return tasks.ProblemSet(texts.prompts, gold, steps, max_lengths[1]), texts.answers


def task(model, train, test, max_lengths, layers):
    """The ReasoningTask of a teacher and a student with so many of its layers.

    Args:
        model: a ChatModel.
        train: (problems, how many of them).
        test: the same of what students are measured on.
        max_lengths: (tokens of a prompt, of an answer).
        layers: of the student.

    Raises:
        InputError: the model has too few layers or positions, or too few problems fit.
    """
    net, params, chat = model.net, model.params, gsm8k_texts.chat_of(model)
    require(layers < net.layers, f"--layers={layers}: expected below the teacher's {net.layers}")
    require(
        sum(max_lengths) <= net.max_position_embeddings,
        f"--prompt_tokens={max_lengths[0]} and --answer_tokens={max_lengths[1]}: expected "
        f"{net.max_position_embeddings} in all at most, the teacher's positions",
    )
    digest, chosen = fingerprint.arrays(params), layer_selection.spaced(net.layers, layers)
    student, start = layer_selection.student(net, params, chosen)
    known, solutions = problem_set(chat, train, max_lengths)
    answers = [gsm8k_texts.conversation("", f"#### {answer}") for answer in known.gold]
    short = prompts_and_answers([texts[-1] for texts in chat.encode(answers)]).answers
    return tasks.ReasoningTask(
        teacher_cache.DecoderTeacher(net, jax.device_put(params), digest, model.stop),
        student,
        tasks.same_start(start),
        optimizers.adamw_warmup_cosine,
        known,
        {ANSWER: short, TERSE: solutions},
        {"test": problem_set(chat, test, max_lengths)[0]},
        lambda ids: extracted(_text(model.tokenizer, ids)),
    )


def load(config):
    """GSM8K and a pretrained teacher.

    Returns:
        ({name: digest} of what is given, number of a teacher, of which there is one, -> its
        ReasoningTask).

    Raises:
        InputError: --held_out leaves no problems, or as for `task`.
    """
    problems, test = gsm8k.load(config.data_dir, config.manual_dir)
    require(
        config.held_out < len(problems),
        f"--held_out={config.held_out}: expected below {len(problems)}, all training problems",
    )
    if config.tiny:
        some = [text for problem in problems[:100] for text in problem]
        model = tiny_teacher.chat_model(keys.key(config.base_seed, "teacher", 0), some)
    else:
        model = pretrained.load(config.teacher)
    train = problems[: -config.held_out], max(config.sizes)
    held_out = problems[-config.held_out :] if config.validation_only else test, config.tests
    max_lengths = config.prompt_tokens, config.answer_tokens
    found = task(model, train, held_out, max_lengths, config.layers)
    return {"data": gsm8k.DIGEST, "teacher": found.teacher.digest}, lambda number: found


def _text(tokenizer, ids):
    return tokenizer.decode(ids, skip_special_tokens=True)
