"""Commands that are struck by a signal at a chosen moment, each in a process of its own.

They are forked from one process that has imported kd_jax, which saves each of them its seconds.
What nobody disturbs runs in the process of the test.
"""

import gc
import itertools
import multiprocessing
import os
import pathlib
import re
import resource
import signal
import sys
import threading
import time
from typing import NamedTuple

from kd_jax import experiment
from kd_jax.storage import manifest

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    ["kd_jax.experiment", "kd_jax.storage.model_store", "optax", "orbax.checkpoint"]
)

WRITES = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.rmtree"}
PATHS = {  # of what is written in the moments of a kind
    "checkpoint": re.compile(r"\.orbax-checkpoint|\.seal|/\d{9}"),
    "cache": re.compile(r"/(outputs|arrays)-"),
    "record": re.compile(r"/records\.jsonl"),
}


class Strike(NamedTuple):
    """The signal comes `delay` seconds after the number-th moment of a kind, the first being 1.

    Such a moment is an operation on a file that PATHS names; in "training", a few epochs; at "any
    time", the start of the command.
    """

    kind: str
    number: int = 1
    delay: float = 0.0
    signum: int = signal.SIGKILL


def start(workdir, strike=None, largest=None, spread=False, said=None):
    """The process of the small experiment, which may write files of so many bytes at most.

    spread: on a device for each core, and not on one as in the process of the test.
    """
    arguments = str(workdir), strike, largest, spread, said
    process = _processes.Process(target=_run, args=arguments)
    process.start()
    return process


def ended(workdir, **options):
    """(exit code of the small experiment, what it said); the code is negative for a signal."""
    reader, writer = _processes.Pipe(duplex=False)  # a file would be under the limit as well
    process = start(workdir, said=writer, **options)
    writer.close()
    said = b"".join(iter(lambda: os.read(reader.fileno(), 65536), b""))
    process.join()
    return process.exitcode, said.decode()


def finished(workdir):
    """The bytes of the records of a command that nobody disturbs, the only one that finished."""
    import small_experiment  # which uses JAX

    config = small_experiment.Config(workdir=str(workdir))
    experiment.perform("small", config, small_experiment.program)
    return records(workdir)


def records(workdir):
    """The bytes of the records of the only run, which is finished."""
    (folder,) = pathlib.Path(workdir).glob("small/*")
    assert manifest.finished(folder)
    return (folder / "records.jsonl").read_bytes()


def _run(workdir, strike, largest, spread, said):
    gc.freeze()  # what was imported stays
    output = said.fileno() if said else os.open(os.devnull, os.O_WRONLY)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if largest:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    if not spread:
        os.environ["JAX_NUM_CPU_DEVICES"] = "1"
    import small_experiment
    import tqdm

    tqdm.tqdm.set_lock(threading.RLock())  # its own is one of the system, which a kill leaves over
    if strike:
        _prepare(strike, workdir)
    argv = ["small", f"--workdir={workdir}"]
    experiment.launch("small", small_experiment.Config, small_experiment.program, argv)


def _prepare(strike, workdir):
    """Count the moments of the kind, and send the signal in the right one."""
    moments = itertools.count(1)

    def passed():
        """Whether this was the moment."""
        struck = next(moments) == strike.number
        if struck:
            _send(strike)
        return struck

    if strike.kind == "any time":
        passed()
    elif strike.kind == "training":
        _before_training(passed)
    else:
        _before_writing(passed, workdir, PATHS[strike.kind])


def _send(strike):
    def later():
        time.sleep(strike.delay)
        os.kill(os.getpid(), strike.signum)

    if strike.delay:
        threading.Thread(target=later, daemon=True).start()
    else:
        os.kill(os.getpid(), strike.signum)


def _before_training(passed):
    from kd_jax.runtime import signals
    from kd_jax.training import loop

    advance = loop.Training.advance

    def counted(training, stop):
        struck = passed()
        while struck and not signals._signals:  # the main thread takes it, and epochs are short
            time.sleep(0.001)
        advance(training, stop)

    loop.Training.advance = counted


def _before_writing(passed, workdir, pattern):
    def hook(event, arguments):
        if event not in WRITES or event == "open" and not _writes(arguments[2]):
            return
        paths = (os.fsdecode(x) for x in arguments[:2] if isinstance(x, str | bytes | os.PathLike))
        if any(path.startswith(workdir) and pattern.search(path) for path in paths):
            passed()

    sys.addaudithook(hook)


def _writes(flags):
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
