"""SIGINT and SIGTERM: trainings under way are saved where they are, then the command ends.

What is not a training ends at once, as a second signal ends everything: work is saved whole or not
at all, so that costs time alone. Signals come to the main thread, trainings may be in others.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from kd_jax.runtime import hosts

_trainings: list[None] = []  # one entry for each that is under way
_signals: list[int] = []  # that came while there were any
_lock = threading.Lock()


class Interrupted(BaseException):
    """The command was told to end. signum: by which signal."""

    def __init__(self, signum: int):
        super().__init__(signum)
        self.signum = signum


def handle() -> None:
    """Handle SIGINT and SIGTERM from now on."""
    _signals.clear()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _received)


def _received(signum, _frame):
    if _signals:
        os._exit(128 + signum)
    _signals.append(signum)
    if not _trainings or hosts.one_at_a_time():  # other hosts would wait for one that saves
        raise Interrupted(signum)
    said = "\nsaving what was trained when its epoch ends; the same signal again ends at once"
    print(said, file=sys.stderr)


@contextlib.contextmanager
def training() -> Iterator[None]:
    """While this is open a first signal waits for `save_if_due`.

    Raises:
        Interrupted: a signal came after the last `save_if_due`.
    """
    with _lock:
        _trainings.append(None)
    try:
        yield
    finally:
        with _lock:
            _trainings.pop()
    if _signals:  # it came after the last `save_if_due`
        raise Interrupted(_signals[0])


def save_if_due(snapshots: Any, done: int, whole: Callable[[], Any]) -> None:
    """Save a training if it is time for that or a signal came.

    Args:
        snapshots: a checkpoint.Snapshots, or None to save nothing.
        done: epochs that are done.
        whole: () -> the tree to save.

    Raises:
        Interrupted: a signal came.
    """
    if snapshots and hosts.agreed(bool(_signals) or snapshots.due()):
        snapshots.save(done, whole())
    if _signals:
        raise Interrupted(_signals[0])
