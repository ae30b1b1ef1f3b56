"""A file of texts as what students learn from and what they are measured on."""

import hashlib
import json
import os
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from kd_jax.data import equal_texts
from kd_jax.errors import counted, require
from kd_jax.language import tokens
from kd_jax.language.decoder import across, conversations, encoding, packing
from kd_jax.language.decoder.across import Across
from kd_jax.language.decoder.conversations import UNSAID, Example, Keys
from kd_jax.language.tokens import Packed, Texts
from kd_jax.metrics.statistics import FEWEST
from kd_jax.models.llama import Llama
from kd_jax.pretrained.chat import Encoded
from kd_jax.pretrained.load import ChatModel

ASKED = 64  # held-out texts whose prompts are answered, to measure what is written


class Reading(NamedTuple):
    """How a file is read.

    Attributes:
        keys: Under which keys of a line it stands.
        max_length: Tokens of a text, and of a packed row.
        too_long: What is done with longer texts, one of encoding.TOO_LONG.
        packed: Whether several texts share a row.
        held_out: Lines that students are measured on: a part of them below 1, or a count.
        texts: Lines that are read; 0: all.
        seed: Of which lines are held out.
    """

    keys: Keys = UNSAID
    max_length: int = 512
    too_long: str = encoding.CUT
    packed: bool = True
    held_out: float = 0.1
    texts: int = 0
    seed: int = 0


class Problem(NamedTuple):
    """Texts as rows of tokens.

    Attributes:
        name: Of the file.
        train: What students learn from; Texts where answers are to be written.
        texts: The same as lists of tokens.
        test: What they are measured on.
        digest: Of the files.
        prompts: The first tokens of some held-out texts, which are continued: to time it, and by
            student and teacher together.
        facts: What stands in the card, a line each.
        across: The same in the teacher's tokens, where those are others.
        asked: Some held-out texts as prompts and answers, where answers are written.
    """

    name: str
    train: Packed | Texts
    texts: list[Encoded]
    test: Packed
    digest: str
    prompts: list[list[int]]
    facts: list[str]
    across: Across | None = None
    asked: Texts | None = None


def read(
    model: ChatModel,
    path: str | os.PathLike,
    test_path: str | os.PathLike = "",
    reading: Reading = Reading(),  # noqa: B008, it never changes
    written: bool = False,
    teacher: ChatModel | None = None,
) -> Problem:
    """The Problem of a file, or of two.

    Args:
        model: Whose tokens the texts become, the students' and usually the teacher's.
        path: A .jsonl file, see conversations.
        test_path: Another with what students are measured on; "": a part of the first.
        reading: How they are read.
        written: Whether answers are to be written, by the teacher or the student: each text is then
            a prompt and its last answer.
        teacher: Whose tokens they become too, where those are others.

    Raises:
        InputError: A line is not what is expected, or there are too few.
    """
    require_room(reading.max_length, model.net)
    room = model.net.max_position_embeddings
    *parts, notes = parted(path, test_path, reading)
    names = "to learn from", "held out"
    how = reading.max_length, reading.too_long
    found = [encoding.encode(model, part, *how, name) for part, name in zip(parts, names)]
    learnt, held = (each.texts for each in found)
    facts = [_fact(name, each.texts) for name, each in zip(names, found)]
    facts += _few(len(held), len(parts[1]), test_path, reading)
    facts += notes
    facts += [f"{name}: {note}" for name, each in zip(names, found) for note in each.notes]
    rows: Packed | Texts = packing.packed(learnt, reading.max_length, alone=not reading.packed)
    if written:
        rows = tokens.prompts_and_answers(learnt)
        _require_both_fit(rows, room, reading)
    elif reading.packed:
        facts.append(
            f"packed: {counted(len(rows.answers.ids), 'row')} of at most {reading.max_length:,}"
        )
    test = packing.packed(held, reading.max_length)
    name, digest = pathlib.Path(path).name, _digest(path, test_path)
    both = _across(model, teacher, parts, found, reading) if teacher else None
    if both:
        facts.append(_compared("to learn from", both.train, rows))
        _compared("held out", both.test, test)  # the table says how many
    some = tokens.prompts_and_answers(held[:ASKED]) if written else None
    return Problem(name, rows, learnt, test, digest, _prompts(held), facts, both, some)


def require_room(length: int, net: Llama) -> None:
    """InputError unless a network has so many positions.

    Args:
        length: Tokens of a text.
        net: That reads it.
    """
    room, said = net.max_position_embeddings, f"--max_length={length}"
    require(length <= room, f"{said}: expected at most {room:,}, the positions of the model")


def _prompts(texts):
    return [each.ids[: max(1, each.counted.index(True))][-64:] for each in texts[:16]]


