"""Paths and names that somebody gives: what no file can be called is one line."""

import os
import pathlib
from typing import Any

from kd_jax.errors import InputError, brief, require


def text(path: Any) -> str:
    """A path that somebody gave, as a text; InputError if it is none."""
    known = isinstance(path, str | os.PathLike) and isinstance(os.fspath(path), str)
    require(known, f"{path!r:.80} is no path: expected a text, or a pathlib.Path")
    return os.fspath(path)


def given(path: Any) -> pathlib.Path:
    """A path that somebody gave, with ~ as the home of a user.

    Args:
        path: A text or an os.PathLike.

    Raises:
        InputError: It is neither, is longer than names are, or ~ is of nobody.
    """
    try:
        found = pathlib.Path(text(path)).expanduser()
        os.stat(found)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # whoever reads it says what is missing
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError) as error:  # ~nobody, 300 letters, a byte of 0
        why = error.strerror if isinstance(error, OSError) else brief(error)
        raise InputError(f"{str(path):.80} is no path ({why}): check it") from None
    return found


def has_file(path: pathlib.Path) -> bool:
    """Whether a file of a folder is there, which may be without it.

    Args:
        path: Of it.

    Raises:
        InputError: A folder, a pipe or a link to nothing has its name; or nobody may look.
    """
    try:
        if path.is_file():
            return True
    except OSError as error:
        raise InputError(f"{path} cannot be read ({brief(error)})") from None
    require(
        not os.path.lexists(path),
        f"{path} is no file: expected one, or nothing of that name; move it elsewhere",
    )
    return False


def check_utf8(what: str, text: str) -> None:
    """InputError unless a text, of a command line or a path, can be written as UTF-8.

    Args:
        what: It is, for the message.
        text: In which bytes that are none in this locale are surrogates.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{what} {text[:200]} is not UTF-8, which all files here are written in: rename it; in "
            "a locale without UTF-8 set PYTHONUTF8=1"
        ) from None
