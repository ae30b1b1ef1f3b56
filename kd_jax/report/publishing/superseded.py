"""Tables of records that others took the place of: they stay readable, with the reason.

experiments/NAME/superseded/records-2026-11-21-0123abcd.md    when it was finished, its commit
"""

import pathlib
import re

from kd_jax.errors import require
from kd_jax.report import commands, manifests
from kd_jax.report.publishing import docs_records, publish_flags
from kd_jax.storage import manifest

FOLDER, WHY = "superseded", "Why: "


def place(record: pathlib.Path) -> pathlib.Path:
    """Where the page of a record is kept once another takes its place.

    Args:
        record: experiments/NAME/records or another folder beside it.
    """
    said = manifest.read(record)
    name = f"{record.name}-{said['finished'][:10]}-{manifests.commit(said, 8).split()[0]}.md"
    return record.parent / FOLDER / name


def text(record: pathlib.Path, why: str) -> str:
    """The page: the reason, where the record is of, and its tables.

    Args:
        record: A folder of records that is about to be replaced.
        why: The reason, a sentence or two on one line.

    Raises:
        InputError: No reason is given, or one of several lines.
    """
    said = manifest.read(record)
    require(
        why.strip(),
        f"{record} holds a record of {said['finished'][:10]}: say in a line why the new one takes "
        'its place, --why="…"; its tables are kept with the reason',
    )
    publish_flags.check_reason(why)
    title = f"# {record.parent.name}, {record.name} of {said['finished'][:10]}: superseded"
    tables = (record / "table.md").read_text(encoding="utf-8").strip()
    command = commands.read(record)  # which older records lack
    parts = [title, f"{WHY}{why.strip()}", *([f"    {command}"] if command else []), tables]
    return "\n\n".join([*parts, f"{docs_records.made(record)}."]) + "\n"


def listed(folder: pathlib.Path) -> str:
    """The part of an experiment's README that lists what was superseded, "" if nothing was.

    Args:
        folder: experiments/NAME.
    """
    lines = []
    for path in sorted(folder.glob(f"{FOLDER}/*.md")):
        found = re.search(rf"^{WHY}(.+)$", commands.text(path), flags=re.M)
        name = "-".join(path.stem.split("-")[:-1])
        lines.append(
            f"- [{name}]({FOLDER}/{path.name}): {found[1] if found else 'no reason given'}"
        )
    return "\n".join(["## Superseded", "", *lines]) if lines else ""
