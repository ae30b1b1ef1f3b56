"""Token alignment of two tokenizers: positions of one text after which both have read the same.

Teacher and student with vocabularies of their own can be compared there by
losses.universal_logit: both predict what follows the same beginning of the text.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from kd_jax.pretrained import tokenizer as tokenizers


class Aligned(NamedTuple):
    """Positions [B, N] in the student's and the teacher's tokens; where [B, N]: True for a pair."""

    student: Int[np.ndarray, "B N"]
    teacher: Int[np.ndarray, "B N"]
    where: Bool[np.ndarray, "B N"]


def ends(
    tokenizer: Any, texts: Sequence[str], max_length: int | None = None, special: bool = False
) -> list[list[int]]:
    """For each text how many of its bytes (UTF-8) have been read after each of its tokens.

    Args:
        tokenizer: of the package tokenizers.
        texts: N texts.
        max_length: tokens of a text at most.
        special: whether special tokens are put around them.

    Returns:
        N lists, −1 where a token ends within a character, or stands for none of the text (special
        tokens, padding).
    """
    found = []
    for text, encoding in zip(texts, _encodings(tokenizer, texts, special)):
        bytes_before = np.cumsum([0, *(len(c.encode()) for c in text)])
        ends_of_text, next_start = [], len(text)
        for start, end in reversed(encoding.offsets):
            # a token that ends within a character says that it ends with it, and so the next one
            # begins before that
            whole = start < end <= next_start
            ends_of_text.append(int(bytes_before[end]) if whole else -1)
            next_start = start if start < end else next_start
        found.append(ends_of_text[::-1][:max_length])
    return found


def _encodings(tokenizer, texts, special):
    """Of whole texts, also where an earlier use left the tokenizer cutting them."""
    cut = tokenizer.truncation
    tokenizer.no_truncation()
    try:
        return tokenizers.encodings(tokenizer, texts, special=special)
    finally:
        if cut:
            tokenizer.enable_truncation(**cut)


def aligned(
    student_ends: Sequence[Sequence[int]], teacher_ends: Sequence[Sequence[int]]
) -> Aligned:
    """Pair the tokens of two tokenizers that end at the same byte of a text.

    Token i of the student and j of the teacher are a pair when the same bytes, one or more, have
    been read after both; such pairs come in order, as bytes only grow.

    Args:
        student_ends: `ends` of the texts under the student's tokenizer.
        teacher_ends: `ends` of the same texts under the teacher's.
    """
    pairs = [
        [(i, theirs[end]) for i, end in enumerate(ours) if end in theirs]
        for ours, theirs in zip(student_ends, map(_positions, teacher_ends))
    ]
    width = max(map(len, pairs), default=0)
    positions = np.zeros((2, len(pairs), width), np.int32)
    where = np.zeros((len(pairs), width), bool)
    for row, found in enumerate(pairs):
        positions[:, row, : len(found)] = np.array(found, np.int32).reshape(-1, 2).T
        where[row, : len(found)] = True
    ours, theirs = positions
    return Aligned(ours, theirs, where)


def _positions(ends):
    """{bytes read: the token after which they are}."""
    return {end: place for place, end in enumerate(ends) if end > 0}
