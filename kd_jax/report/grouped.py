"""Records by row and by other fields, in the order in which networks are paired."""

from collections.abc import Iterable, Sequence
from typing import Any

Record = dict[str, Any]

PERCENT = "accuracies_in_percent"  # of a record


def seeds(record: Record) -> tuple[int, int]:
    """(seed of its teacher, its own seed) of a record, by which networks are paired."""
    return record.get("teacher_seed", 0), record["seed"]


def by(name: str, records: Iterable[Record]) -> dict[Any, list[Record]]:
    """{value of the field `name`: the records that have it}, in order of first appearance."""
    found: dict[Any, list[Record]] = {}
    for record in records:
        found.setdefault(record[name], []).append(record)
    return found


def by_row(records: Iterable[Record]) -> dict[str, list[Record]]:
    """{row name: its records ordered by `seeds`}, in order of first appearance."""
    rows = by("row", records)
    return {row: sorted(found, key=seeds) for row, found in rows.items()}


def own_teachers(records: Iterable[Record]) -> list[Record]:
    """The records, those without a teacher_seed as the only students of teachers of their seed."""
    return [
        r if "teacher_seed" in r else {**r, "teacher_seed": r["seed"], "seed": 0} for r in records
    ]


def values(records: Iterable[Record], metric: str) -> list:
    """The metric of records of one row, ordered as they are."""
    return [record[metric] for record in records]


def counted(records: Sequence[Record]) -> str:
    """'10 students of one teacher', or where there are several '10 students of each of 3 teachers'.

    '5 students, each of a teacher of its own' where every teacher has one.

    Args:
        records: of one row.
    """
    students = len({r["seed"] for r in records})
    teachers = len({seeds(r)[0] for r in records})
    if teachers == 1:
        return f"{students} student{'s' * (students > 1)} of one teacher"
    if students == 1:
        return f"{teachers} students, each of a teacher of its own"
    return f"{students} students of each of {teachers} teachers"


def in_percent(record: Record) -> Record:
    """The record with its accuracies in percent."""
    scaled = {name: 100 * x for name, x in record.items() if name.endswith("_accuracy")}
    return record | scaled | {PERCENT: True}
