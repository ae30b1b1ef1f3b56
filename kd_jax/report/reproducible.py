"""What `reproduce` reads of a committed record, checked before hours of work: command and table.

Records lie in a clone, so that git has what a damaged file was.
"""

import pathlib
import shlex
from collections.abc import Sequence

from kd_jax.errors import InputError, require, unreadable
from kd_jax.report import commands, publish, reproduced

TABLE = "table.md"


def record_of(root: pathlib.Path, experiment: str, flags: Sequence[str]) -> pathlib.Path:
    """The folder of the record of an experiment, or of the preset that flags name.

    Args:
        root: The folder of the repository.
        experiment: Its name.
        flags: Of a command line, the last --preset of which counts.

    Raises:
        InputError: There is no such record.
    """
    given = commands.settings_of(shlex.join(["./run.sh", experiment, *flags]), {"preset": ""})
    preset = given[-1][1].partition("=")[2] if given else "default"
    folder = publish.records_folder(root, experiment, preset)
    require(folder.is_dir(), f"{folder} holds no record: expected that of a preset")
    return folder


def flags(record: pathlib.Path) -> list[str]:
    """The flags of the command of a record; [] of an older one, which is of its preset alone.

    Args:
        record: Its folder.

    Raises:
        InputError: The command, or the table that a run is held against, is not as published.
    """
    _check_table(record / TABLE)
    path = record / commands.NAME
    if not path.exists():
        return []
    text = _text(path)
    try:
        words = shlex.split(text)
    except ValueError as error:  # a quote that is not closed
        raise _damaged(path, str(error)) from None
    if words[:2] != ["./run.sh", record.parent.name]:
        raise _damaged(path, f"it is no command ./run.sh {record.parent.name}")
    return words[2:]


def _check_table(path):
    """InputError unless a run can be held against the table."""
    text = _text(path)
    if not text.strip():
        raise _damaged(path, "it is empty")
    require(
        reproduced.rows(text, text),
        f"{path} has no interval: expected some that a run can be held against; if it had, "
        f"{_restored(path)}",
    )


def _text(path):
    """The text of a file of a record."""
    if not path.is_file():  # a pipe would be waited for
        raise _damaged(path, "it is no file" if path.exists() else "it is missing")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise _damaged(path, "it is no text in UTF-8") from None
    except OSError as error:
        raise unreadable(str(path), error, _restored(path)) from None


def _damaged(path, why):
    return InputError(f"{path} is damaged ({why}): {_restored(path)}")


def _restored(path):
    """The advice that brings the file of a record back."""
    return f"git checkout -- {shlex.quote(str(path))}"
