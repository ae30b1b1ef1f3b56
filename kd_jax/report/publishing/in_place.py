"""A folder takes the place of another, with the pages: wholly or, whatever happens, not at all.

    .records.new     what is to stand there, while it is written
    .records.old     what stood there, until all is written: it is put back
    .records.gone    what is deleted

One process at a time works on the records of a clone.
"""

import contextlib
import json
import pathlib
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping

import filelock

from kd_jax.errors import InputError
from kd_jax.report import commands
from kd_jax.report.publishing import whole
from kd_jax.storage import commits, jsonl, manifest

NEW, OLD, GONE = "new", "old", "gone"
HALF = "*.md.partial", "docs/*.md.partial", "experiments/*/*.partial", "experiments/*/*/*.partial"
BEFORE = "before.json"  # in the old folder: the texts that pages had, which are written anew


@contextlib.contextmanager
def alone(root: pathlib.Path) -> Iterator[None]:
    """In this block no other process publishes into a clone.

    Args:
        root: Its folder.

    Raises:
        InputError: Another process does.
    """
    lock = _lock(root)
    try:
        if lock:
            lock.acquire(timeout=0)
    except filelock.Timeout:
        raise InputError(f"another publish is at work in {root}: wait for its end") from None
    try:
        yield
    finally:
        if lock:
            lock.release()


def _lock(root):
    """The lock of a clone; None of a copy without .git, of which pages alone can be renewed."""
    try:
        folder = pathlib.Path(commits.git(root, "rev-parse", "--absolute-git-dir").strip())
    except (OSError, subprocess.CalledProcessError):
        return None
    return filelock.FileLock(folder / "kd_jax_publish.lock")


@contextlib.contextmanager
def beside(target: pathlib.Path) -> Iterator[pathlib.Path]:
    """An empty folder beside another one, which is deleted if it is still there after the block.

    Args:
        target: Where its contents may come to lie.
    """
    partial = _named(target, NEW)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def instead(
    target: pathlib.Path, partial: pathlib.Path, pages: Mapping[pathlib.Path, str]
) -> Iterator[None]:
    """Put a folder in the place of another and write pages; as before if the block fails.

    Args:
        target: The place, where nothing need be.
        partial: The folder, of `beside`.
        pages: {path: text} of pages about what stood there.
    """
    old = _named(target, OLD)
    try:
        if target.exists():
            target.rename(old)
            before = {path.relative_to(old.parent).as_posix(): _text(path) for path in pages}
            jsonl.write_whole(old / BEFORE, json.dumps(before))
        partial.rename(target)
        for path, text in pages.items():
            path.parent.mkdir(exist_ok=True)
            jsonl.write_whole(path, text)
        yield
    except BaseException:
        if old.exists():
            _put_back(old)
        elif not partial.exists():
            _delete(target)
        raise
    _delete(old)


@contextlib.contextmanager
def undone(paths: Iterable[pathlib.Path]) -> Iterator[None]:
    """If this block fails, files have the texts that they had before it.

    Args:
        paths: Of them; what was not there is removed, and its folder if nothing else is in it.
    """
    before = {path: _text(path) for path in paths}
    try:
        yield
    except BaseException:
        _restore(before)
        raise


def recover(root: pathlib.Path) -> bool:
    """Undo what a process left that was killed within `instead`; whether there was any.

    Args:
        root: The folder of the repository.
    """
    found = False
    for old in _left(root, OLD):
        if (old / manifest.NAME).is_file():  # else it was being deleted
            _put_back(old)
            found = True
    for kind in (OLD, GONE, NEW):
        for folder in _left(root, kind):
            shutil.rmtree(folder, ignore_errors=True)
    for pattern in HALF:
        for path in root.glob(pattern):
            path.unlink()
    return found


def _left(root, kind):
    """The folders of a kind that lie beside records."""
    names = (f"experiments/*/.{name}*.{kind}" for name in ("records", "exploration"))
    return [path for name in names for path in sorted(root.glob(name)) if path.is_dir()]


def _put_back(old):
    """Let a folder stand where it stood, and the pages have the texts that they had."""
    target = old.with_name(old.name.removeprefix(".").removesuffix(f".{OLD}"))
    before = old / BEFORE
    if before.is_file():
        _restore({old.parent / x: text for x, text in json.loads(before.read_bytes()).items()})
    for path in old.glob(f"{BEFORE}*"):
        path.unlink()
    _delete(target)
    old.rename(target)


def _restore(before):
    for path, text in before.items():
        if text is not None:
            jsonl.write_whole(path, text)
        else:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                path.parent.rmdir()


def _delete(folder):
    """Delete a folder, of which nothing is seen half-deleted."""
    if folder.exists():
        gone = folder.with_name(f".{folder.name.removeprefix('.')}.{GONE}")
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _text(path):
    """The text of a file, or None where there is none."""
    with whole.committed(path):
        return commands.text(path) if path.is_file() else None


def _named(target, kind):
    return target.with_name(f".{target.name}.{kind}")
