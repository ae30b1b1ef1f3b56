"""Files that are never seen half-written."""

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def written(path: pathlib.Path, *, binary: bool = False) -> Iterator[Any]:
    """A file to write to, which takes the place of another when the block ends.

    Args:
        path: of the file.
        binary: bytes, else text in UTF-8 whatever the locale.

    Yields:
        The open file beside it, deleted if the block raises; what a killed process leaves of it is
        overwritten by the next.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "wb" if binary else "w", encoding=None if binary else "utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
