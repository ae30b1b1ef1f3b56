"""What a model's files say of chats: their template, and the tokens that end an answer."""

import os
import pathlib
from typing import Any

from kd_jax import paths
from kd_jax.errors import InputError, brief, require
from kd_jax.pretrained import model_folder
from kd_jax.pretrained.chat_template import ChatTemplate
from kd_jax.pretrained.settings import shown

Marks = tuple[tuple[str, str], ...]
MARKS = "bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token"


def template(folder: str | os.PathLike) -> ChatTemplate | None:
    """The chat template of a model folder, or None where it has none.

    Raises:
        InputError: a file of it is damaged, or it is none.
    """
    place = pathlib.Path(folder)
    path = place / "chat_template.jinja"
    try:
        if paths.has_file(path):
            return named(path.read_text(encoding="utf-8"), marks(folder), path)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is unreadable ({brief(error)}): get it again") from None
    for name in ("chat_template.json", "tokenizer_config.json"):
        if paths.has_file(place / name):
            found = model_folder.json_object(place / name).get("chat_template")
            if found is not None:
                return named(found, marks(folder), place / name)
    return None


def named(said: Any, marks: Marks, source: str | os.PathLike) -> ChatTemplate | None:
    """The ChatTemplate that a file gives; of several the one called "default".

    Args:
        said: a text, a list of {"name", "template"}, or None.
        marks: of a ChatTemplate.
        source: the file.

    Raises:
        InputError: it is none of these.
    """
    if isinstance(said, list):
        several = {each.get("name"): each.get("template") for each in said if type(each) is dict}
        said = several.get("default", next(iter(several.values()), ""))
    if said is None:
        return None
    require(
        isinstance(said, str) and said.strip(), f"{source}: chat_template is {shown(said)}, "
        "expected a text, or a list with one that is named default",
    )  # fmt: skip
    return ChatTemplate(said, marks, source)


def marks(folder: str | os.PathLike) -> Marks:
    """The texts of special tokens that a folder's files name, which a template may ask for."""
    found: dict[str, str] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        path = pathlib.Path(folder) / name
        said = model_folder.json_object(path) if paths.has_file(path) else {}
        for key in MARKS:
            value = said.get(key)
            value = value.get("content") if isinstance(value, dict) else value
            found |= {key: value} if isinstance(value, str) else {}
    return tuple(sorted(found.items()))


def end_tokens(folder: str | os.PathLike) -> Any:
    """What a model folder says, in generation_config.json or else in config.json: see `stops`."""
    path = pathlib.Path(folder) / "generation_config.json"
    found = model_folder.json_object(path) if paths.has_file(path) else {}
    return found.get("eos_token_id", model_folder.config(folder).get("eos_token_id"))


def stops(
    first: int | None, said: Any, vocabulary: int, source: str | os.PathLike
) -> tuple[int, ...]:
    """All tokens that end an answer, the chat template's first.

    Args:
        first: the one that ends an answer in the chat template, or None.
        said: one number, several, or None, of the model's files.
        vocabulary: number of the model's tokens.
        source: of the model, for the error message.

    Raises:
        InputError: `said` is no such.
    """
    numbers = [] if said is None else said if isinstance(said, list) else [said]
    for number in numbers:
        whole = isinstance(number, int) and not isinstance(number, bool)
        require(
            whole and 0 <= number < vocabulary,
            f"{source}: the end token eos_token_id is {shown(number)}, expected a number below "
            f"{vocabulary}, that of a token",
        )
    return tuple(dict.fromkeys([*([] if first is None else [first]), *numbers]))
