"""Lines of a .jsonl file, read one by one: what is wrong is said with the line's number."""

import difflib
import json
import os
from collections.abc import Iterator
from typing import Any

from kd_jax import paths
from kd_jax.errors import InputError, brief, once, require, unreadable
from kd_jax.pretrained.settings import shown

BOM = b"\xef\xbb\xbf"


def read(path: str | os.PathLike, like: str) -> Iterator[tuple[int, dict]]:
    """The objects of a file, one a line; blank lines are left out.

    A line ends at a line feed alone: U+2028 and its like may stand within a text.

    Args:
        path: of the file, in UTF-8, with a byte order mark or without.
        like: an object that is expected, for messages.

    Yields:
        (number of the line, from 1 on; the object).

    Raises:
        InputError: the file is missing or unreadable, or a line of it is no JSON object.
    """
    path = paths.given(path)
    require(path.exists(), f"{path} does not exist: check the path")
    require(path.is_file(), f"{path} is no file: expected a .jsonl file, one object a line")
    table = path.suffix.lower() in (".csv", ".tsv", ".parquet", ".txt")
    require(not table, f"{path} ends in '{path.suffix}': expected a .jsonl file, one object a line")
    packed = path.suffix.lower() in (".gz", ".bz2", ".xz", ".zst", ".zip")
    require(not packed, f"{path} is compressed: expected the .jsonl file that is in it")
    try:
        lines = path.read_bytes().removeprefix(BOM).split(b"\n")
    except OSError as error:
        raise unreadable(str(path), error, "get it again") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, _object(line, place(path, number), like)


def place(path: str | os.PathLike, number: int) -> str:
    """A line as error messages name it."""
    return f"{path} line {number}"


def value(line: dict, key: str, where: str) -> Any:
    """What an object has under a key; InputError with the nearest one where it has not.

    Args:
        line: the object.
        key: of it.
        where: the line, for messages.
    """
    if key not in line:  # to look for the nearest takes longer than to read the line
        near = difflib.get_close_matches(key, list(line), 1)
        guess = f"did you mean {near[0]}?" if near else f"it has {names(line)}"
        raise InputError(f"{where} has no key {shown(key)}: {guess}")
    return line[key]


def names(line: dict) -> str:
    """The keys of an object as error messages name them."""
    return f"the keys {shown(', '.join(map(str, line)))}" if line else "no keys"


def filled(text: Any, key: str, where: str, advice: str) -> str:
    """A value that is a text, and not a blank one; else InputError.

    Args:
        text: the value.
        key: its key, for messages.
        where: the line, for messages.
        advice: what a blank one means.
    """
    require(isinstance(text, str), f"{where}: {key} is {shown(text)}, expected a text")
    require(text.strip(), f"{where}: {key} is empty: {advice}")
    return text


def _object(line, where, like):
    try:
        found = json.loads(line.decode(), object_pairs_hook=once)
        json.dumps(found, ensure_ascii=False).encode()  # JSON can escape what is no Unicode
    except UnicodeDecodeError as error:
        raise InputError(f"{where} is no UTF-8 ({brief(error)}): save the file as UTF-8") from None
    except UnicodeEncodeError as error:
        half = ascii(error.object[error.start])[1:-1]
        raise InputError(
            f"{where} has {half}, which is half of a pair and no character: remove it"
        ) from None
    except (ValueError, RecursionError) as error:
        whole = "; a file that is one array needs an object on each line" * line.startswith(b"[")
        raise InputError(f"{where} is no JSON ({brief(error)}){whole}") from None
    require(
        isinstance(found, dict),
        f"{where} is {shown(found)}: expected an object like {like}, one a line",
    )
    return found