def _across(model, teacher, parts, found, reading):
    """The Across of both parts."""
    beside, room = list[Packed](), teacher.net.max_position_embeddings
    for part, own, alone in zip(parts, found, (not reading.packed, False)):
        others = across.beside(model, teacher, part)
        others = [others[n] for n in own.numbers]
        together = packing.rows([len(x.ids) for x in own.texts], reading.max_length, alone)
        beside.append(across.rows(own.texts, others, together))
        whole = [across.cut(*pair) for pair in zip(own.texts, others)]
        longest = max(len(each.ids) for each in whole)
        require(
            longest <= room, f"a text has {longest:,} of the teacher's tokens: expected at most "
            f"{room:,}, its positions; give a smaller --max_length than {reading.max_length:,}",
        )  # fmt: skip
    test = packing.packed(whole, max(longest, reading.max_length))
    return Across(
        beside[0], beside[1], test, _prompts([each for each in whole if any(each.counted)])
    )


def _compared(name, theirs, ours):
    both, all_of = int(theirs.answers.mask.sum()), int(ours.answers.mask.sum())
    require(both, f"{name}: teacher and student never have read the same of an answer: expected "
            "tokenizers that leave the text as it is")  # fmt: skip
    return f"{name}: before {both:,} of {all_of:,} tokens that count, the teacher has read the same"


def parted(
    path: str | os.PathLike, test_path: str | os.PathLike, reading: Reading
) -> tuple[list[Example], list[Example], list[str]]:
    """(To learn from, to measure on, a line for each thing worth knowing) of a file, or of two.

    Args:
        path: A .jsonl file.
        test_path: Another, or "".
        reading: How they are read.

    Raises:
        InputError: A line is not what is expected, there are too few, or all that students would
            be measured on are learned from.
    """
    examples = conversations.read(path, reading.keys)[: reading.texts or None]
    content = [_content(each) for each in examples]
    if not os.fspath(test_path):
        return _parted(examples, equal_texts.first_equal(content), reading, path)
    held = conversations.read(test_path, reading.keys)
    asked, name = [_content(each) for each in held], f"--test_data={test_path}"
    notes = equal_texts.learned_too(name, asked, set(content))
    return examples, held, notes + equal_texts.repeated(name, asked)


def _content(example: Example) -> str:
    """What an example says, wherever it stands."""
    return json.dumps([example.messages, example.text], sort_keys=True, default=str)


def _fact(name: str, texts: Sequence[Encoded]) -> str:
    said = encoding.described(texts)
    return (
        f"{name}: {counted(said['texts'], 'text')} of {counted(said['tokens'], 'token')}, of which "
        f"{said['counted']:,} count"
    )


def _require_both_fit(rows, room, reading):
    length = rows.prompts.ids.shape[1] + rows.answers.ids.shape[1]
    require(
        length <= room, f"the longest prompt and the longest answer have {length:,} tokens "
        f"together: expected at most {room:,}, the teacher's positions; give a smaller "
        f"--max_length than {reading.max_length:,}",
    )  # fmt: skip


def _few(held, given, test_path, reading):
    """A line where held-out texts, of so many that were given, are too few for verdicts."""
    if held >= FEWEST:
        return []
    more = f"more texts in --test_data={test_path}"
    if not os.fspath(test_path):
        more = f"a larger --held_out than {reading.held_out:g}"
    if held < given:  # the others had none within so many tokens
        more += f", or a larger --max_length than {reading.max_length:,}"
    count = "1 text has" if held == 1 else f"{held} texts have"
    said = f"held out: {count} tokens that count, and no verdicts come of fewer than {FEWEST}"
    return [f"{said}: expected {more}"]


def _parted(
    examples: Sequence[Example],
    first: Int[np.ndarray, " N"],
    reading: Reading,
    path: str | os.PathLike,
) -> tuple[list[Example], list[Example], list[str]]:
    """As `parted`, by chance, each part in the order of the file; first: see `first_equal`."""
    share, different = reading.held_out, np.unique(first)
    count = round(share * len(different)) if share < 1 else int(share)
    said = equal_texts.different(first)
    require(
        0 < count < len(different), f"{path} has {said}, of which "
        f"--held_out={share:g} are {count:,}: expected some to learn from and some to measure on",
    )  # fmt: skip
    order = np.random.default_rng(reading.seed).permutation(len(examples))
    held = np.sort(order[np.isin(order, different)][:count])
    return (
        [examples[n] for n in np.flatnonzero(~np.isin(first, held)).tolist()],
        [examples[n] for n in held.tolist()],
        equal_texts.drawn_together(first, ["the held-out part"]),
    )


def _digest(*paths):
    found = hashlib.sha256()
    for path in filter(os.fspath, paths):
        found.update(hashlib.sha256(pathlib.Path(path).expanduser().read_bytes()).digest())
    return found.hexdigest()
