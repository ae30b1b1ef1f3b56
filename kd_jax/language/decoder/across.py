"""Texts in the tokens of a student and in those of its teacher, side by side.

Where both have read the same bytes of a text, both predict what follows: there a student with
tokens of its own learns from its teacher, by losses.universal_logit.
"""

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kd_jax.data import padding
from kd_jax.data.padding import Tokens
from kd_jax.errors import require
from kd_jax.language import alignment
from kd_jax.language.decoder import encoding
from kd_jax.language.decoder.conversations import Example
from kd_jax.language.tokens import Packed
from kd_jax.pretrained.chat import Encoded
from kd_jax.pretrained.chat_template import Rendered
from kd_jax.pretrained.load import ChatModel

NONE = -1


class Beside(NamedTuple):
    """A text of a student in its teacher's tokens.

    Attributes:
        text: All of it.
        places: For each of the student's tokens the place among the teacher's off which the same is
            predicted, or NONE.
    """

    text: Encoded
    places: list[int]


def beside(own: ChatModel, teacher: ChatModel, examples: Sequence[Example]) -> list[Beside]:
    """Of each text of encoding.written, what stands beside it.

    Args:
        own: Whose tokens and chat template the student has.
        teacher: Whose tokens and template its teacher has.
        examples: Of a file.

    Raises:
        InputError: The two templates do not write as many texts and answers of a conversation.
    """
    ours, theirs = list[Rendered](), list[Rendered]()
    for each in examples:
        found = [encoding.written(model, [each]) for model in (own, teacher)]
        answers = [[len(text.spans) for text in texts] for texts in found]
        require(
            answers[0] == answers[1], f"{each.where}: the chat templates of student and teacher "
            "write its answers in other texts: expected one template, --chat_template=FILE",
        )  # fmt: skip
        ours += found[0]
        theirs += found[1]
    read = [_read(model, texts) for model, texts in ((own, ours), (teacher, theirs))]
    encoded = encoding.whole(teacher, theirs)
    return [
        Beside(text, _places(*pair, *after))
        for text, pair, after in zip(encoded, zip(ours, theirs), zip(*read))
    ]


def _read(model, texts):
    """For each text, what has been read after each token: (a span, bytes of it), or None."""
    plain = texts[0].plain
    ends = alignment.ends(model.tokenizer, [x.text for x in texts], special=plain)
    found = []
    for (text, spans, *_), own in zip(texts, ends):
        before = np.cumsum([0, *(len(c.encode()) for c in text)])  # bytes before each character
        bounds = [tuple(before[list(span)].tolist()) for span in spans]
        found.append([_within(bounds, end) for end in own])
    return found


def _within(bounds, end):
    """(Number of a span, bytes of it) that so many bytes of a text end in, or None."""
    spans = enumerate(bounds)
    return next(((n, end - first) for n, (first, last) in spans if first <= end <= last), None)


def _places(ours, theirs, read_by_us, read_by_them):
    said = [[text.text[a:b].encode() for a, b in text.spans] for text in (ours, theirs)]
    alike = [len(os.path.commonprefix(pair)) for pair in zip(*said)]
    known = {read: n for n, read in enumerate(read_by_them) if read and read[1] <= alike[read[0]]}
    after = [known.get(read, NONE) for read in read_by_us]
    return [NONE, *after]  # of what follows a token; the last one for an end that is added


class Across(NamedTuple):
    """Texts in a teacher's tokens, beside those in its students'.

    Attributes:
        train: What students learn from, of `rows`.
        test: What they are measured on, of `rows`.
        own: The latter with the answers in the teacher's own tokens, packed.
        prompts: The first tokens of some of them.
    """

    train: Packed
    test: Packed
    own: Packed
    prompts: list[list[int]]


def rows(
    texts: Sequence[Encoded], others: Sequence[Beside], together: Sequence[Sequence[int]]
) -> Packed:
    """The teacher's texts in rows like packing.packed, for the same answers as the student's.

    Args:
        texts: In the student's tokens.
        others: Beside each.
        together: packing.rows of them.

    Returns:
        Its answers are the student's, its mask True where both have read the same.
    """
    tokens, parts, places, answers, numbers = [], [], [], [], []
    for row in together:
        filled: tuple[list, ...] = ([], [], [], [], [])
        for part, number in enumerate(row, 1):
            own, other = texts[number], others[number]
            before, ids = len(filled[0]), _needed(own, other)
            for n, counts in enumerate(own.counted):
                if counts and n:
                    place = other.places[n]
                    filled[2].append(before + place if place != NONE else NONE)
                    filled[3].append(own.ids[n])
                    filled[4].append(number)
            filled[0].extend(ids)
            filled[1].extend([part] * len(ids))
        for whole, each in zip((tokens, parts, places, answers, numbers), filled):
            whole.append(each)
    read, answered = padding.padded(tokens), padding.padded(answers)
    at = _like(answered, places)
    mask = answered.mask & (at != NONE)
    return Packed(
        Tokens(read.ids, _like(read, parts)), np.maximum(at, 0), Tokens(answered.ids, mask),
        _like(answered, numbers),
    )  # fmt: skip


def _needed(own, other):
    """The teacher's tokens of a text up to where the student's are cut."""
    last = max((n for n in other.places[: len(own.ids)] if n != NONE), default=0)
    return other.text.ids[: last + 1]


def _like(tokens, rows):
    found = np.zeros(tokens.ids.shape, np.int32)
    found[tokens.mask] = np.concatenate(rows)
    return found


def cut(own: Encoded, other: Beside) -> Encoded:
    """The teacher's tokens of what the student's tokens of a text say.

    Args:
        own: The student's, which may be cut.
        other: Beside it.
    """
    if len(own.ids) >= len(other.places) - 1:  # not cut
        return other.text
    ids = _needed(own, other)
    return Encoded(ids, other.text.counted[: len(ids)])
