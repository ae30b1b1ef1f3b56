"""The list of runs: state, settings, size, finding, and what goes on: `./run.sh list [WORKDIR]`."""

import contextlib
import json
import os
import pathlib
import shlex
import shutil
import sys
import textwrap

import filelock
import tqdm

from kd_jax.errors import DAMAGED, InputError, brief, printable, require
from kd_jax.report import closing, commands
from kd_jax.storage import jsonl, kept, manifest
from kd_jax.streams import one_line

OF = (
    "data",
    "test_data",
    "texts",
    "dev",
    "test",
    "ranking",
    "teacher",
    "student",
)  # what a run is of
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


def listed(workdir: str | os.PathLike) -> str:
    """The text of all runs below a workdir, oldest first, and of what they keep beside them.

    Raises:
        InputError: there is no such folder.
    """
    workdir = pathlib.Path(workdir)
    folders = below(workdir)
    if not folders:
        return f"{workdir} holds no runs yet: ./run.sh begins the first\n{_kept(workdir)}"
    runs = "\n".join(_said(workdir, folder) for folder in folders)
    return f"{runs}\n\nDelete a run: rm -r {shlex.quote(str(workdir))}/RUN\n{_kept(workdir)}"


def _said(workdir, folder):
    """The lines of a run."""
    kind, note = state(folder)
    size, settings = _bytes(kept.size(folder)), _settings(folder)
    found = [note, _headline(folder)] if kind == FINISHED else note.split("; resume: ")
    first = _folded(printable(f"{folder.relative_to(workdir)}  {kind}, {size}, {settings}"))
    return "\n    ".join([first, *map(printable, filter(None, found))])


def _folded(line):
    """A line that no one copies, as wide as the terminal if it goes to one."""
    if not sys.stdout.isatty():
        return line
    width = shutil.get_terminal_size((100, 24)).columns
    fold = textwrap.TextWrapper(width, subsequent_indent="    ", break_on_hyphens=False)
    fold.break_long_words = False
    return fold.fill(line)


def _headline(folder):
    """What the table of a finished run says, in a sentence."""
    with contextlib.suppress(*DAMAGED, InputError):
        path = folder / "table.md"
        return closing.headline(path.read_text(encoding="utf-8")) if path.is_file() else ""
    return ""


def _settings(folder):
    """The flags of a run that decide its results, and those that say what files it is of."""
    with contextlib.suppress(*DAMAGED, InputError):
        path = folder / "config.json"
        settings = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        flags = commands.settings_of(commands.read(folder), dict.fromkeys(OF) | settings)
        return shlex.join(flag for _, flag in flags) or "default"
    return "?"


def _kept(workdir):
    """What later runs may use, and how to be rid of it."""
    found = [f"{_bytes(x.size)} of {x.what} ({len(x.entries)})" for x in kept.below(workdir)]
    where = "" if workdir == pathlib.Path("runs") else f" {shlex.quote(str(workdir))}"
    told = _folded(f"Kept for later runs: {', '.join(found)}")
    return f"{told}\nRemove it: ./run.sh clean{where}\n" if found else ""


def _bytes(number):
    return tqdm.tqdm.format_sizeof(number, "B")


if __name__ == "__main__":
    with one_line():
        require(len(sys.argv) < 3, "expected one argument at most, the --workdir of the runs")
        print(listed(sys.argv[1] if len(sys.argv) > 1 else "runs"), end="")
