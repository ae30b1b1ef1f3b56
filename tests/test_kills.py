"""kill -9 at random moments: the same command ends with bitwise the same records."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

# All that can be saved is saved: most kills hit a write of a checkpoint, a cache or a record.
DRIVER = textwrap.dedent("""
    import runpy, sys
    from kd_jax import checkpoint
    checkpoint.Snapshots.__init__.__defaults__ = (0.0,)
    runpy.run_module("experiments.quickstart", run_name="__main__", alter_sys=True)
""")


def started(workdir):
    flags = "--preset=smoke", "--seeds=2", f"--workdir={workdir}"
    command = [sys.executable, "-c", DRIVER, *flags]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finished(workdir):
    """(bytes of the records, seconds) of a command that nobody disturbs."""
    began = time.monotonic()
    with started(workdir) as process:
        _, said = process.communicate()
    assert process.returncode == 0, said
    return records(workdir), time.monotonic() - began


def records(workdir):
    """The bytes of the records of the only run, or of the first, killed after it was finished."""
    first, *again = sorted(pathlib.Path(workdir).glob("quickstart/*/manifest.json"))
    found = (first.parent / "records.jsonl").read_bytes()
    assert all((path.parent / "records.jsonl").read_bytes() == found for path in again)
    return found


def killed(workdir, moment):
    """Whether a command was killed at a moment, in seconds; False when it had ended before."""
    with started(workdir) as process:
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.kills)])
def test_killed_runs_end_with_the_records_of_an_undisturbed_one(tmp_path, kills):
    finished(tmp_path / "first")  # what is compiled is kept from here on
    wanted, seconds = finished(tmp_path / "undisturbed")
    random, count, runs = np.random.default_rng(9), 0, 0
    while count < kills:
        workdir = tmp_path / f"killed {runs}"
        while count < kills and killed(workdir, random.uniform(0.2, 1.0) * seconds):
            count += 1
        assert finished(workdir)[0] == wanted
        runs += 1
    print(f"{count} kills in {runs} runs of {seconds:.1f} s each, on {os.cpu_count()} cores")
