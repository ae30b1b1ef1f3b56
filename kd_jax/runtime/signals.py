"""SIGINT and SIGTERM: trainings under way are saved where they are, then the command ends.

What is not a training ends at once, as a second signal ends everything: work is kept whole or not
at all, so that loses time alone. Signals come to the main thread, trainings may be in others.
"""

import contextlib
import os
import signal
import sys
import threading

from kd_jax.runtime import hosts

_trainings = []  # one entry for each that is under way
_signals = []  # that came while there were any
_lock = threading.Lock()


class Interrupted(BaseException):
    """The command was told to end. signum: by which signal."""

    def __init__(self, signum):
        super().__init__(signum)
        self.signum = signum


def heed():
    """Take SIGINT and SIGTERM from now on."""
    _signals.clear()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _handle)


def _handle(signum, _frame):
    if _signals:
        os._exit(128 + signum)
    _signals.append(signum)
    if not _trainings or hosts.one_at_a_time():  # other hosts would wait for one that saves
        raise Interrupted(signum)
    print("\nsaving what was trained; the same signal again ends at once", file=sys.stderr)


@contextlib.contextmanager
def training():
    """While this is open a first signal waits for `keep`."""
    with _lock:
        _trainings.append(None)
    try:
        yield
    finally:
        with _lock:
            _trainings.pop()
    if _signals:  # it came after the last `keep`
        raise Interrupted(_signals[0])


def keep(snapshots, done, whole):
    """Save what whole() gives after `done` epochs if it is time for that or a signal came.

    Args: snapshots: of checkpoint, or None. Raises: Interrupted when a signal came.
    """
    if snapshots and hosts.agreed(bool(_signals) or snapshots.due()):
        snapshots.save(done, whole())
    if _signals:
        raise Interrupted(_signals[0])
