"""Tokenizers of model folders, and encoding of texts."""

import os
import pathlib
from collections.abc import Iterable

from tokenizers import Tokenizer

from kd_jax.data.padding import Tokens, padded
from kd_jax.errors import InputError, require


def load(folder: str | os.PathLike) -> Tokenizer:
    """The tokenizer of a model folder.

    Raises:
        InputError: it is missing or damaged.
    """
    path = pathlib.Path(folder) / "tokenizer.json"
    require(path.is_file(), f"{folder} has no tokenizer.json: expected the model's tokenizer")
    try:
        found = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises a bare Exception
        raise InputError(f"{path} is damaged ({error}): get it again") from None
    found.no_padding()
    found.no_truncation()
    return found


def encode(tokenizer: Tokenizer, texts: Iterable[str], max_length: int) -> Tokens:
    """The Tokens of texts with their special tokens.

    Args:
        tokenizer: of the model.
        texts: N texts.
        max_length: longer ones are cut to so many tokens, the special ones among them.
    """
    tokenizer.enable_truncation(max_length)
    return padded([each.ids for each in tokenizer.encode_batch(list(texts))])
