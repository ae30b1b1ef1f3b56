"""What tokenizer.json and tokenizer_config.json say and their library does not look at.

tokenizer.json says how texts become tokens, and its library implements or refuses all of it. Older
settings in tokenizer_config.json override some of it elsewhere: they must agree with it.
"""

import json
import pathlib
from typing import Any

from tokenizers import Tokenizer

from kd_jax import paths
from kd_jax.errors import require
from kd_jax.pretrained import model_folder
from kd_jax.pretrained.settings import Settings, shown

# of a BertNormalizer: tokenizer_config.json's names for its settings
NORMALIZER = {
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
}
STEPS = "normalizer", "pre_tokenizer", "post_processor", "decoder"
ELSEWHERE = "truncation", "padding"  # which callers choose
TABLES = "vocab", "merges"  # of a model, each used or refused by the library
LONGER = 10_000  # times a text, at most: its memory is not known before
LEGACY = "add_prefix_space", "str_rep"
FLAGS = "special", "lstrip", "rstrip", "single_word", "normalized"


def require_sound(found: dict, path: pathlib.Path) -> None:
    """InputError unless tokenizer.json is one that always gives the same tokens, and no abort.

    Args:
        found: what is in the file.
        path: the file.
    """
    model = found.get("model")
    require(isinstance(model, dict), f"{path} is damaged (it has no model): get it again")
    for name in STEPS:  # the library takes a list for whatever step has as many settings
        step = found.get(name)
        require(
            step is None or (isinstance(step, dict) and isinstance(step.get("type"), str)),
            f"{path} is damaged ({name} is {shown(step)}, expected an object with its type): get "
            "it again",
        )
        times = _times(step)
        require(
            times <= LONGER,
            f"{path} is damaged (its {name} makes a text up to {times:,} times as long): get it "
            "again",
        )
    settings = Settings(model, path)  # type: ignore[arg-type]
    settings.neutral({"dropout": (0,)})  # draws how a text is cut
    prefix = settings.get("continuing_subword_prefix")
    if settings.get("type", "BPE") == "BPE" and prefix:
        merges = settings.get("merges", [])
        begins = isinstance(prefix, str) and prefix.isascii() and isinstance(merges, list)
        # the library cuts the prefix off without a look, and ends the process where it cannot
        require(
            begins and all(_second(merge).startswith(prefix) for merge in merges),
            f"{path} is damaged (its merges lack the prefix {shown(prefix)}): get it again",
        )


def _times(step):
    """How many times as long a step may make a text: each of its replacements of one letter."""
    found, left = 1, [step]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            content = part.get("content")
            if part.get("type") == "Replace" and isinstance(content, str):
                found *= max(len(content), 1)
            left += part.values()
        elif isinstance(part, list):
            left += part
    return found


def _second(merge):
    """The second of the two pieces that a merge joins, of the older and the newer spelling."""
    pieces = merge.split(" ") if isinstance(merge, str) else merge
    pair = isinstance(pieces, list) and len(pieces) == 2 and isinstance(pieces[1], str)
    return pieces[1] if pair else ""


def require_understood(found: dict, tokenizer: Tokenizer, path: pathlib.Path) -> None:
    """InputError where the library leaves out a setting of tokenizer.json, or takes another value.

    It skips names that it does not know without a word, and gives added tokens numbers of its own
    where theirs are taken. What it understood is what it would write.

    Args:
        found: what is in the file.
        tokenizer: built of it.
        path: the file.
    """
    written = json.loads(tokenizer.to_str())
    for whole in (found, written):
        added = whole.get("added_tokens") or []
        whole["added_tokens"] = {str(each.get("content")): each for each in added}
        for name in ELSEWHERE:
            whole.pop(name, None)
        for name in TABLES:
            whole["model"].pop(name, None)
    lost = next(_lost(found, written, ""), None)
    require(
        lost is None,
        f"{path}: the setting {lost} is not known to the library tokenizers, or contradicts "
        "another: it may change how texts become tokens; if it does not, remove it from the file",
    )


def _lost(said, known, where):
    """The places of settings that are not the same, or not at all, in what is known."""
    if isinstance(said, dict) and isinstance(known, dict):
        older = LEGACY if said.get("type") == "Metaspace" else ()  # which the library translates
        for name, value in said.items():
            if value is not None and name not in older:
                yield from _lost(value, known.get(name), f"{where}.{shown(name)}".lstrip("."))
    elif isinstance(said, list) and isinstance(known, list) and len(said) == len(known):
        for number, (one, other) in enumerate(zip(said, known)):
            yield from _lost(one, other, f"{where}[{number}]")
    elif said != known:
        yield where


def require_agreement(found: dict, tokenizer: Tokenizer, folder: pathlib.Path) -> None:
    """InputError where tokenizer_config.json and tokenizer.json contradict each other.

    Args:
        found: what is in tokenizer.json.
        tokenizer: built of it.
        folder: with the files.
    """
    _require_added(tokenizer, folder / "added_tokens.json")
    path = folder / "tokenizer_config.json"
    if not paths.has_file(path):
        return
    said = Settings(model_folder.json_object(path), path)
    said.neutral({"split_special_tokens": (False,)})
    normalizer, splits = found.get("normalizer") or {}, found.get("pre_tokenizer") or {}
    if normalizer.get("type") == "BertNormalizer":
        said.neutral({theirs: (normalizer.get(ours),) for theirs, ours in NORMALIZER.items()})
    if splits.get("type") == "ByteLevel":
        said.neutral({"add_prefix_space": (splits.get("add_prefix_space"),)})
    added = said.get("added_tokens_decoder") or {}
    require(isinstance(added, dict), f"{path}: added_tokens_decoder is {shown(added)}")
    known = {str(n): token for n, token in tokenizer.get_added_tokens_decoder().items()}
    for number, token in added.items():
        require(
            _alike(token, known.get(number)),
            f"{path}: token {shown(number)} is {shown(token)}, tokenizer.json says "
            f"{shown(known.get(number))}: expected the same in both; get them again",
        )


def _require_added(tokenizer, path):
    """InputError where the older list of a folder's added tokens, {token: number}, is another."""
    if not paths.has_file(path):
        return
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    for token, number in model_folder.json_object(path).items():
        known = vocabulary.get(token)
        require(
            known == number,
            f"{path}: token {shown(token)} is number {shown(number)}, tokenizer.json says "
            f"{known}: expected the same in both; get them again",
        )


def _alike(said: Any, known: Any) -> bool:
    """Whether a token is the same in both files."""
    if known is None or not isinstance(said, dict) or said.get("content") != known.content:
        return False
    return all(said.get(flag, getattr(known, flag)) == getattr(known, flag) for flag in FLAGS)
