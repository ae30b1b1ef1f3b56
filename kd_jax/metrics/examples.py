"""Which examples a network names rightly, as a short text that its record keeps.

A bit for each example, packed and compressed: 10,000 test examples of which nine in ten are right
take about 1,000 characters. Where examples belong together, as the frames of a recording, there is
a count for each group instead, as other groups are what an interval speaks of.
"""

import base64
import zlib
from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

RIGHT = "right"  # of a split: what records call it is test_right


def packed(bits: Bool[np.ndarray, "*G N"]) -> np.ndarray:
    """The texts [*G] of rows of bits.

    Args:
        bits: One for each example.
    """
    bits = np.asarray(bits)
    rows = bits.reshape(-1, bits.shape[-1])
    texts = [_compressed(len(row), np.packbits(row)) for row in rows]
    return np.array(texts).reshape(bits.shape[:-1])


def packed_counts(
    counts: Int[np.ndarray, "*S R"], sizes: Int[np.ndarray, " R"]
) -> Shaped[np.ndarray, "*S"]:
    """The texts [*S] of how many examples of each of R groups are right.

    Args:
        counts: Of right ones, below 65,536.
        sizes: Of the groups.
    """
    counts = np.asarray(counts)
    head = f"{len(sizes)}/{np.sum(sizes)}"
    texts = [_compressed(head, row.astype("<u2")) for row in counts.reshape(-1, counts.shape[-1])]
    return np.array(texts).reshape(counts.shape[:-1])


def unpacked(text: str) -> Float[np.ndarray, " N"]:
    """What a text of `packed` or `packed_counts` says: one number for each example or group.

    Their mean is the fraction of all examples that are right: 0 or 1 for an example, R c / N for a
    group with c right ones, of R groups with N examples.

    Args:
        text: Of a record.

    Raises:
        ValueError: It is another text.
    """
    head, _, rest = text.partition(":")
    try:
        content = zlib.decompress(base64.b64decode(rest, validate=True))
        groups, _, count = head.partition("/")
        if count:
            found = np.frombuffer(content, "<u2", int(groups))
            return found * (len(found) / int(count))
        return np.unpackbits(np.frombuffer(content, np.uint8), count=int(head)).astype(float)
    except (ValueError, ArithmeticError, zlib.error) as error:
        raise ValueError(f"{text[:60]!r} does not say which examples are right: {error}") from None


def forgotten(records: Iterable[dict]) -> list[dict]:
    """The records without what says which test examples were right.

    For networks that are each tested on examples of their own: no other has them, nothing is paired
    by example, and their differences hold what examples differ by already.

    Args:
        records: Of networks, like distill.students.records.
    """
    return [{name: x for name, x in r.items() if name != f"test_{RIGHT}"} for r in records]


def _compressed(head, array):
    """The text of an array: what it is, and its bytes."""
    return f"{head}:{base64.b64encode(zlib.compress(array.tobytes(), 9)).decode()}"
