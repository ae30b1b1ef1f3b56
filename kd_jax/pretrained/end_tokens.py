"""The tokens that end an answer: of the chat template, and those that a model's files name."""

import os
import pathlib
from typing import Any

from kd_jax.errors import require
from kd_jax.pretrained import model_folder
from kd_jax.pretrained.settings import shown


def of_folder(folder: str | os.PathLike) -> Any:
    """What a model folder says, in generation_config.json or else in config.json: see `chosen`."""
    path = pathlib.Path(folder) / "generation_config.json"
    found = model_folder.json_object(path) if path.is_file() else {}
    return found.get("eos_token_id", model_folder.config(folder).get("eos_token_id"))


def chosen(template: int, said: Any, vocabulary: int, source: str | os.PathLike) -> tuple[int, ...]:
    """All tokens that end an answer, the chat template's first.

    Args:
        template: the one that ends an answer in the chat template.
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
    return tuple(dict.fromkeys([template, *numbers]))
