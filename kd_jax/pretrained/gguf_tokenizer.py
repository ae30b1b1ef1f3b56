"""The byte-level BPE of a GGUF file: its tokens, merges, marks and how it cuts words."""

import os
from typing import Any

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from kd_jax.errors import require
from kd_jax.pretrained import chat_files, gguf_file
from kd_jax.pretrained import tokenizer as tokenizers
from kd_jax.pretrained.chat_template import ChatTemplate
from kd_jax.pretrained.settings import Settings, shown

PREFIX = "tokenizer.ggml."
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5  # kinds of tokens
# what is not implemented, with the values at which it changes nothing
NEUTRAL: dict[str, tuple] = {
    "add_bos_token": (False,),
    "add_eos_token": (False,),
    "add_sep_token": (False,),
    "add_space_prefix": (False,),
    "remove_extra_whitespaces": (False,),
    "escape_whitespaces": (True, False),  # of other kinds of tokenizer
}
# numbers of tokens by their use, and values that a byte-level BPE does not read
HARMLESS = frozenset(
    """
    bos_token_id eos_token_id eot_token_id eom_token_id unknown_token_id padding_token_id
    seperator_token_id separator_token_id cls_token_id mask_token_id fim_pre_token_id
    fim_suf_token_id fim_mid_token_id fim_pad_token_id fim_rep_token_id fim_sep_token_id
    prefix_token_id suffix_token_id middle_token_id scores token_type_count
    """.split()
)


def _gpt2():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def _smollm():
    digits = pre_tokenizers.Digits(individual_digits=True)
    return pre_tokenizers.Sequence([digits, _gpt2()])


# by tokenizer.ggml.pre
PRE_TOKENIZERS = {"smollm": _smollm, "gpt-2": _gpt2}


def tokenizer(path: str | os.PathLike) -> Tokenizer:
    """The byte-level BPE of a GGUF file.

    Raises:
        InputError: its tokenizer is another, damaged, or has settings that are not implemented.
    """
    file = gguf_file.read(path)
    found = _settings(file)
    kind = str(found.get("model"))
    require(
        kind == "gpt2", f"{path}: tokenizer is {shown(kind)!r}, expected gpt2, a byte-level BPE"
    )
    require(found.has("pre"), f"{path} has no {PREFIX}pre, how words are cut: convert it anew")
    words, known = str(found.get("pre")), ", ".join(PRE_TOKENIZERS)
    require(
        words in PRE_TOKENIZERS,
        f"{path}: tokenizer cuts words as {shown(words)!r}, expected {known}",
    )
    tokens, merges = _texts(found, "tokens"), _texts(found, "merges")
    require(len(set(tokens)) == len(tokens), f"{path}: some tokens stand twice; get it again")
    marks = _marks(found, tokens)
    found.neutral(NEUTRAL)
    found.accounted(HARMLESS)
    built = tokenizers.built(lambda: _built(tokens, merges, marks, words), path)
    table = file.tensors.get("token_embd.weight")
    if table and table.shape:
        tokenizers.require_fits(built, table.shape[0], path)
    return built


def chat(path: str | os.PathLike) -> tuple[ChatTemplate | None, list]:
    """(chat template or None, the tokens that end a text or a turn), as a GGUF file says."""
    file = gguf_file.read(path)
    found, names = _settings(file), ("eos_token_id", "eot_token_id", "eom_token_id")
    ends = [found.get(name) for name in names if found.has(name)]
    tokens = found.get("tokens")
    ids = {"bos_token": found.get("bos_token_id"), "eos_token": found.get("eos_token_id")}
    marks = tuple(
        (name, tokens[n])
        for name, n in ids.items()
        if isinstance(n, int) and isinstance(tokens, list) and 0 <= n < len(tokens)
    )
    return chat_files.named(file.metadata.get("tokenizer.chat_template"), marks, file.path), ends


def _settings(file):
    own = {name: value for name, value in file.metadata.items() if name.startswith(PREFIX)}
    return Settings({name.removeprefix(PREFIX): own[name] for name in own}, file.path)


def _texts(found, name) -> list[str]:
    value = found.get(name)
    require(isinstance(value, list), f"{found.source} has no {PREFIX}{name}: expected texts")
    return value


def _marks(found, tokens) -> list[tuple[str, Any]]:
    """(token, its kind) of those that are found in a text before it is cut into words."""
    kinds = found.get("token_type")
    right = isinstance(kinds, np.ndarray) and len(kinds) == len(tokens)
    require(
        right, f"{found.source} has no {PREFIX}token_type of {len(tokens)} tokens: convert it anew"
    )
    for token, kind in zip(tokens, kinds.tolist()):
        require(
            kind in (NORMAL, CONTROL, USER_DEFINED, UNUSED),
            f"{found.source}: token {shown(token)!r} is of kind {kind}, expected 1, 3, 4 or 5, "
            "those of a byte-level BPE",
        )
    return [(t, k) for t, k in zip(tokens, kinds.tolist()) if k in (CONTROL, USER_DEFINED)]


def _built(tokens, merges, marks, words):
    pairs = [tuple(merge.split(" ")) for merge in merges]
    built = Tokenizer(models.BPE({token: n for n, token in enumerate(tokens)}, pairs))
    built.pre_tokenizer = PRE_TOKENIZERS[words]()
    built.decoder = decoders.ByteLevel()
    # control tokens are left out where special ones are; a user's own are part of the text
    for kind, add in ((CONTROL, built.add_special_tokens), (USER_DEFINED, built.add_tokens)):
        add(
            [
                AddedToken(mark, special=kind == CONTROL, normalized=False)
                for mark, of in marks
                if of == kind
            ]
        )
    return built
