"""Folders that are written beside and renamed: whole, or not at all."""

import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from kd_jax.errors import InputError, brief


@contextlib.contextmanager
def written_whole(out: str | os.PathLike) -> Iterator[pathlib.Path]:
    """A folder to write in, which becomes `out` when the block ends; one that is there is replaced.

    Args:
        out: the folder; those above it are made.

    Yields:
        An empty folder beside it, deleted if the block raises.

    Raises:
        InputError: the system refuses to write there.
    """
    out = pathlib.Path(os.path.realpath(out))  # a link stays, and leads to what is new
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = pathlib.Path(tempfile.mkdtemp(prefix=".export-", dir=out.parent))
        new, old = beside / "new", beside / "old"
        new.mkdir()
        try:
            yield new
            if out.exists():
                out.replace(old)
            try:
                new.replace(out)
            except OSError:
                if old.exists():
                    old.replace(out)
                raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror or brief(error)})") from None
