"""Tokens of a student's own: a byte-level BPE of the texts, and where its embeddings begin.

Source: Sennrich, Haddow and Birch 2016, arXiv 1508.07909; of bytes as in GPT-2.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kd_jax.errors import extra, require
from kd_jax.language.decoder.conversations import Example
from kd_jax.pretrained.load import ChatModel

with extra("text"):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

BYTES = 256


def bpe(texts: Iterable[str], size: int, special: Sequence[str]) -> Tokenizer:
    """A byte-level BPE of some texts.

    Args:
        texts: That merges are learned from.
        size: Tokens at most.
        special: Tokens that are never parted, the first ones.
    """
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[*special],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    found.train_from_iterator(texts, trainer)
    return found


def learned(teacher: ChatModel, examples: Sequence[Example], size: int) -> ChatModel:
    """A teacher with other tokens: its special ones, and those of a BPE of its texts.

    Args:
        teacher: The ChatModel, whose network and parameters are left alone.
        examples: That students learn from.
        size: Tokens.

    Raises:
        InputError: So many are too few or more than the texts have.
    """
    added = teacher.tokenizer.get_added_tokens_decoder()
    special = [added[n].content for n in sorted(added) if added[n].special]
    ends = [teacher.tokenizer.id_to_token(n) for n in teacher.stop]
    special += [text for text in ends if text not in special]
    least = len(special) + BYTES
    require(
        size >= least,
        f"--vocabulary={size}: expected at least {least}, for bytes and special tokens",
    )
    texts = [text for each in examples for text in _said(each)]
    found = bpe(texts, size, special)
    count = found.get_vocab_size()
    require(
        count == size,
        f"--vocabulary={size}: the texts have no more than {count:,} tokens: give fewer",
    )
    known = found.get_vocab()
    stop = tuple(known[text] for text in ends)
    return teacher._replace(tokenizer=found, stop=stop, source="")


def transferred(params: Any, teacher: ChatModel, own: ChatModel) -> Any:
    """A teacher's parameters, or those of its cut, for other tokens.

    The embedding of a token t is the mean of those of the teacher's tokens u of the same text,
    e(t) = 1/n Σ_i e(u_i), (u_1, …, u_n) = teacher's tokens of t; so are the head's columns.

    Args:
        params: Whose "embedding" [V, D] and "head" [D, V], if it has one, are the teacher's.
        teacher: The ChatModel whose tokens these are.
        own: Another, of `learned`.

    Source:
        Gee, Zugarini, Rigutini and Torroni 2022, arXiv 2402.09977, section 3 (fast vocabulary
        transfer).
    """
    size = own.tokenizer.get_vocab_size()
    same = [_same_text(teacher.tokenizer, own.tokenizer, number) for number in range(size)]

    def means(table):
        return np.stack([table[ids].mean(0) if ids else table.mean(0) for ids in same])

    found = dict(params) | {"embedding": means(np.asarray(params["embedding"]))}
    if "head" in params:
        found["head"] = means(np.asarray(params["head"]).T).T
    return found


def cropped(model: ChatModel, size: int) -> ChatModel:
    """A model of its first tokens alone.

    Args:
        model: The ChatModel.
        size: How many, at least as many as its tokenizer has.
    """
    if model.net.vocabulary == size:
        return model
    params = dict(model.params) | {"embedding": model.params["embedding"][:size]}
    if "head" in params:
        params["head"] = params["head"][:, :size]
    net = dataclasses.replace(model.net, vocabulary=size)
    return model._replace(net=net, params=params)


def _same_text(teacher, own, number):
    """The teacher's tokens of the text of one of a tokenizer's own."""
    name, text = own.id_to_token(number), own.decode([number], skip_special_tokens=False)
    known = teacher.token_to_id(name)
    if known is not None and teacher.decode([known], skip_special_tokens=False) == text:
        return [known]  # parts of a character too, which have no text of their own
    return teacher.encode(text, add_special_tokens=False).ids


def _said(example: Example) -> list[str]:
    contents: list[Any] = [each.get("content") for each in example.messages]
    return [text for text in [example.text, *contents] if isinstance(text, str) and text]
