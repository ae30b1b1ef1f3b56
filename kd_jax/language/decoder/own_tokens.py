"""Tokens of a student's own: a byte-level BPE that is learned from the texts.

Source: Sennrich, Haddow and Birch 2016, arXiv 1508.07909; of bytes as in GPT-2.
"""

from collections.abc import Iterable, Sequence
from typing import Any

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
        f"--random=vocabulary:{size}: expected at least {least}, for bytes and special tokens",
    )
    texts = [text for each in examples for text in _said(each)]
    found = bpe(texts, size, special)
    count = found.get_vocab_size()
    require(
        count == size,
        f"--random=vocabulary:{size}: the texts have no more than {count:,} tokens: give fewer",
    )
    known = found.get_vocab()
    stop = tuple(known[text] for text in ends)
    return teacher._replace(tokenizer=found, stop=stop, source="")


def _said(example: Example) -> list[str]:
    contents: list[Any] = [each.get("content") for each in example.messages]
    return [text for text in [example.text, *contents] if isinstance(text, str) and text]
