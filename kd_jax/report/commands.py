"""The command and settings of a run, and what is published: not where one user's files lie."""

import json
import pathlib
import shlex
from collections.abc import Mapping
from typing import Any

from kd_jax.errors import DamagedFile, brief
from kd_jax.storage import jsonl

NAME, SETTINGS = "command.txt", "config.json"


def settings(folder: pathlib.Path) -> dict[str, Any]:
    """The settings of a run folder, or of a record.

    Raises:
        DamagedFile: they are missing, or no object of JSON.
    """
    path = folder / SETTINGS
    said = text(path)
    try:
        found = json.loads(said)
    except (ValueError, RecursionError) as error:
        raise DamagedFile(path, f"is damaged ({brief(error)})", jsonl.AGAIN) from None
    if not isinstance(found, dict):
        raise DamagedFile(path, "has no settings by name", jsonl.AGAIN)
    return found


def read(folder: pathlib.Path) -> str:
    """The command of a run folder or a record; "" of older ones, which lack it.

    Raises:
        DamagedFile: it is no file, as a pipe, which would be waited for, or no text.
    """
    path = folder / NAME
    return text(path).strip() if path.exists() else ""


def text(path: pathlib.Path) -> str:
    """The text of a file of a run folder, or of a record.

    Raises:
        DamagedFile: it is missing, no file, or not in UTF-8.
    """
    if not path.is_file():
        what = "is no file" if path.exists() else "is missing"
        raise DamagedFile(path, what, jsonl.AGAIN)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DamagedFile(path, "is no text in UTF-8", jsonl.AGAIN) from None


def settings_of(command: str, settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, --name=value) of every flag of a command that is among the settings of its run.

    Args:
        command: ./run.sh NAME --flag=value …
        settings: its config.json, which has exactly what decides results; flags that say where
            files lie, or how to compute, are not among them.

    Raises:
        ValueError: quotes in the command do not close.
    """
    found, words = [], shlex.split(command)[2:]
    while words:
        word = words.pop(0)
        name = _name(word, settings)
        alone = "=" in word or isinstance(settings.get(name), bool)
        if words and not alone and (name in settings or not words[0].startswith("-")):
            word = f"{word}={words.pop(0)}"  # given as --name value
        if name in settings:
            found.append((name, word))
    return found


def published(command: str, settings: Mapping[str, Any]) -> str:
    """A command with the flags of `settings_of` alone."""
    flags = [flag for _, flag in settings_of(command, settings)]
    return shlex.join([*shlex.split(command)[:2], *flags])


def _name(word, settings):
    """The setting that a flag names; --noNAME switches one off that is true or false."""
    name = word.lstrip("-").split("=")[0]
    switched = name.removeprefix("no")
    return switched if isinstance(settings.get(switched), bool) else name
