"""Lines of a .jsonl file, read one by one: what is wrong is said with the line's number."""

import json
import os
from collections.abc import Iterator

from kd_jax import paths
from kd_jax.errors import InputError, brief, require, unreadable
from kd_jax.pretrained.settings import shown

BOM = b"\xef\xbb\xbf"


def read(path: str | os.PathLike) -> Iterator[tuple[int, dict]]:
    """The objects of a file, one a line; blank lines are left out.

    A line ends at a line feed alone: U+2028 and its like may stand within a text.

    Args:
        path: of the file, in UTF-8, with a byte order mark or without.

    Yields:
        (number of the line, from 1 on; the object).

    Raises:
        InputError: the file is missing or unreadable, or a line of it is no JSON object.
    """
    path = paths.given(path)
    require(path.exists(), f"{path} does not exist: expected a .jsonl file, one object a line")
    require(path.is_file(), f"{path} is no file: expected a .jsonl file, one object a line")
    table = path.suffix.lower() in (".csv", ".tsv", ".parquet", ".txt")
    require(not table, f"{path} ends in '{path.suffix}': expected a .jsonl file, one object a line")
    try:
        lines = path.read_bytes().removeprefix(BOM).split(b"\n")
    except OSError as error:
        raise unreadable(str(path), error, "get it again") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, _object(line, place(path, number))


def place(path: str | os.PathLike, number: int) -> str:
    """A line as error messages name it."""
    return f"{path} line {number}"


def _object(line, where):
    try:
        found = json.loads(line.decode())
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
        isinstance(found, dict), f"{where} is {shown(found)}: expected an object like "
        '{"messages": […]}, one a line',
    )  # fmt: skip
    return found
