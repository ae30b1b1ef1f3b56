"""Locks of what several runs share: kept by the kernel, so a process that died holds none."""

import contextlib
import itertools
import os
import pathlib
import sys
import threading
from collections.abc import Iterator

import filelock

from kd_jax.errors import InputError
from kd_jax.runtime import hosts
from kd_jax.storage import manifest

_of_threads: dict[pathlib.Path, threading.Lock] = {}  # by file, as the kernel's are of processes


@contextlib.contextmanager
def alone(path: str | os.PathLike) -> Iterator[None]:
    """Work on a file or folder while no other run does: wait if one does now, and say so.

    Other threads of this run wait for their turn in silence. The lock is a hidden file beside it.
    Of several hosts the first one holds it.

    Raises:
        OSError: it cannot be written there.
    """
    path = pathlib.Path(path)
    with contextlib.ExitStack() as held:
        if hosts.first_host():
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.absolute().with_name(f".{path.name}.lock")
            held.enter_context(_of_threads.setdefault(file, threading.Lock()))
            lock = filelock.FileLock(file)
            try:
                held.enter_context(lock.acquire(timeout=0))
            except filelock.Timeout:
                print(f"waiting for another run that works on {path}", file=sys.stderr)
                held.enter_context(lock.acquire())
        hosts.wait("locked")
        yield


def claim(parent: pathlib.Path, name: str) -> tuple[int, filelock.FileLock]:
    """The first number of name-1, name-2, … that is not finished, and its lock.

    The lock is the kernel's, so a process that died cannot hold it.

    Raises:
        InputError: another process holds the lock of the folder that is not finished.
    """
    for number in itertools.count(1):
        folder = parent / f"{name}-{number}"
        if manifest.finished(folder):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".lock", thread_local=False)  # all threads' of a run
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise InputError(
                f"{folder} is being written by another process: wait for it to end, or give "
                "another --workdir"
            ) from None
        if not manifest.finished(folder):  # finished while we were asking
            return number, lock
        lock.release()
    raise AssertionError("numbers do not end")
