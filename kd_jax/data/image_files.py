"""The files of a folder, or of a .zip that is read where it lies: nothing is written to disk."""

import contextlib
import os
import pathlib
import posixpath
import stat
import zipfile
from collections.abc import Callable, Iterator
from typing import NamedTuple

from kd_jax import paths
from kd_jax.data import image_names
from kd_jax.errors import InputError, brief, require

MAX_BYTES = 2**28  # of one file: a zip of a few bytes may claim to hold any number of them


class Files(NamedTuple):
    """What lies in a folder or a zip; names are relative to it, with "/" between their parts.

    stamps: {name of a file: numbers that change when its content does}. Of a zip these are its size
    and the CRC-32 that the zip holds of its content, so a zip that was copied is the same; of a
    folder size and time of change in nanoseconds, as to open every file takes as long as to decode
    it. folders: all names, the empty ones too. unfollowed: links that lead to a folder that was
    listed already. read: (name) -> its bytes, from any thread; what it raises depends on the
    damage.
    """

    path: pathlib.Path
    stamps: dict[str, tuple[int, int]]
    folders: set[str]
    unfollowed: list[str]
    read: Callable[[str], bytes]


@contextlib.contextmanager
def opened(path: str | os.PathLike) -> Iterator[Files]:
    """List a folder or a zip, hidden files and those of image_names.IGNORED left out.

    Args:
        path: of the folder or the .zip file.

    Yields:
        The Files; a zip can be read from until the block ends.

    Raises:
        InputError: nothing is there; a file is no zip, cut short or encrypted; members of a zip
            would lie outside of it or have the same name.
    """
    path = paths.given(path)
    if path.is_dir():
        yield _of_folder(path)
        return
    require(path.is_file(), f"{path} does not exist: expected a folder or a .zip file of images")
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # zipfile, struct and the system each raise their own
        raise InputError(_no_zip(path, error)) from None
    with archive:
        yield _of_zip(path, archive)


def _no_zip(path, error):
    try:
        with open(path, "rb") as file:
            begins = file.read(2)
    except OSError as denied:
        return f"{path} cannot be read ({brief(denied)}): expected a .zip file of images"
    if begins == b"PK":
        return f"{path} is a damaged or truncated zip ({brief(error)}): fetch or make it again"
    return f"{path} is no zip file: expected a folder or a .zip file of images"


def _of_folder(path):
    names, folders, unfollowed = image_names.listed(str(path))
    stamps = {name: _stamp(path / name) for name in names}

    def read(name):
        if not stat.S_ISREG(os.stat(path / name).st_mode):  # a pipe would be waited for
            raise ValueError("it is no file")
        with open(path / name, "rb") as file:
            content = file.read(MAX_BYTES + 1)
        _check_size(len(content))
        return content

    return Files(path, stamps, folders, unfollowed, read)


def _stamp(file):
    try:
        found = os.stat(file)
        # a pipe would be waited for without end
        return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else (-1, -1)
    except OSError:  # a link that leads nowhere: reading it says so
        return -1, -1


def _of_zip(path, archive):
    """The Files of a zip; its links are not followed, they are files like any other."""
    members, folders = {}, set()
    for member in archive.infolist():
        name = member.filename.replace("\\", "/")  # some programs of Windows write these
        if name.startswith("/") or ".." in name.split("/"):
            raise InputError(f"{path}: its member {name} would lie outside: make the zip again")
        clean = posixpath.normpath(name) if "//" in name or "./" in name else name.rstrip("/")
        if image_names.IGNORED.search(clean):
            continue
        if name.endswith("/"):
            folders.add(clean)
            continue
        if clean in members:
            raise InputError(f"{path} holds {clean} twice: make the zip again")
        if member.flag_bits & 1:
            raise InputError(f"{path} is encrypted ({clean}): make a zip without a password")
        members[clean] = member

    def read(name):
        _check_size(members[name].file_size)
        return archive.read(members[name])

    stamps = {name: (member.file_size, member.CRC) for name, member in members.items()}
    return Files(path, stamps, folders | _parents(stamps), [], read)


def _parents(names):
    """All folders that files lie in, for which a zip need not have members."""
    found = set()
    for name in names:
        while "/" in name:
            name = name.rpartition("/")[0]
            if name in found:
                break
            found.add(name)
    return found


def _check_size(size):
    if size > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
