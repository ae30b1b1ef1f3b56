"""Signals, locks and folders that cannot be written: nothing is lost and one line says what is."""

import errno
import os
import pathlib
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

from kd_jax import experiment
from kd_jax.errors import InputError
from kd_jax.runtime import signals
from kd_jax.storage import checkpoint, locks


class Snapshots:
    """Snapshots that are never due and remember what they were told to save."""

    def __init__(self):
        self.saved = []

    def due(self):
        return False

    def save(self, done, tree):
        self.saved.append((done, tree))


@pytest.fixture(autouse=True)
def handlers():
    """This process takes signals as a command does, and as before afterwards."""
    known = signal.SIGINT, signal.SIGTERM
    before = [signal.getsignal(signum) for signum in known]
    signals.handle()
    yield
    signals.handle()
    for signum, handler in zip(known, before):
        signal.signal(signum, handler)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_the_training_that_is_under_way(signum):
    kept = Snapshots()
    with pytest.raises(signals.Interrupted) as ended, signals.training():
        signals.save_if_due(kept, 1, lambda: "early")
        os.kill(os.getpid(), signum)
        signals.save_if_due(kept, 2, lambda: "late")
    assert kept.saved == [(2, "late")] and ended.value.signum == signum


def test_a_signal_after_the_last_save_ends_the_training_too():
    with pytest.raises(signals.Interrupted), signals.training():
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_reaches_a_training_in_a_thread():
    kept, ended, ready = Snapshots(), [], threading.Event()

    def train():
        try:
            with signals.training():
                ready.set()
                while True:
                    time.sleep(0.01)
                    signals.save_if_due(kept, 3, lambda: "tree")
        except signals.Interrupted as error:
            ended.append(error.signum)

    thread = threading.Thread(target=train)
    thread.start()
    ready.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    thread.join(10)
    assert ended == [signal.SIGTERM] and kept.saved == [(3, "tree")]


def test_without_a_training_a_signal_ends_at_once():
    with pytest.raises(signals.Interrupted):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_second_signal_stops_at_once(monkeypatch, capsys):
    """Without the end that a process takes otherwise, which may wait for something."""
    codes = []

    class Stopped(BaseException):
        pass

    def stop(code):
        codes.append(code)
        raise Stopped

    monkeypatch.setattr(os, "_exit", stop)
    with pytest.raises(Stopped), signals.training():
        os.kill(os.getpid(), signal.SIGINT)
        assert codes == []
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)
        codes.append("not any more")
    assert codes == [143]
    assert "the same signal again ends at once" in capsys.readouterr().err


def launch(run):
    """Launch an experiment of no setting of its own, which opens no run."""
    experiment.launch("some", experiment.Config, lambda: (run, None, None), ["some"])


@pytest.mark.parametrize("signum, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_is_told_to_end_says_how_to_go_on(signum, code, capsys):
    with pytest.raises(SystemExit) as ended:
        launch(lambda config, run: os.kill(os.getpid(), signum))
    assert ended.value.code == code
    said = capsys.readouterr().err.strip()
    assert said == "interrupted: the same command goes on where it was"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EACCES])
def test_a_folder_without_room_is_one_line(number, capsys):
    def run(config, run):
        raise OSError(number, os.strerror(number), "runs/x")

    with pytest.raises(SystemExit) as ended:
        launch(run)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: cannot write to runs/x ({os.strerror(number)})")
    assert said.count("\n") == 1


def test_a_checkpoint_that_finds_no_room_is_one_line_and_the_older_one_stays(tmp_path, capfd):
    """Under a limit of file sizes as with ulimit -f: a million numbers do not fit into 100 kB."""
    kept = checkpoint.Snapshots(tmp_path, {}, every=0.0)
    kept.save(1, {"w": np.zeros(3)})
    large = {"w": np.random.default_rng(0).normal(size=1_000_000)}
    capfd.readouterr()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(InputError) as error:
            kept.save(2, large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert capfd.readouterr() == ("", "")  # what orbax logs would be many lines
    assert "000000002 cannot be written (File too large): make room" in str(error.value)
    assert "\n" not in str(error.value) and not list(tmp_path.glob("*tmp*"))
    assert checkpoint.exists(tmp_path / "000000001")
    assert not checkpoint.exists(tmp_path / "000000002")


def test_a_second_run_waits_for_what_the_first_one_makes(tmp_path):
    """The other process holds the lock, says so, and dies without giving it back."""
    path = tmp_path / "teachers" / "abc"
    code = f"""
    import os, pathlib, time
    from kd_jax.storage import locks
    with locks.alone({str(path)!r}):
        print("mine", flush=True)
        time.sleep(0.3)
        pathlib.Path({str(path)!r}).write_text("done")
        os._exit(9)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "mine\n"
        with locks.alone(path):
            assert pathlib.Path(path).read_text() == "done"
