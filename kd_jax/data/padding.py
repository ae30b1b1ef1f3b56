"""Texts of different lengths as arrays: padded to one length, or in batches of like length."""

from typing import NamedTuple

import numpy as np

MULTIPLE = 8  # lengths are rounded up to it, so that few programs are compiled


class Tokens(NamedTuple):
    """ids [N, T] int32 and mask [N, T]: True where there is a token, False where padding."""

    ids: np.ndarray
    mask: np.ndarray


class Asked(NamedTuple):
    """What `shipping.kept` keeps of texts: inputs {"ids", "mask"} [N, T] and labels [N, T].

    A label is the token that is asked for at its place, −1 where none is.
    """

    inputs: dict
    labels: np.ndarray


def unasked(tokens, count):
    """The first Tokens as an Asked without a question."""
    few = Tokens(*(x[:count] for x in tokens))
    return Asked(few._asdict(), np.full(few.ids.shape, -1, np.int32))


def padded(rows, left=False, multiple=MULTIPLE):
    """The Tokens of lists of ids, padded with zeros, right or left, to such a multiple."""
    lengths = np.array([len(row) for row in rows])
    width = -(-max(lengths.max(initial=1), 1) // multiple) * multiple
    mask = np.arange(width) < lengths[:, None]
    mask = mask[:, ::-1] if left else mask
    ids = np.zeros(mask.shape, np.int32)
    ids[mask] = np.concatenate(rows) if len(rows) else []
    return Tokens(ids, mask)


def by_length(tokens, size):
    """(rows, Tokens) of up to `size` texts of like length each, the shortest first.

    Padding to the longest of all texts would cost more than the texts themselves. Widths are
    rounded up, and the last batch is filled with rows of mask False, so that few programs are
    compiled; `rows` names the others.
    """
    lengths = tokens.mask.sum(1)
    order = np.argsort(lengths, kind="stable")
    for first in range(0, len(order), size):
        chosen = order[first : first + size]
        width = max(1, -(-lengths[chosen[-1]] // MULTIPLE)) * MULTIPLE
        batch = Tokens(*(np.zeros((size, width), x.dtype) for x in tokens))
        for target, source in zip(batch, tokens):
            target[: len(chosen)] = source[chosen, :width]
        yield chosen, batch
