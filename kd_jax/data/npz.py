"""Arrays of one's own from a .npz file: inputs, and perhaps labels, a teacher's outputs, splits."""

import difflib
import os
import zipfile
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from kd_jax import paths
from kd_jax.data import disk_rows, npz_labels
from kd_jax.errors import InputError, require, unreadable

NAMES = ("inputs", "labels", "teacher_logits", "teacher_probabilities", "split")
SPLITS = ("train", "validation", "test")


class Arrays(NamedTuple):
    """What a file holds; what it does not hold is None.

    inputs: [N, …], uint8 as they are, others as float32. labels: positions in `classes`, whose
    names are texts. split: of each row "train", "validation" or "test".
    """

    inputs: Any
    labels: Int[np.ndarray, " N"] | None
    classes: list[str] | None
    teacher_logits: Float[np.ndarray, "N C"] | None
    teacher_probabilities: Float[np.ndarray, "N C"] | None
    split: Shaped[np.ndarray, " N"] | None


def read(path: str | os.PathLike, stream: bool = False) -> Arrays:
    """Read the arrays of NAMES, of which `inputs` is needed. Nothing is unpickled.

    Labels that are 0 … C − 1 stay what they are, where C is the number of a teacher's columns or,
    without a teacher, of different labels. Texts, and without a teacher any whole numbers, become
    positions in the sorted texts; these are then the order of a teacher's columns.

    Args:
        path: of a file that np.savez(path, inputs=…, labels=…) or savez_compressed wrote.
        stream: leave the inputs on disk, as DiskRows; the file must not be compressed.

    Returns:
        The checked arrays. A teacher's logits may hold −inf, which is probability 0.

    Raises:
        InputError: the file is missing, damaged or no .npz; an array is unknown, missing, of
            another kind, shape or length than it must be, or has a row that is not finite, no
            distribution or of no known split; both kinds of a teacher's outputs are there.
    """
    path = paths.given(path)
    stored = _stored(path, stream)
    shape = stored["inputs"].shape
    require(
        stored["inputs"].ndim and np.prod(shape),
        f"{path}: inputs has the shape {shape}, expected [N, …] with at least one row: fill it",
    )
    for name, array in stored.items():
        length = len(array) if array.ndim else "no"
        require(
            length == shape[0],
            f"{path}: {name} has {length} rows and inputs {shape[0]}: expected one per example",
        )
    inputs, split = _inputs(path, stored["inputs"]), _split(path, stored.get("split"))
    logits = _logits(path, stored.get("teacher_logits"))
    probabilities = _probabilities(path, stored.get("teacher_probabilities"))
    teacher = probabilities if logits is None else logits
    labels, classes = None, None
    if "labels" in stored:
        columns = None if teacher is None else teacher.shape[1]
        labels, classes = npz_labels.of_file(path, stored["labels"], columns)
    return Arrays(inputs, labels, classes, logits, probabilities, split)


def _check_zip(path, file):
    advice = "write it with np.savez(path, inputs=…, labels=…)"
    require(zipfile.is_zipfile(file), f"{path} is no .npz file, or truncated: {advice}")
    file.seek(0)


def _stored(path, stream):
    """{name: array} as the file has them."""
    require(path.is_file(), f"{path} does not exist: check the path")
    try:
        with open(path, "rb") as file:
            _check_zip(path, file)
            with np.load(file, allow_pickle=False) as stored:
                _check_names(path, stored.files)
                read = [name for name in stored.files if not (stream and name == "inputs")]
                found = {name: _member(path, stored, name) for name in read}
        return {**found, "inputs": disk_rows.of_npz(path, "inputs")} if stream else found
    except InputError:
        raise
    except Exception as error:  # zipfile, zlib and numpy each raise their own
        raise unreadable(str(path), error, "write it again") from None


