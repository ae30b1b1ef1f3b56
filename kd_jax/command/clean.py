"""`./run.sh clean [WORKDIR]`: what runs keep to begin faster, its size, and removal if wished.

Runs are not touched. What is removed is what kd_jax wrote, by its name; the next run trains,
decodes or compiles again.
"""

import argparse
import pathlib
import re
import shutil
import sys

import tqdm

from kd_jax.errors import InputError, printable, require
from kd_jax.report import list_runs
from kd_jax.runtime import program_folder
from kd_jax.storage import kept
from kd_jax.streams import one_line

PROGRAM = re.compile(r".+-(cache|atime)")  # as JAX calls its files


def programs() -> list[kept.Kept]:
    """The compiled programs, which runs of all folders share."""
    return [
        kept.Kept("compiled programs of all folders of runs", folder, entries)
        for folder in program_folder.candidates()
        if folder.is_dir() and program_folder.is_ours(folder)
        if (entries := kept.named(folder, PROGRAM))
    ]


def main(arguments: list[str] | None = None) -> None:
    """Show what there is and remove what the user says.

    Args:
        arguments: The command line (default: this process's).

    Raises:
        InputError: The folder is none; a run below it goes on; nobody can be asked.
    """
    parser = argparse.ArgumentParser("./run.sh clean", description=__doc__, allow_abbrev=False)
    parser.add_argument("workdir", nargs="?", default="runs", type=pathlib.Path)
    parser.add_argument(
        "--programs", action="store_true", help="compiled programs too, of all folders of runs"
    )
    parser.add_argument("--yes", action="store_true", help="remove all of it without asking")
    given = parser.parse_args(arguments)
    require(given.workdir.is_dir(), f"{given.workdir} is no folder: expected that of runs")
    parts = [*kept.below(given.workdir), *(programs() if given.programs else [])]
    if not parts:
        print("nothing is kept for later runs")
    _check_nothing_runs(given.workdir)
    for part in parts:
        size, count = tqdm.tqdm.format_sizeof(part.size, "B"), len(part.entries)
        print(f"{printable(str(part.folder))}: {size} of {part.what} ({count})")
        if given.yes or _agreed():
            for path in part.entries:
                _remove(path)
            print(f"removed {size}")


def _check_nothing_runs(workdir):
    for folder in list_runs.below(workdir):
        running = list_runs.state(folder)[0] == list_runs.RUNNING
        require(not running, f"{folder} is being written: nothing was removed, wait for its end")


def _agreed():
    """Whether the user says yes."""
    if not sys.stdin.isatty():
        raise InputError("nothing was removed: answer on a terminal, or give --yes")
    try:
        return input("Remove it? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _remove(path):
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be removed ({error.strerror})") from None


if __name__ == "__main__":
    with one_line():
        main()
