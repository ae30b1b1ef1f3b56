"""What a model's files say of chats: their template, and the tokens that end an answer."""

import os
import pathlib
from typing import Any

from kd_jax.errors import InputError, brief, require
from kd_jax.pretrained import model_folder
from kd_jax.pretrained.settings import shown


def template(folder: str | os.PathLike) -> Any:
    """The chat template of a model folder: a text, several, or None where it has none.

    Raises:
        InputError: a file of it is damaged.
    """
    place = pathlib.Path(folder)
    path = place / "chat_template.jinja"
    try:
        if path.is_file():
            return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is unreadable ({brief(error)}): get it again") from None
    for name in ("chat_template.json", "tokenizer_config.json"):
        if (place / name).is_file():
            found = model_folder.json_object(place / name).get("chat_template")
            if found is not None:
                return found
    return None


def end_tokens(folder: str | os.PathLike) -> Any:
    """What a model folder says, in generation_config.json or else in config.json: see `stops`."""
    path = pathlib.Path(folder) / "generation_config.json"
    found = model_folder.json_object(path) if path.is_file() else {}
    return found.get("eos_token_id", model_folder.config(folder).get("eos_token_id"))


def stops(first: int, said: Any, vocabulary: int, source: str | os.PathLike) -> tuple[int, ...]:
    """All tokens that end an answer, the chat template's first.

    Args:
        first: the one that ends an answer in the chat template.
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
    return tuple(dict.fromkeys([first, *numbers]))
