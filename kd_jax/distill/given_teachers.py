"""Teachers that were not trained here: arrays of outputs, and functions of any framework.

A teacher is a function of NumPy inputs [B, …] that gives [B, C], logits or probabilities; `ask`
calls it once for every row, and what comes back are logits that every loss takes.

    teacher = teacher_files.onnx("teacher.onnx")
    logits = given_teachers.ask("teacher", teacher, train.inputs)
"""

import contextlib
import os
import pathlib
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from kd_jax import losses
from kd_jax.errors import InputError, brief, require
from kd_jax.runtime import progress

BATCH = 1000  # rows that a teacher is asked about at once
Teacher = Callable[[Any], Any]  # inputs [B, …] -> logits or probabilities [B, C]


def ask(
    name: str,
    teacher: Teacher,
    inputs: Shaped[np.ndarray, "N ..."],
    *,
    probabilities: bool | None = None,
    classes: int | None = None,
    batch_size: int = BATCH,
) -> Float[np.ndarray, "N C"]:
    """Ask a teacher about every row once, batch by batch, with a bar.

    Args:
        name: Of the teacher, for the bar and messages.
        teacher: Gives [B, C] for inputs [B, …]; numbers of any framework that NumPy can read.
        inputs: All rows.
        probabilities: As for `logits_of`.
        classes: As for `logits_of`.
        batch_size: Rows at once.

    Returns:
        Logits in float32.

    Raises:
        InputError: The teacher fails, or what it gives is refused by `logits_of`: the first batch
            is checked before the second is asked about.
    """
    found = answers(name, teacher, inputs, classes=classes, batch_size=batch_size)
    return logits_of(name, found, probabilities=probabilities)


def answers(
    name: str,
    teacher: Teacher,
    inputs: Any,
    *,
    classes: int | None = None,
    batch_size: int = BATCH,
) -> Shaped[np.ndarray, "N C"]:
    """What a teacher says of every row, as it says it: logits or probabilities.

    Args:
        name: As for `ask`.
        teacher: As for `ask`.
        inputs: All rows: an array or a table, which have a length and slices.
        classes: As for `ask`.
        batch_size: As for `ask`.

    Returns:
        Its outputs, of one width and as `check` asks.

    Raises:
        InputError: As `ask`, as far as `check` refuses them.
    """
    found: list[np.ndarray] = []
    bar: Any = contextlib.nullcontext(lambda done: None)  # of one batch, as in a step of a training
    if len(inputs) > batch_size:
        bar = progress.bar(f"asking {name}", len(inputs), unit="row")
    with bar as report:
        for first in range(0, len(inputs), batch_size):
            batch = inputs[first : first + batch_size]
            outputs = answer(name, teacher, batch)
            check(name, outputs, len(batch), classes, first)
            classes = outputs.shape[1]
            found.append(outputs)
            report(first + len(batch))
    require(found, f"teacher {name} has nothing to say: there are no rows")
    return np.concatenate(found)


def logits_of(
    name: str,
    outputs: Shaped[np.ndarray, "N C"],
    *,
    rows: int | None = None,
    classes: int | None = None,
    probabilities: bool | None = False,
) -> Float[np.ndarray, "N C"]:
    """A teacher's outputs as logits.

    Args:
        name: Of the teacher, for messages.
        outputs: Logits or probabilities.
        rows: N, where it is known.
        classes: C, where it is known.
        probabilities: Whether they are probabilities, which `losses.as_logits` turns into finite
            logits; None: they are if every row is a distribution.

    Returns:
        Logits in float32; −inf stays what it is, probability 0.

    Raises:
        InputError: Another shape, an entry that is NaN or +inf, a row of −inf alone,
            probabilities that are none, or logits that are probabilities or percentages.
    """
    outputs = numbers(name, outputs)
    check(name, outputs, rows, classes)
    looks = are_probabilities(outputs)
    if probabilities is False and looks:
        raise InputError(
            f"teacher {name}: every row is a distribution (entries from 0 to 1, sum 1), so these "
            "are no logits: say that they are probabilities, as kd.probabilities(teacher) does"
        )
    if _are_percentages(outputs):
        raise InputError(
            f"teacher {name}: every row sums to 100, so these are percentages: divide them by 100 "
            "and say that they are probabilities, as kd.probabilities(teacher) does"
        )
    if not (looks if probabilities is None else probabilities):
        return outputs.astype(np.float32)
    try:
        return np.asarray(losses.as_logits(outputs))  # type: ignore[arg-type]
    except ValueError as error:
        raise InputError(f"teacher {name}: {error}") from None


