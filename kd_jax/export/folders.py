"""Folders that are written beside and renamed: whole, or not at all, and nothing else is lost.

A folder says in LIST which files were written into it. Only such a folder is replaced, by what has
written it, and only while every file in it is one of these, unchanged.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator

import filelock

from kd_jax.data.class_folders import some
from kd_jax.errors import InputError, brief, require

LIST = ".written.json"  # {file: SHA-256}, and {WRITER: what has written them} where it is no run
WRITER = "/written by"  # which is the name of no file
RUN = "a run's --out"
BESIDE = ".export-"  # begins the name of a folder that is being written
LOCK, NAME, NEW, OLD = ".lock", "name", "new", "old"  # in it
COMPILED = re.compile(r"(^|/)__pycache__(/[^/]+\.pyc)?$")
EXPECTED = "expected a new folder, or an earlier export alone"


@contextlib.contextmanager
def written_whole(out: str | os.PathLike, by: str = RUN) -> Iterator[pathlib.Path]:
    """A folder to write in, which becomes `out` when the block ends; see `check` if that is there.

    What a killed process left beside `out` is removed, and what it had moved there put back.

    Args:
        out: the folder; those above it are made.
        by: what writes it, as messages call it; see `check`.

    Yields:
        An empty folder beside it, deleted if the block raises.

    Raises:
        InputError: the system refuses to write there, or `check` refuses it.
    """
    out = pathlib.Path(os.path.realpath(out))  # a link stays, and leads to what is new
    check(out, by=by)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        clear(out.parent)
        beside = pathlib.Path(tempfile.mkdtemp(prefix=BESIDE, dir=out.parent))
        try:
            (beside / NAME).write_bytes(os.fsencode(out.name))
            with filelock.FileLock(beside / LOCK):
                new = beside / NEW
                new.mkdir()
                yield new
                listed = {name: _digest(new / name) for name in _files(new)}
                listed |= {WRITER: by} if by != RUN else {}
                (new / LIST).write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
                check(out, by=by)
                _replace(out, beside)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or brief(error)
        raise InputError(f"{out} cannot be written ({why})") from None


def check(out: str | os.PathLike, called: str = "", by: str = RUN) -> None:
    """InputError unless a folder is new, empty, or holds what was written there and nothing else.

    Args:
        out: the folder.
        called: what a message calls it; by default its path.
        by: what is to write it: what others have written may be worth more to its owner.
    """
    out, called = pathlib.Path(out), called or str(out)
    if not os.path.lexists(out):
        return
    require(out.is_dir(), f"{called} is a file: {EXPECTED}")
    here = os.path.realpath(out) == os.path.realpath(os.curdir)
    require(not here, f"{called} is the folder that this command runs in: {EXPECTED}")
    listed, files = _listed(out), _files(out)
    others = [name for name in files if name not in listed]
    require(not others, f"{called} holds other files ({some(others)}): {EXPECTED}")
    changed = [name for name in files if name != LIST and _digest(out / name) != listed[name]]
    require(not changed, f"{called} holds files that were changed ({some(changed)}): {EXPECTED}")
    writer = listed.get(WRITER, RUN) if files else by
    require(
        writer == by,
        f"{called} was written by {writer}: {by} replaces only what it has written itself; name "
        "another folder, or delete that one",
    )


def _listed(out):
    """What a folder's LIST says, which is itself in it; {} where there is none."""
    try:
        listed = json.loads((out / LIST).read_text(encoding="utf-8"))
        return {str(name): str(digest) for name, digest in listed.items()} | {LIST: ""}
    except (OSError, ValueError, AttributeError):
        return {}


def _replace(out, beside):
    """Put the new folder in the place of the old one, which comes back if that fails."""
    if out.exists():
        (beside / NEW).chmod(stat.S_IMODE(out.stat().st_mode))  # who may read it stays
        out.replace(beside / OLD)
    try:
        (beside / NEW).replace(out)
    except OSError:
        _put_back(beside)
        raise


def _put_back(beside):
    """Rename the old folder back, if it was moved and nothing has taken its place.

    Raises:
        ValueError: what is said of its name is none: it is left where it is.
    """
    if not (beside / OLD).exists():
        return
    name = os.fsdecode((beside / NAME).read_bytes())
    if not name or name in (".", "..") or {"/", os.sep, "\0"} & {*name}:
        raise ValueError(f"{beside / NAME} holds no name of a folder")
    if not os.path.lexists(beside.parent / name):
        (beside / OLD).rename(beside.parent / name)


def clear(parent: pathlib.Path) -> None:
    """Remove the folders of processes that were killed, which hold their locks no longer.

    Args:
        parent: The folder that they lie in.
    """
    for beside in parent.glob(f"{BESIDE}*"):
        with contextlib.suppress(OSError, ValueError, filelock.Timeout):  # it is written now
            if _is_empty(beside):
                _remove_empty(beside)
            elif _is_ours(beside):
                with filelock.FileLock(beside / LOCK, timeout=0):
                    _put_back(beside)
                    shutil.rmtree(beside, ignore_errors=True)


def _is_empty(beside):
    """Whether a folder of this user holds folders at most, and has for a minute.

    A process that lives fills it at once, or takes it away.
    """
    about = beside.lstat()
    mine = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid()
    old = time.time() - about.st_mtime > 60
    return mine and old and not any(files for _, _, files in os.walk(beside))


def _remove_empty(beside):
    """Remove a folder of folders, unless somebody puts a file there meanwhile."""
    for path, _, _ in os.walk(beside, topdown=False):
        os.rmdir(path)


def _is_ours(beside):
    """Whether a folder is what `written_whole` of this user makes, and nothing else lies in it."""
    if beside.is_symlink() or beside.stat().st_uid != os.getuid():
        return False
    held = {path.name for path in beside.iterdir()}
    files = all((beside / name).is_file() for name in (LOCK, NAME))
    return files and held <= {LOCK, NAME, NEW, OLD}


def _files(folder):
    """The names of all files and empty folders in one, but for what Python makes of programs."""
    found = (
        path
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir() or not any(path.iterdir())
    )
    names = sorted(path.relative_to(folder).as_posix() for path in found)
    return [name for name in names if not COMPILED.search(name)]


def _digest(file):
    if file.is_symlink() or not file.is_file():  # a pipe would be waited for
        return ""
    return hashlib.sha256(file.read_bytes()).hexdigest()
