"""Packing: several texts in one row of tokens, so that little of a batch is padding.

Source: Krell et al. 2021, arXiv 2107.02027: without attention across texts, and with positions
that begin anew, a packed row is worth its texts one by one.
"""

import bisect
from collections.abc import Sequence

import numpy as np

from kd_jax.data import padding
from kd_jax.data.padding import Tokens
from kd_jax.language.tokens import Packed
from kd_jax.pretrained.chat import Encoded


def packed(texts: Sequence[Encoded], length: int, alone: bool = False) -> Packed:
    """Texts in rows of at most so many tokens; every token that counts is read once.

    Args:
        texts: Of at most `length` tokens each.
        length: Of a row.
        alone: Whether each has a row for itself.
    """
    together = rows([len(each.ids) for each in texts], length, alone)
    filled = [_row([texts[n] for n in row], row) for row in together]
    tokens = padding.padded([ids for ids, *_ in filled], longest=length)
    within = _like(tokens, [parts for _, parts, *_ in filled])
    places = padding.padded([places for *_, places, _, _ in filled])
    answers = padding.padded([answers for *_, answers, _ in filled])
    numbers = _like(answers, [numbers for *_, numbers in filled])
    return Packed(Tokens(tokens.ids, within), places.ids, answers, numbers)


def rows(lengths: Sequence[int], length: int, alone: bool = False) -> list[list[int]]:
    """The numbers of the texts in each row of `packed`.

    Args:
        lengths: Of the texts.
        length: Of a row.
        alone: Whether each has a row for itself.
    """
    return [[n] for n in range(len(lengths))] if alone else bins(lengths, length)


def _row(texts, numbers):
    """(ids, which text of the row; positions, tokens and texts' numbers of answers) of a row."""
    ids, parts, places, answers, owners = [], [], [], [], []
    for part, (each, number) in enumerate(zip(texts, numbers), 1):
        for n, counts in enumerate(each.counted):
            if counts and n:
                places.append(len(ids) + n - 1)
                answers.append(each.ids[n])
                owners.append(number)
        ids += each.ids
        parts += [part] * len(each.ids)
    return ids, parts, places, answers, owners


def _like(tokens, rows):
    """Lists of numbers in the places of tokens, 0 elsewhere."""
    found = np.zeros(tokens.ids.shape, np.int32)
    found[tokens.mask] = np.concatenate(rows)
    return found


def bins(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Numbers of texts that fit together, the longest first, each where it leaves least room.

    Best fit decreasing needs at most 11/9 of the fewest bins, and one more (Johnson 1974).

    Args:
        lengths: Of all texts, at most `room`.
        room: Of a bin.
    """
    found: list[list[int]] = []
    left: list[tuple[int, int]] = []  # (room left, bin), ascending
    for number in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        at = bisect.bisect_left(left, (lengths[number], -1))
        rest, place = left.pop(at) if at < len(left) else (room, len(found))
        if place == len(found):
            found.append([])
        found[place].append(number)
        bisect.insort(left, (rest - lengths[number], place))
    return found
