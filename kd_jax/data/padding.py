"""Padding of token sequences: to one length, or in batches of similar length."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from kd_jax.data.dataset import Split

MULTIPLE = 8  # lengths are rounded up to it, so that few programs are compiled


class Tokens(NamedTuple):
    """Token ids [N, T] int32, and mask [N, T]: True for a token, False for padding."""

    ids: Int[Any, "N T"]
    mask: Bool[Any, "N T"]

    def take(self, rows: Any) -> "Tokens":
        """The Tokens of some rows: indices or a slice."""
        return Tokens(self.ids[rows], self.mask[rows])

    def lists(self) -> list[list[int]]:
        """The token ids of each row, without the padding."""
        return [ids[mask].tolist() for ids, mask in zip(self.ids, self.mask)]


def unlabeled(tokens: Tokens) -> Split:
    """Tokens as a Split whose labels are all −1: no token is to be predicted."""
    inputs: Any = tokens._asdict()  # by name, as a decoder takes them
    return Split(inputs, np.full(tokens.ids.shape, -1, np.int32))


def padded(
    rows: Sequence[Sequence[int]],
    left: bool = False,
    multiple: int = MULTIPLE,
    longest: int | None = None,
) -> Tokens:
    """Pad lists of token ids with zeros to one length.

    Args:
        rows: N lists of token ids.
        left: whether the padding comes before the tokens.
        multiple: the length is rounded up to a multiple of it.
        longest: but not above this; none of the rows is longer.

    Returns:
        Tokens [N, T].
    """
    lengths = np.array([len(row) for row in rows])
    width = -(-max(lengths.max(initial=1), 1) // multiple) * multiple
    width = min(width, longest or width)
    mask = np.arange(width) < lengths[:, None]
    mask = mask[:, ::-1] if left else mask
    ids = np.zeros(mask.shape, np.int32)
    ids[mask] = np.concatenate(rows) if len(rows) else []
    return Tokens(ids, mask)


def by_length(tokens: Tokens, size: int) -> Iterator[tuple[Int[np.ndarray, " n"], Tokens]]:
    """Batches of texts of similar length, the shortest first.

    Padding to the longest of all texts would cost more than the texts themselves. Widths are
    rounded up, and the last batch is filled with rows of mask False, so that few programs are
    compiled.

    Args:
        tokens: Tokens [N, T], padded on the right.
        size: rows of a batch.

    Yields:
        (rows, batch): which rows the first ones of the batch are, and Tokens [size, T' ≤ T].
    """
    lengths = tokens.mask.sum(1)
    order = np.argsort(lengths, kind="stable")
    for first in range(0, len(order), size):
        chosen = order[first : first + size]
        width = max(1, -(-lengths[chosen[-1]] // MULTIPLE)) * MULTIPLE
        width = min(width, tokens.ids.shape[1])
        yield chosen, _filled(tokens, chosen, size, width)


def by_tokens(tokens: Tokens, most: int) -> Iterator[tuple[Int[np.ndarray, " n"], Tokens]]:
    """Batches of texts of similar length, the shortest first, of so many tokens at most.

    Widths are powers of 2 and the middles between them, rows powers of 2, so that few programs are
    compiled however many texts of whatever lengths there are, and a single text is a batch of one.

    Args:
        tokens: Tokens [N, T], padded on the right.
        most: tokens of a batch, unless one text has more.

    Yields:
        (rows, batch): which rows the first ones of the batch are, and Tokens [n' ≥ n, T'].
    """
    lengths = tokens.mask.sum(1)
    order = np.argsort(lengths, kind="stable")
    powers = range(3, max(4, tokens.ids.shape[1].bit_length()))
    widths = np.array([step << power for power in powers for step in (2, 3)])
    of_width = np.searchsorted(widths, lengths[order])
    for number, width in enumerate(widths.tolist()):
        rows = order[of_width == number]
        size = 1 << max(most // width, 1).bit_length() - 1
        for first in range(0, len(rows), size):
            chosen = rows[first : first + size]
            yield chosen, _filled(tokens, chosen, 1 << (len(chosen) - 1).bit_length(), width)


def _filled(tokens, chosen, size, width):
    """The Tokens [size, width] of some rows, and below them rows of mask False."""
    batch = Tokens(*(np.zeros((size, width), x.dtype) for x in tokens))
    for target, source in zip(batch, tokens):
        target[: len(chosen), : source.shape[1]] = source[chosen, :width]
    return batch
