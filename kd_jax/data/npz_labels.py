"""Labels and texts of a .npz file: whole numbers or texts become positions in names of classes."""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped

from kd_jax.errors import InputError, brief, require

ROWS = 4096  # that are looked at together, as what is computed of all may not fit in memory


def first_row(array: Any, wrong: Callable) -> int | None:
    """The number of the first row that has a wrong value, or None.

    Args:
        array: [N, …], in memory or on disk.
        wrong: rows -> [M, …], whether each value is wrong.
    """
    for first in range(0, len(array), ROWS):
        found = wrong(array[first : first + ROWS])
        rows = np.flatnonzero(found.reshape(len(found), -1).any(1))
        if len(rows):
            return first + int(rows[0])
    return None


def texts(path: pathlib.Path, name: str, array: np.ndarray) -> Shaped[np.ndarray, " N"]:
    """An array [N] of texts; InputError if it is none.

    Args:
        path: Of the file, for messages.
        name: Of the array.
        array: Of it.
    """
    require(
        array.ndim == 1 and array.dtype.kind in "US",
        f"{path}: {name} is {array.dtype} of shape {array.shape}: expected texts [N]",
    )
    try:
        return np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: {name} is not in UTF-8 ({brief(error)}): convert it") from None


def of_file(
    path: pathlib.Path, labels: np.ndarray, columns: int | None
) -> tuple[Int[np.ndarray, " N"], list[str]]:
    """Labels as positions, and the names of the classes; InputError if they are none.

    Args:
        path: Of the file, for messages.
        labels: As it has them.
        columns: Of a teacher's outputs, or None.
    """
    if labels.ndim != 1 or labels.dtype.kind not in "US":
        labels = _whole(path, labels)
    values, positions = np.unique(labels, return_inverse=True)
    require(len(values) > 1, f"{path}: all labels are {values[0]}: expected two classes or more")
    if labels.dtype.kind == "i":
        classes = len(values) if columns is None else columns
        if values[0] >= 0 and values[-1] < classes:
            return labels.astype(np.int32), [str(number) for number in range(classes)]
        require(
            columns is None,
            f"{path}: labels are from {values[0]} to {values[-1]} and the teacher has {columns} "
            "columns: expected labels that are numbers of columns, from 0 on",
        )
        names = sorted(map(str, values))
        place = {name: number for number, name in enumerate(names)}
        return np.array([place[str(value)] for value in values], np.int32)[positions], names
    named = texts(path, "labels", values)
    require(
        columns in (None, len(named)),
        f"{path}: labels are {len(named)} different texts and the teacher has {columns} columns: "
        "expected as many; or give as labels the numbers of the columns, from 0 on",
    )
    return positions.astype(np.int32), named.tolist()


def _whole(path, labels):
    """Labels that are whole numbers, as int64."""
    kind = labels.dtype.kind
    require(
        labels.ndim == 1 and kind in "biuf",
        f"{path}: labels are {labels.dtype} of shape {labels.shape}: expected whole numbers or "
        "texts [N]; of one-hot rows take labels.argmax(1)",
    )
    if kind == "b":
        return labels.astype(np.int64)
    row = first_row(labels, lambda x: (x != np.floor(x)) | (x >= 2**53) | (x <= -(2**53)))
    found = labels[row or 0]
    require(row is None, f"{path}: labels has {found} in row {row}: expected whole numbers")
    return labels.astype(np.int64)
