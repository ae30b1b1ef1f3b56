"""Texts as token numbers: a model's tokenizer, and what it makes of texts."""

import pathlib

from tokenizers import Tokenizer

from kd_jax.data.padding import padded
from kd_jax.errors import InputError, require


def tokenizer(folder):
    """The tokenizer of a model folder. Raises: InputError when it is missing or damaged."""
    path = pathlib.Path(folder) / "tokenizer.json"
    require(path.is_file(), f"{folder} has no tokenizer.json: expected the model's tokenizer")
    try:
        found = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises a bare Exception
        raise InputError(f"{path} is damaged ({error}): get it again") from None
    found.no_padding()
    found.no_truncation()
    return found


def encode(tokenizer, texts, longest):
    """The Tokens of texts, with the marks at their ends; cut to `longest` tokens, marks kept."""
    tokenizer.enable_truncation(longest)
    return padded([each.ids for each in tokenizer.encode_batch(list(texts))])
