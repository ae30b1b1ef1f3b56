"""JSON lines that know what belongs to them: damage is named, a torn end is left out.

Each line has a "check", like "2/5 0f3a…": it is the second of five that were written together, and
the digest of that and of all else in it.
"""

import hashlib
import json
import re
import sys

from kd_jax.errors import InputError, require


def text(records):
    """The lines of records that are written together."""
    count = len(records)
    return "".join(
        json.dumps({**r, "check": f"{place}/{count} {_digest(r, place, count)}"}) + "\n"
        for place, r in enumerate(records, 1)
    )


def read(path):
    """(text, records) of a file of such lines, without the checks; nothing if there is none.

    Lines at the end that are cut off, or lack others that were written with them, are left out.
    Raises: InputError naming file and line when any other line is not what was written.
    """
    if not path.exists():
        return "", []
    lines, records, together = path.read_bytes().splitlines(keepends=True), [], []
    for number, line in enumerate(lines, 1):
        if number == len(lines) and not line.endswith(b"\n"):
            break
        try:
            record, place, count = _checked(line)
            if place != len(together) + 1:
                raise ValueError("a line before it is missing")
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path} line {number} is damaged ({error}): delete that run folder"
            ) from None
        together.append(record)
        if place == count:
            records, together = records + together, []
    if len(records) < len(lines):
        print(f"{path} was cut off: its last lines are left out", file=sys.stderr)
    return b"".join(lines[: len(records)]).decode(), records


def only(path):
    """The record of a file that holds one. Raises: InputError when it is damaged or cut off."""
    _, records = read(path)
    require(len(records) == 1, f"{path} is cut off: delete that run folder")
    return records[0]


def _checked(line):
    """(record, place, count) of a line that is what was written; else ValueError."""
    record = json.loads(line.decode())
    check = str(record.pop("check", "")) if isinstance(record, dict) else ""
    found = re.fullmatch(r"(\d+)/(\d+) (\w+)", check)
    if found is None:
        raise ValueError("it has no check of its own")
    place, count = int(found[1]), int(found[2])
    if _digest(record, place, count) != found[3]:
        raise ValueError("its digest differs")
    return record, place, count


def _digest(*said):
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