def _check_names(path, names):
    known = ", ".join(NAMES)
    for name in names:
        near = difflib.get_close_matches(name, NAMES, 1)
        guess = f"; did you mean {near[0]}?" if near else "; leave it out"
        require(name in NAMES, f"{path} holds {name[:80]}: expected only {known}{guess}")
        require(names.count(name) == 1, f"{path} holds {name} twice: write it again")
    held = ", ".join(names) or "nothing"
    require("inputs" in names, f"{path} holds {held} and no inputs: add them to np.savez")
    require(
        not {"teacher_logits", "teacher_probabilities"} <= {*names},
        f"{path} holds teacher_logits and teacher_probabilities: expected one; leave one out",
    )


def _member(path, stored, name):
    try:
        array = stored[name]
    except Exception as error:
        if "allow_pickle" not in str(error):
            raise
        raise InputError(
            f"{path}: {name} holds Python objects, which are not read: expected numbers or texts; "
            "make it an array of one type, like np.asarray(x, np.float32) or np.asarray(x, str)"
        ) from None
    require(isinstance(array, np.ndarray), f"{path}: {name} is no array: write it with np.savez")
    return array


def _inputs(path, inputs):
    kind = inputs.dtype
    require(
        kind == np.uint8 or kind.kind == "f",
        f"{path}: inputs are {kind}, expected uint8 or floats: convert them, like "
        "inputs.astype(np.float32)",
    )
    if isinstance(inputs, disk_rows.DiskRows):
        plain = kind in (np.uint8, np.float32)
        require(
            plain, f"{path}: inputs are {kind}, which are not streamed: expected float32 or uint8"
        )
        if kind == np.float32:
            _check_finite(path, "inputs", inputs)
        return inputs
    return inputs if kind == np.uint8 else _floats(path, "inputs", inputs)


def _floats(path, name, array, low=None):
    """An array as float32, of which every value is finite, or perhaps `low`."""
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes inf, and is named
        array = np.asarray(array, np.float32)
    _check_finite(path, name, array, low)
    return array


def _check_finite(path, name, array, low=None):
    row = npz_labels.first_row(array, lambda x: ~np.isfinite(x) & (x != low))
    require(
        row is None,
        f"{path}: {name} has NaN or infinity in row {row}: expected finite numbers below 3.4e38; "
        "repair or leave out such rows",
    )


def _columns(path, name, array):
    require(
        array.dtype.kind == "f" and array.ndim == 2 and array.shape[1] >= 2,
        f"{path}: {name} is {array.dtype} of shape {array.shape}: expected floats [N, C], a row "
        "per example and a column for each of two or more classes",
    )


def _logits(path, logits):
    if logits is None:
        return None
    _columns(path, "teacher_logits", logits)
    logits = _floats(path, "teacher_logits", logits, low=-np.inf)
    row = npz_labels.first_row(logits, lambda x: (x == -np.inf).all(1))
    require(row is None, f"{path}: teacher_logits is −inf in all of row {row}: leave the row out")
    return logits


def _probabilities(path, given):
    if given is None:
        return None
    _columns(path, "teacher_probabilities", given)
    given = _floats(path, "teacher_probabilities", given)
    row = npz_labels.first_row(given, lambda x: (x.min(1) < 0) | (abs(x.sum(1) - 1) > 1e-3))
    require(
        row is None,
        f"{path}: teacher_probabilities has no distribution in row {row}: expected numbers from 0 "
        "on with the sum 1; if they are logits, call them teacher_logits",
    )
    return given


def _split(path, split):
    if split is None:
        return None
    split = npz_labels.texts(path, "split", split)
    row = npz_labels.first_row(split, lambda x: ~np.isin(x, SPLITS))
    found, known = "" if row is None else str(split[row])[:80], ", ".join(SPLITS)
    require(row is None, f"{path}: split is '{found}' in row {row}: expected one of {known}")
    require("train" in split, f"{path}: split has no row of train: expected some to train on")
    return split
