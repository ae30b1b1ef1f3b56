"""Whether a run or a committed record is whole: one place reads their files and names what is not.

What is at fault in a committed record is told with how to get it back.
"""

import contextlib
import os
import pathlib
import shlex
import zipfile
import zlib
from collections.abc import Iterator

from kd_jax.errors import DAMAGED, DamagedFile, InputError, brief, unreadable
from kd_jax.report import commands
from kd_jax.storage import commits, jsonl, manifest

RECORDS, TABLE = "records.jsonl", "table.md"
NEEDED = manifest.NAME, commands.SETTINGS, RECORDS
FILES = ("*.json", RECORDS, TABLE, commands.NAME, "*.svg", "*.npz")  # what a record may have
TOLD = {"experiment": str, "finished": str, "device": str, "versions": dict, "seconds": dict}
COMMITTED = {  # {folders of records: whether they have a table.md}
    "experiments/*/records*": True,
    "experiments/*/exploration*": True,
    "docs/records/*": False,
}
PAGES = "experiments/*/repeated", "experiments/*/superseded"
UNSHOWN = (*DAMAGED, ArithmeticError, EOFError, zipfile.BadZipFile, zlib.error)


def check(folder: pathlib.Path, *, table: bool = True) -> None:
    """DamagedFile naming the first file of a finished run, or of a record, that is not whole.

    Args:
        folder: Of the run or the record.
        table: Whether it has a table.md.
    """
    for path in files(folder):
        if not path.is_file():  # a pipe would be waited for
            raise DamagedFile(path, "is no file", jsonl.AGAIN)
    for path in (folder / name for name in (*NEEDED, *[TABLE] * table)):
        if not path.exists():
            raise DamagedFile(path, "is missing", jsonl.AGAIN)
    said = _manifest(folder)
    count = len(jsonl.whole(folder / RECORDS))
    if said.get("records", count) != count:  # older manifests do not tell
        what = f"has {count} of the {said['records']} records that the run wrote"
        raise DamagedFile(folder / RECORDS, what, jsonl.AGAIN)
    commands.settings(folder)
    _check_commands(folder, said)
    if table and not commands.text(folder / TABLE).strip():
        raise DamagedFile(folder / TABLE, "is empty", jsonl.AGAIN)


def _manifest(folder):
    """What a manifest says, which has all that pages show."""
    said, path = manifest.read(folder), folder / manifest.NAME
    for name, kind in TOLD.items():
        if not isinstance(said.get(name), kind):
            raise DamagedFile(path, f"does not tell {name!r}", jsonl.AGAIN)
    if "jax" not in said["versions"]:
        raise DamagedFile(path, "does not tell the version of jax", jsonl.AGAIN)
    return said


def _check_commands(folder, said):
    """DamagedFile unless the command is that of the last process; older records tell no process."""
    processes, path = said.get("processes", []), folder / commands.NAME
    if not processes:
        return
    if not all(isinstance(one.get("command"), str) for one in (said, *processes)):
        raise DamagedFile(folder / manifest.NAME, "does not tell 'command'", jsonl.AGAIN)
    command = commands.text(path).strip()
    if command != processes[-1]["command"]:
        what = f"is not as {manifest.NAME} has it of the last process" if command else "is empty"
        raise DamagedFile(path, what, jsonl.AGAIN)


def back(path: str | os.PathLike) -> str:
    """The command by which a committed file comes back.

    Args:
        path: Of the file.
    """
    return f"git checkout -- {shlex.quote(os.fspath(path))}"


def files(folder: pathlib.Path) -> list[pathlib.Path]:
    """The files of a run that its record has too, and whatever else bears their names."""
    return sorted({path for pattern in FILES for path in folder.glob(pattern)})


def check_committed(root: pathlib.Path) -> None:
    """DamagedFile naming the first file of a committed record, or page, that is not whole.

    Args:
        root: The folder of the repository.
    """
    for pattern, table in COMMITTED.items():
        for folder in sorted(root.glob(pattern)):
            if any((folder / name).exists() for name in (*NEEDED, TABLE)):
                with committed(folder):
                    check(folder, table=table)
    changed = commits.modified(root, *(f"{pattern}/*" for pattern in (*COMMITTED, *PAGES)))
    for path in changed:
        replaced = path.parent / manifest.NAME in changed  # by another run, not committed yet
        if not path.exists() and not replaced:
            advice = f"{back(path)}, or git rm it where pages should do without"
            raise DamagedFile(path, "is missing", advice)


@contextlib.contextmanager
def committed(folder: pathlib.Path) -> Iterator[None]:
    """In this block the files of a committed record are read: what is wrong names the file.

    Args:
        folder: Of the record, or another one with files that pages show.
    """
    try:
        yield
    except UNSHOWN as error:
        raise named(error, folder) from None


def named(error: BaseException, folder: pathlib.Path) -> InputError:
    """What the files of a committed record raised, as a line that names what is wrong.

    Args:
        error: One of UNSHOWN.
        folder: As for `committed`.
    """
    if isinstance(error, DamagedFile):
        known = error.advice.startswith("git ")
        return error if known else DamagedFile(error.path, error.what, back(error.path))
    if isinstance(error, InputError):
        return error
    if isinstance(error, FileNotFoundError):
        path = pathlib.Path(error.filename or folder)
        return DamagedFile(path, "is missing", back(path))
    if isinstance(error, OSError):
        return unreadable(f"{error.filename or folder}", error, f"see git diff -- {folder}")
    said = f"its records have no {error}" if isinstance(error, KeyError) else brief(error)
    what = f"cannot be shown on a page ({said})"
    return DamagedFile(folder, what, f"see git diff -- {folder}")
