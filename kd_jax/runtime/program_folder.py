"""The folder of compiled programs, this user's alone, as JAX executes what lies there."""

import contextlib
import itertools
import os
import pathlib
import stat
import tempfile

WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def prune(folder: str | os.PathLike, largest: int) -> None:
    """Remove the files of a folder that were not used for longest, until the others fit.

    Args:
        folder: whose files nobody misses.
        largest: bytes that may stay.
    """
    with contextlib.suppress(OSError):  # another run may have removed them already
        used = sorted(
            ((max(found.st_atime, found.st_mtime), found.st_size, path)
             for path in pathlib.Path(folder).iterdir() for found in [path.stat()]),
            reverse=True,
        )  # fmt: skip
        for (_, _, path), total in zip(used, itertools.accumulate(size for _, size, _ in used)):
            if total > largest:
                path.unlink()


def candidates() -> list[pathlib.Path]:
    """Where compiled programs may lie, the first one that can be written before the other."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    fallback = pathlib.Path(tempfile.gettempdir()) / f"kd_jax-{os.getuid()}"
    return [pathlib.Path(base) / "kd_jax", fallback]


def writable() -> pathlib.Path | None:
    """The first of the `candidates` that is this user's alone, made if need be; None if none is."""
    for folder in candidates():
        try:
            str(folder).encode()  # JAX takes no path that is not UTF-8
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=folder):
                if is_ours(folder):
                    return folder
        except (OSError, UnicodeEncodeError):
            continue
    return None


def is_ours(folder: pathlib.Path) -> bool:
    """Whether nobody else can have put programs there: JAX executes what it finds."""
    found, link = folder.stat(), folder.lstat()  # a link of one's own may lead to another disk
    own = found.st_uid == link.st_uid == os.getuid() and not found.st_mode & WRITABLE_BY_OTHERS
    above = {*folder.absolute().parents, *folder.resolve().parents}
    return own and not any(_may_replace(each.stat()) for each in above)


def _may_replace(found):
    """Whether somebody other than this user and root may rename what lies in a folder."""
    everybody = found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX  # as /tmp has it
    return everybody or found.st_uid not in (0, os.getuid())