def _are_percentages(outputs):
    """Whether every row has entries from 0 to 100 and the sum 100, but for rounding."""
    near = max(0.1, min(0.51 * outputs.shape[1], 5.0))
    sums = np.abs(outputs.sum(-1, dtype=np.float64) - 100)
    return bool((outputs >= 0).all() and (outputs <= 100.1).all() and (sums <= near).all())


def are_probabilities(outputs: Shaped[np.ndarray, "N C"]) -> bool:
    """Whether every row has entries from 0 to 1 and the sum 1, within 0.001."""
    return bool(distributions(outputs).all())


def distributions(outputs: Shaped[np.ndarray, "N C"]) -> Bool[np.ndarray, " N"]:
    """Which rows have entries from 0 to 1 and the sum 1, within 0.001."""
    within = (outputs >= 0).all(-1) & (outputs <= 1 + 1e-3).all(-1)
    return within & (np.abs(outputs.sum(-1, dtype=np.float64) - 1) <= 1e-3)


def check(
    name: str, outputs: np.ndarray, rows: int | None, classes: int | None, first: int = 0
) -> None:
    """InputError unless outputs are [rows, classes] and finite; −inf is probability 0.

    Args:
        name: Of the teacher.
        outputs: What it gave.
        rows: How many it should be; None: any number.
        classes: How many it should be; None: two or more.
        first: The number of the first row, for messages.
    """
    shape = outputs.shape
    fits = len(shape) == 2 and rows in (None, shape[0]) and classes in (None, shape[1])
    wanted = f"[{'N' if rows is None else rows}, {'C' if classes is None else classes}]"
    require(fits, f"teacher {name} gives {list(shape)}: expected {wanted}, a number per class")
    require(shape[1] > 1, f"teacher {name} gives one class: expected two or more")
    with np.errstate(over="ignore"):
        excluded = outputs == -np.inf
        possible = (np.isfinite(outputs.astype(np.float32)) | excluded).all(-1) & ~excluded.all(-1)
    wrong = np.flatnonzero(~possible)
    if len(wrong):
        raise InputError(
            f"teacher {name} gives {outputs[wrong[0]].tolist()!s:.60} for row {first + wrong[0]}: "
            "expected finite numbers below 3.4e38, or −inf for some classes, which it excludes"
        )


def answer(name: str, teacher: Teacher, batch: Any) -> Shaped[np.ndarray, "..."]:
    """What a teacher says of one batch, as numbers.

    Args:
        name: Of the teacher.
        teacher: As for `ask`.
        batch: What it is asked about.

    Raises:
        InputError: It fails, or gives no numbers.
    """
    try:
        own = batch.copy() if isinstance(batch, np.ndarray) else batch  # some change what they see
        return numbers(name, teacher(own))
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody's function raises
        what = f"{type(error).__name__}: {brief(error)}{place(error)}"
        raise InputError(f"teacher {name} fails on inputs {list(batch.shape)}: {what}") from error


def place(error: BaseException) -> str:
    """ " (file, line 7)", the innermost line of somebody's own file that an error passed; or ""."""
    ours = str(pathlib.Path(__file__).parents[1])
    theirs = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((ours, "<")) and "site-packages" not in frame.filename
        and not frame.filename.startswith(os.path.dirname(os.__file__))
    ]  # fmt: skip
    return f" ({theirs[-1].filename}, line {theirs[-1].lineno})" if theirs else ""


def numbers(name: str, outputs: Any) -> Shaped[np.ndarray, "..."]:
    """A teacher's outputs as an array of floats; InputError if they are no numbers."""
    found = np.asarray(outputs)
    numeric = found.dtype.kind in "fiub" or str(found.dtype) == "bfloat16"
    require(numeric, f"teacher {name} gives {found.dtype}: expected numbers [N, C]")
    return found if found.dtype.kind == "f" else found.astype(np.float32)
