"""A teacher's outputs on the parts of a problem: asked for once, cached, and brought to logits."""

import functools
import hashlib
import os
import pathlib
from typing import NamedTuple

import numpy as np

from kd_jax import fingerprint
from kd_jax.command import reads
from kd_jax.command.problem import Problem
from kd_jax.command.teacher_sources import Asked
from kd_jax.data.disk_rows import DiskRows
from kd_jax.distill import given_teachers
from kd_jax.errors import InputError, extra
from kd_jax.storage import array_cache

Outputs = dict[str, np.ndarray]


class Said(NamedTuple):
    """What a teacher says of every row: {part: [N, C]}, and the order of the columns if known.

    learned: {part: how many of its rows are training rows of what the teacher's file reads}.
    """

    outputs: Outputs
    classes: list[str] | None
    learned: dict[str, int] = {}


def prepare(
    asked: Asked, problem: Problem, folder: str | os.PathLike, again: bool
) -> dict[str, dict]:
    """What the outputs of each part are found by; the teacher is loaded if it is to be asked.

    Args:
        asked: The teacher.
        problem: Whose rows it is asked about.
        folder: Of the cache, in which outputs are found by what the teacher and the rows hold.
        again: Ask even where they are there.

    Raises:
        InputError: It cannot be loaded.
    """
    facts = {
        name: {"teacher": asked.digest, "rows": _digest(asked.sees(part))}
        for name, part in problem.parts.items()
    }
    if again or not all(array_cache.holds(folder, known) for known in facts.values()):
        asked.load()
    return facts


def said(
    asked: Asked, problem: Problem, folder: str | os.PathLike, again: bool, facts: dict[str, dict]
) -> Said:
    """What a teacher says of every row, asked in batches or found in the cache.

    Args:
        asked: The teacher.
        problem: As for `prepare`.
        folder: As for `prepare`.
        again: As for `prepare`.
        facts: Of `prepare`.

    Raises:
        InputError: See given_teachers.answers and array_cache.cached.
    """
    found: Outputs = {}
    learned: dict[str, int] = {}
    width, classes = len(problem.classes), []
    for name, part in problem.parts.items():
        compute = functools.partial(_ask, asked, name, part, width or None, problem.paths)
        arrays = array_cache.cached(folder, facts[name], compute, again=again)
        found[name], classes = arrays["outputs"], arrays["classes"].tolist()
        learned[name] = int(arrays.get("learned", 0))
        width = found[name].shape[1]
    return Said(found, classes or None, learned)


def _ask(asked, name, part, width, paths):
    call, classes, made = asked.load()
    title = f"{pathlib.PurePath(asked.name).name} ({name})"  # a bar has no room for folders
    outputs = given_teachers.answers(title, call, asked.sees(part), classes=width)
    learned = reads.among(made, part, paths)  # kept, as a file whose outputs are is not loaded
    names = np.array(classes or [], np.str_)
    return {"outputs": outputs, "classes": names, "learned": np.array(learned)}


def _digest(rows):
    """Of an array, or of a table, which is told by its bytes in Arrow's own format."""
    if isinstance(rows, DiskRows):
        return rows.digest
    if isinstance(rows, np.ndarray):
        return fingerprint.arrays(rows)
    with extra("data"):
        import pyarrow as pa
    sink, table = pa.BufferOutputStream(), rows.combine_chunks()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def logits(name: str, outputs: Outputs, problem: Problem) -> Outputs:
    """Logits of outputs that are logits or probabilities, in all parts the same.

    Args:
        name: Of the teacher.
        outputs: Of the parts, {part: [N, C]}.
        problem: Whose classes they are of.

    Raises:
        InputError: See given_teachers.logits_of; or as `are_probabilities`.
    """
    outputs = {part: given_teachers.numbers(name, x) for part, x in outputs.items()}
    for part, x in outputs.items():
        given_teachers.check(f"{name} ({part})", x, None, len(problem.classes) or None)
    known = are_probabilities(name, outputs)
    return {
        part: given_teachers.logits_of(name, x, probabilities=known) for part, x in outputs.items()
    }


def are_probabilities(name: str, outputs: Outputs) -> bool:
    """Whether all rows of all parts are distributions.

    Args:
        name: Of the teacher.
        outputs: Of the parts.

    Raises:
        InputError: Most of them are and others are not.
    """
    rows = np.concatenate([given_teachers.distributions(x) for x in outputs.values()])
    wrong = int(np.argmin(rows))
    if rows.mean() > 0.5 and not rows[wrong]:
        part, row = _place(outputs, wrong)
        raise InputError(
            f"teacher {name}: {rows.sum():,} of {len(rows):,} rows are distributions, and row "
            f"{row} of {part} is none, {outputs[part][row].tolist()!s:.60}: expected "
            "probabilities in all rows, or logits in all"
        )
    return bool(rows.all())


def _place(outputs, row):
    """The part, and the row in it, of a row of all parts."""
    for part, x in outputs.items():
        if row < len(x):
            return part, row
        row -= len(x)
    raise AssertionError("there are fewer rows")
