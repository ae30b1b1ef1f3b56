"""Tokenizers of model folders, and encoding of texts."""

import contextlib
import math
import os
import pathlib
from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer

from kd_jax import paths
from kd_jax.data.padding import Tokens, padded
from kd_jax.errors import REFUSED, InputError, brief, number_of, require, unreadable
from kd_jax.pretrained import model_folder, tokenizer_settings
from kd_jax.pretrained.settings import shown

# what shows that a tokenizer can be used at all: the library builds some that panic when used
TRIAL = "a B é 1 12"


@model_folder.without_collection()
def load(folder: str | os.PathLike) -> Tokenizer:
    """The tokenizer of a model folder.

    Cutting and padding that its file asks for are left out: callers say how texts are cut.

    Raises:
        InputError: it is missing or damaged, has tokens that the model of the folder lacks, or its
            tokenizer_config.json contradicts it.
    """
    path = pathlib.Path(folder) / "tokenizer.json"
    require(path.is_file(), f"{folder} has no tokenizer.json: expected the model's tokenizer")
    found = model_folder.json_object(path)
    tokenizer_settings.require_sound(found, path)
    # its own reader refuses a path that is no UTF-8, as in a locale without it
    tokenizer = built(lambda: Tokenizer.from_buffer(path.read_bytes()), path)
    tokenizer_settings.require_agreement(found, tokenizer, pathlib.Path(folder))
    # a file that the library would write so holds nothing that it passes over
    same = tokenizer.to_str(pretty=True).encode() == path.read_bytes()
    if not same:
        tokenizer_settings.require_understood(found, tokenizer, path)
    rows: Any = math.inf  # where there is no model beside it
    if paths.has_file(path.parent / "config.json"):
        rows = model_folder.config(folder).get("vocab_size")
    known = found["model"].get("vocab") if same else None
    require_fits(tokenizer, rows if isinstance(rows, int) else math.inf, path, known)
    return tokenizer


def built(build: Any, source: str | os.PathLike) -> Tokenizer:
    """What `build` gives, without padding and truncation.

    Args:
        build: () -> a Tokenizer.
        source: its file, for the error message.

    Raises:
        InputError: the library cannot build it, or not use it.
    """
    try:
        found = build()
        found.no_padding()
        found.no_truncation()
        with contextlib.suppress(Exception):  # a text that it cannot write says so itself
            found.encode(TRIAL)
    except BaseException as error:  # a bare Exception of the library, or a panic, which is none
        _require_own(error)
        if number_of(error) in REFUSED:
            raise unreadable(str(source), error, "get it again") from None
        raise InputError(f"{source} is damaged ({brief(error)}): get it again") from None
    return found


def _require_own(error):
    """Raise again what the library did not raise: that the command is to end."""
    if not isinstance(error, Exception) and "panic" not in type(error).__name__.lower():
        raise error


def require_fits(
    tokenizer: Tokenizer, vocabulary: float, source: str | os.PathLike, numbers: Any = None
) -> None:
    """InputError unless a model of so many tokens can read and write all of a tokenizer's.

    Args:
        tokenizer: of the model.
        vocabulary: rows of the model's embedding.
        source: the tokenizer's file, for the error message.
        numbers: {token: number} of its model, where they are known: the library takes long to say.
    """
    if isinstance(numbers, dict):
        added = tokenizer.get_added_tokens_decoder()
        known = numbers | {token.content: number for number, token in added.items()}
    else:
        known = tokenizer.get_vocab(with_added_tokens=True)
    require(
        len(set(known.values())) == len(known),
        f"{source} is damaged (two tokens have one number): get it again",
    )
    known |= {"around every text": max(tokenizer.encode("").ids, default=0)}
    last = max(known, key=known.__getitem__)
    require(
        known[last] < vocabulary,
        f"{source}: token {shown(last)!r} is number {known[last]}, but the model has "
        f"{vocabulary} tokens, 0 to {vocabulary - 1}: expected the model's own tokenizer",
    )


def encodings(tokenizer: Tokenizer, texts: Iterable[str], *, special: bool = True) -> list[Any]:
    """What the library makes of texts.

    Args:
        tokenizer: of the model.
        texts: N texts.
        special: whether special tokens are put around them.

    Raises:
        InputError: the tokenizer has no tokens for one of them.
    """
    try:
        return tokenizer.encode_batch(list(texts), add_special_tokens=special)
    except MemoryError:
        raise
    except BaseException as error:  # a bare Exception of the library, or a panic, which is none
        _require_own(error)
        why = brief(error)
        raise InputError(
            f"the tokenizer cannot write a text in its tokens ({why}): expected the model's own"
        ) from None


def encode(
    tokenizer: Tokenizer, texts: Iterable[str], max_length: int, *, special: bool = True
) -> Tokens:
    """The Tokens of texts with their special tokens.

    Args:
        tokenizer: of the model.
        texts: N texts.
        max_length: longer ones are cut to so many tokens, the special ones among them; padding
            does not go beyond it either, as a network may have no more positions.
        special: whether special tokens are put around them.

    Raises:
        InputError: it leaves no token of a text: the tokenizer would cut nothing then.
    """
    added = tokenizer.num_special_tokens_to_add(False)
    require(
        max_length > added,
        f"texts are to be cut to {max_length} tokens: expected more than the {added} special "
        "ones that the tokenizer adds",
    )
    tokenizer.enable_truncation(max_length)
    try:
        found = [each.ids for each in encodings(tokenizer, texts, special=special)]
    finally:
        tokenizer.no_truncation()  # which is no state for others to find
    return padded(found, longest=max_length)
