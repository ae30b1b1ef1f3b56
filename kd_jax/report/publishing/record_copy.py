"""The files of a record: what is kept of a finished run, with the table and figures of today.

Numbers are written in single precision, and of commands not where one user's files lie.
"""

import contextlib
import json
import pathlib
import re
import shutil
from collections.abc import Iterator
from typing import Any

from kd_jax.errors import DamagedFile, InputError, brief
from kd_jax.report import commands
from kd_jax.report.publishing import readmes, whole
from kd_jax.storage import digits, jsonl, manifest


def write(source: pathlib.Path, target: pathlib.Path, experiment: pathlib.Path) -> None:
    """Write the record of a run, as its experiment's report shows it now.

    Args:
        source: The folder of the run.
        target: An empty folder.
        experiment: That of the experiment, experiments/NAME.

    Raises:
        InputError: The run is damaged, or no page can show it.
        OSError: There is no room.
    """
    try:
        copy(source, target)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(f"{source} is damaged ({brief(error)}): run it again") from None
    with of_run(source, target):
        text = readmes.table(target, experiment)
        readmes.draw(target, experiment)
    jsonl.write_whole(target / whole.TABLE, text)


@contextlib.contextmanager
def of_run(source: pathlib.Path, target: pathlib.Path) -> Iterator[None]:
    """In this block the record of a run is read: what is wrong is said of the run.

    Args:
        source: The folder of the run.
        target: That of its record; what is said of another one's files is raised as it is.
    """
    try:
        yield
    except whole.UNSHOWN as error:
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            raise  # no room, of which the run knows nothing
        found = whole.named(error, target)
        if not isinstance(found, DamagedFile):
            said = re.sub(rf"{re.escape(str(target))}(?!\w)", lambda _: str(source), str(found))
            blamed = said != str(found)
            said = said if blamed else f"{source} cannot be shown on a page ({brief(found)})"
            raise InputError(said) from None
        if not found.path.is_relative_to(target):
            raise found from None
        path = source / found.path.relative_to(target)
        raise DamagedFile(path, found.what, jsonl.AGAIN) from None


def copy(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copy what is published of a run: of its commands not where one user's files lie."""
    for path in whole.files(source):
        shutil.copy(path, target)
    records = [digits.single_precision(r) for r in jsonl.whole(source / whole.RECORDS)]
    jsonl.write_whole(target / whole.RECORDS, jsonl.text(records))  # as runs write them now
    settings = commands.settings(source)

    def short(said: dict[str, Any]) -> dict[str, Any]:
        return {**said, "command": commands.published(said["command"], settings)}

    said = short(manifest.read(source))
    said["processes"] = [short(process) for process in said["processes"]]
    jsonl.write_whole(target / manifest.NAME, json.dumps(said, indent=2) + "\n")
    command = commands.published(commands.read(source), settings)
    jsonl.write_whole(target / commands.NAME, command + "\n")
