"""One's own texts as an encoder's tokens: what is longer than is learned from is counted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from kd_jax.data.padding import Tokens
from kd_jax.errors import counted, require
from kd_jax.pretrained import tokenizer as tokenizers
from kd_jax.pretrained.encoder import Encoder


class Read(NamedTuple):
    """Texts as tokens.

    Attributes:
        tokens: Of those that are kept.
        rows: Which these are.
        longer: How many texts were longer: cut, or left out.
        max_length: Tokens of a text at most, the special ones among them.
    """

    tokens: Tokens
    rows: Int[np.ndarray, " K"]
    longer: int
    max_length: int


def read(
    encoder: Encoder, texts: Sequence[str], max_length: int = 0, *, skip: bool = False
) -> Read:
    """Texts as tokens, for training.

    Args:
        encoder: Whose tokenizer reads them.
        texts: N texts.
        max_length: Tokens of a text at most; 0: as many as the encoder reads.
        skip: Leave longer texts out, which are cut otherwise.

    Raises:
        InputError: The encoder reads no texts so long, or none is left.
    """
    most = encoder.max_length
    require(
        max_length <= most,
        f"texts have up to {max_length} tokens: expected {most} at most, as the encoder "
        f"{encoder.folder} reads; give a smaller --max_length or another teacher",
    )
    most = max_length or most
    lengths = np.array([len(x.ids) for x in tokenizers.encodings(encoder.tokenizer, texts)])
    rows = np.flatnonzero(lengths <= (most if skip else np.inf))
    require(
        len(rows),
        f"of {counted(len(texts), 'text')} each is longer than {counted(most, 'token')}: give a "
        "larger --max_length, or let them be cut",
    )
    tokens = tokenizers.encode(encoder.tokenizer, [texts[row] for row in rows.tolist()], most)
    return Read(tokens, rows, int(np.sum(lengths > most)), most)
