"""JSON lines with checksums: damage is named; a torn end is left out, or refused by `whole`.

Each line has a "check", like "2/5 0f3a…": it is the second of five that were written together, and
the digest of that and of all else in it.
"""

import hashlib
import json
import os
import pathlib
import re
import sys
from collections.abc import Callable, Iterable, Sequence

from kd_jax.errors import DamagedFile, InputError, require
from kd_jax.storage import whole_file

AGAIN, DELETE = "run it again", "delete that run folder"


def text(found: Sequence[dict]) -> str:
    """The lines of records that are written together."""
    for record in found:
        require("check" not in record, "a record has a field 'check': expected another name")
    count = len(found)
    return "".join(
        json.dumps({**r, "check": f"{place}/{count} {_digest(r, place, count)}"}) + "\n"
        for place, r in enumerate(found, 1)
    )


CHECK = re.compile(r"(\d+)/(\d+) (\w+)")


def _is_check(value):
    return isinstance(value, str) and CHECK.fullmatch(value) is not None


class Older(Exception):
    """A record without a check, as they were once written: it may be sound."""


def read(path: pathlib.Path) -> tuple[str, list[dict]]:
    """(text, records) of a file of such lines, without the checks; nothing if there is none.

    Lines at the end that are cut off, or lack others that were written with them, are left out.

    Raises:
        InputError: any other line is not what was written; it names file and line.
    """
    if not path.exists():
        return "", []
    lines, found = _lines(path)
    if len(found) < len(lines):
        print(f"{path} was cut off: its last lines are left out", file=sys.stderr)
    return b"".join(lines[: len(found)]).decode(), found


def whole(path: pathlib.Path) -> list[dict]:
    """The records of such a file that nobody goes on writing: all must be there.

    Raises:
        DamagedFile: it is missing or empty, its end is cut off, or as for `read`.
    """
    if not path.exists():
        raise DamagedFile(path, "is missing", AGAIN)
    lines, found = _lines(path)
    if len(found) < len(lines) or not found:
        what = f"is cut off: {len(found)} records are whole" if lines else "is empty"
        raise DamagedFile(path, what, AGAIN)
    return found


def _lines(path):
    """(the lines of a file, the records of those that are whole)."""
    if not path.is_file():  # a pipe would be waited for
        raise DamagedFile(path, "is no file", DELETE)
    lines, found, together = path.read_bytes().splitlines(keepends=True), [], []
    for number, line in enumerate(lines, 1):
        if number == len(lines) and not line.endswith(b"\n"):
            break
        try:
            record, place, count = _checked(line)
            if place != len(together) + 1:
                raise ValueError("a line before it is missing")
        except Older:
            raise InputError(
                f"{path} line {number} has no check, as records of an earlier kd_jax: it is not "
                "read; give another --workdir"
            ) from None
        except (ValueError, RecursionError) as error:
            raise DamagedFile(path, f"line {number} is damaged ({error})", DELETE) from None
        together.append(record)
        if place == count:
            found, together = found + together, []
    return lines, found


def among(records: Sequence[dict], wanted: dict) -> bool:
    """Whether one of the records has all the wanted values."""
    return any(wanted.items() <= record.items() for record in records)


def refuse_twice(
    known: Sequence[dict], added: Sequence[dict], names: Iterable[str], path: pathlib.Path
) -> None:
    """InputError naming the first added record that stands there already."""

    def identity(record):
        return json.dumps([record.get(name) for name in names])

    there = set(map(identity, known))
    for record in added:
        what = ", ".join(f"{name} {record[name]}" for name in names if name in record)
        require(
            identity(record) not in there,
            f"{path} holds a record of {what} already: expected one of each; do "
            "it in Run.each, which skips what is recorded, or name what tells them apart",
        )
        there.add(identity(record))


def records(folder: str | os.PathLike) -> list[dict]:
    """The records of a run folder, oldest first, but for those of networks that diverged."""
    return [r for r in every_record(folder) if "diverged" not in r]


def diverged(folder: str | os.PathLike) -> list[dict]:
    """The records of the networks of a run folder that diverged."""
    return [r for r in every_record(folder) if "diverged" in r]


def every_record(folder: str | os.PathLike) -> list[dict]:
    """Every record of a run folder, oldest first; [] without any yet. See `read`."""
    return read(pathlib.Path(folder) / "records.jsonl")[1]


def with_notes(table: Callable, folder: pathlib.Path) -> str:
    """The Markdown of table(folder), and which networks diverged and are left out of it."""
    lost = diverged(folder)
    notes = [
        f"- {r['row']}, "
        + (f"teacher {r['teacher_seed']}, " if r.get("teacher_seed") else "")
        + (f"rate {r['rate']:g}, " if "rate" in r else "")
        + f"seed {r['seed']}"
        + ("" if r["diverged"] is None else f", at step {r['diverged']:,}")
        for r in lost
    ]
    try:
        text = table(folder)
    except (LookupError, ValueError) as error:
        if not lost:
            raise
        raise InputError(
            f"{len(lost)} networks diverged, too many for a table ({notes[0][2:]}, …): "
            "give settings that train, like a smaller learning rate"
        ) from error
    if not lost:
        return text
    return "\n".join([text, "Diverged, and left out above:", "", *notes, ""])


def write_whole(path: pathlib.Path, text: str) -> None:
    """Write a text file that is never seen half-written."""
    with whole_file.written(path) as file:
        file.write(text)


def only(path: pathlib.Path) -> dict:
    """The record of a file that holds one.

    Raises:
        DamagedFile: it is missing, damaged or cut off.
    """
    if not path.exists():
        raise DamagedFile(path, "is missing", AGAIN)
    _, found = _lines(path)
    if len(found) != 1:
        raise DamagedFile(path, "is cut off", DELETE)
    return found[0]


def _checked(line):
    """(record, place, count) of a line that is what was written; else ValueError."""
    record = json.loads(line.decode())
    older = isinstance(record, dict) and "check" not in record
    if older and not any(map(_is_check, record.values())):  # else a letter of its name is damaged
        raise Older
    check = str(record.pop("check", "")) if isinstance(record, dict) else ""
    found = CHECK.fullmatch(check)
    if found is None:
        raise ValueError("it has no check of its own")
    place, count = int(found[1]), int(found[2])
    if _digest(record, place, count) != found[3]:
        raise ValueError("its digest differs")
    return record, place, count


def _digest(*said):
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
