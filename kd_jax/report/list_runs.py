"""The list of runs, their state and how to resume or delete each: `./run.sh list [WORKDIR]`."""

import os
import pathlib
import shlex
import sys

import filelock

from kd_jax.errors import DAMAGED, InputError, brief, one_line, printable, require
from kd_jax.report import commands, tables
from kd_jax.storage import jsonl, manifest

FINISHED, RUNNING, RESUMABLE, FAILED = "finished", "running", "resumable", "failed"


def state(folder: pathlib.Path) -> tuple[str, str]:
    """The state of a run, and what to know of it.

    Args:
        folder: runs/<experiment>/<id>.

    Returns:
        FINISHED with its time and duration, RUNNING, RESUMABLE with the command that resumes it,
        or FAILED with the reason; the same command resumes a failed run too, if its folder is
        sound.
    """
    try:
        return _state(folder)
    except InputError as error:
        return FAILED, str(error)
    except DAMAGED as error:
        return FAILED, f"{folder} is damaged ({type(error).__name__}: {brief(error)})"


def _state(folder):
    """What `state` gives; errors of damaged files pass."""
    count = len(jsonl.every_record(folder))
    said = manifest.read(folder)
    if "finished" in said:
        return FINISHED, f"{said['finished']}, {manifest.seconds(said):.0f} s"
    try:
        with filelock.FileLock(folder / ".lock").acquire(timeout=0):
            pass
    except filelock.Timeout:
        return RUNNING, f"{count} records so far"
    except OSError as error:
        return FAILED, f"{folder} cannot be written ({error.strerror})"
    failure = folder / "failed.txt"
    if failure.exists():
        require(failure.is_file(), f"{failure} is no file: delete it")  # a pipe would be waited for
        return FAILED, " ".join(failure.read_text(encoding="utf-8").split())
    again = commands.read(folder) or "the command that began it"
    return RESUMABLE, f"{count} records so far; resume: {again}"


def below(workdir: pathlib.Path) -> list[pathlib.Path]:
    """The run folders below a workdir, oldest first.

    Raises:
        InputError: there is no such folder.
    """
    require(workdir.is_dir(), f"{workdir} is no folder: expected the --workdir of a run")
    folders = [path.parent for path in workdir.glob("*/*/config.json")]
    return sorted(folders, key=lambda folder: (folder / "config.json").lstat().st_mtime)


def table(workdir: str | os.PathLike) -> str:
    """The Markdown table of all runs below a workdir, oldest first, and how to delete them.

    Raises:
        InputError: there is no such folder.
    """
    workdir = pathlib.Path(workdir)
    folders = below(workdir)
    if not folders:
        return f"{workdir} holds no runs yet: ./run.sh begins the first\n"
    lines = [
        list(map(printable, [str(folder.relative_to(workdir)), *state(folder)]))
        for folder in folders
    ]
    found = tables.markdown(["run", "state", ""], lines)
    here = shlex.quote(str(workdir))
    return f"{found}\nDelete one: rm -r {here}/<run>; trained teachers: {here}/teachers\n"


if __name__ == "__main__":
    with one_line():
        require(len(sys.argv) < 3, "expected one argument at most, the --workdir of the runs")
        print(table(sys.argv[1] if len(sys.argv) > 1 else "runs"), end="")
