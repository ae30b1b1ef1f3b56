"""Rows of a file as parts: drawn, taken, and brought to the classes of the training rows."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from kd_jax.data import equal_texts, subsets
from kd_jax.data.class_folders import some
from kd_jax.data.preprocessing import near, shown
from kd_jax.errors import InputError, require
from kd_jax.training import keys

NAMES = ("train", "validation", "test")


class Part(NamedTuple):
    """Rows of one part.

    Attributes:
        inputs: What a student sees: float32 [N, D] of a table, uint8 [N, H, W, C] of images, arrays
            as they are.
        labels: Positions in the names of the classes, or None.
        raw: What somebody's function is given: a pyarrow.Table of all columns but the label, or the
            same as the inputs.
        rows: The numbers of these rows in their file, from 0 on; images are counted part by part,
            class by class, sorted by name.
        given: Logits of a teacher that the file holds, or None.
        source: The flag that named the file: data, validation_data or test_data.
    """

    inputs: Any
    labels: Int[np.ndarray, " N"] | None
    raw: Any
    rows: Int[np.ndarray, " N"]
    given: Float[np.ndarray, "N C"] | None = None
    source: str = "data"


class Content(NamedTuple):
    """What one file or folder holds.

    Attributes:
        path: As it was given.
        parts: Its rows, those that are of no other part as "train".
        classes: The names of its classes, [] without labels.
        digest: Of all that was read.
        columns: Of a table, those that become inputs.
    """

    path: str
    parts: dict[str, Part]
    classes: list[str]
    digest: str
    columns: tuple[str, ...] = ()


class Reader(NamedTuple):
    """How one kind of file is read.

    Attributes:
        kind: Its name in `Problem`.
        settings: The flags that are of this kind alone.
        read: (settings, path, first, say) -> Content; first: whether it is --data; say: called with
            each line that a person would want to know.
        agree: (data, other) -> other, fit to be a part beside data; InputError if it cannot be.
        encode: (content, parts, rows of "train" to fit on, say) -> (parts with inputs,
            preprocessing).
    """

    kind: str
    settings: tuple[str, ...]
    read: Callable
    agree: Callable
    encode: Callable


def whole(raw: Any, labels: Any, given: Any = None, *, inputs: Any = None, first: int = 0) -> Part:
    """The Part of all rows of a file.

    Args:
        raw: As in `Part`; the inputs too, unless these are given.
        labels: As in `Part`.
        given: As in `Part`.
        inputs: As in `Part`.
        first: The number of the first row.
    """
    rows = np.arange(first, first + len(raw))
    return Part(raw if inputs is None else inputs, labels, raw, rows, given)


def take(part: Part, rows: Int[np.ndarray, " R"]) -> Part:
    """Some rows of a Part.

    Args:
        part: Of all.
        rows: Their positions in it.
    """

    def taken(values):
        if values is None:
            return None
        return values[rows] if isinstance(values, np.ndarray) else values.take(rows)

    inputs, raw = taken(part.inputs), part.raw
    raw = inputs if raw is part.inputs else taken(raw)  # images are there once
    return Part(inputs, taken(part.labels), raw, part.rows[rows], taken(part.given), part.source)


def drawn(part: Part, absent: list[str], settings: Any) -> dict[str, Int[np.ndarray, " R"]]:
    """The rows of "train" and of the absent parts, drawn of each class alike.

    Args:
        part: What they are drawn from.
        absent: Parts that no file gives.
        settings: With `split`, of which the fractions of absent parts and of "train" count, in
            proportion, and with them what their sum lacks of 1; and `base_seed`.

    Raises:
        InputError: The fractions are none, or a part has no row.
    """
    count = len(part.rows)
    if not absent:
        return {"train": np.arange(count)}
    labels = np.zeros(count, np.int32) if part.labels is None else part.labels
    seed = keys.number(settings.base_seed, "draw", "parts")
    subsets.stratified(labels[:1], settings.split)  # checks all three before any is left out
    shares = [
        share if name in ("train", *absent) else 0.0 for name, share in zip(NAMES, settings.split)
    ]
    of_all = sum(shares) + max(0.0, 1 - sum(settings.split))  # with the rows that are left out
    rows = subsets.stratified(labels, [share / of_all for share in shares], seed)
    found = {name: own for name, own in zip(NAMES, rows) if name in ("train", *absent)}
    for name, own in found.items():
        split = ",".join(f"{share:g}" for share in settings.split)
        require(
            len(own),
            f"--split={split} leaves no row of {count} for {name}: expected some in every part; "
            "give more rows, other fractions" + (f" or --{name}_data" if name != "train" else ""),
        )
    return found


def relabelled(data: Content, other: Content) -> Part:
    """The rows of another file with labels as positions in the classes of --data.

    Args:
        data: Whose classes count.
        other: Whose labels are positions in its own.

    Raises:
        InputError: One has labels and the other has none, or a label is no class of --data.
    """
    part = other.parts["train"]
    with_, without = (data, other) if data.classes else (other, data)
    require(
        bool(data.classes) == bool(other.classes),
        f"{with_.path} has labels and {without.path} has none: expected both or neither",
    )
    if part.labels is None:
        return part
    for name in other.classes:
        if name not in data.classes:
            row = int(part.rows[np.flatnonzero(part.labels == other.classes.index(name))[0]])
            raise InputError(
                f"{other.path}: the label {shown(name)} of row {row + 1} is no class of "
                f"{data.path}; {near(name, data.classes, 'classes')} (write labels alike)"
            )
    places = np.array([data.classes.index(name) for name in other.classes], np.int32)
    return part._replace(labels=places[part.labels])


def lacking(parts: dict[str, Part], classes: list[str]) -> list[str]:
    """A line for each part without a row of some classes.

    Args:
        parts: By name.
        classes: Their names.
    """
    lines = []
    for name, part in parts.items():
        if part.labels is not None:
            counts = np.bincount(part.labels, minlength=len(classes))
            lost = [each for each, count in zip(classes, counts) if not count]
            if lost:
                lines.append(f"{name} has no rows of the classes {some(lost)}")
    return lines


def repeated(parts: dict[str, Part]) -> list[str]:
    """A line for each part of which more than a hundredth was trained on too.

    Args:
        parts: By name.
    """
    if not all(isinstance(part.inputs, np.ndarray) for part in parts.values()):
        return []  # of rows that are left on disk
    train, lines = set(_hashes(parts["train"])), []
    for name in NAMES[1:]:
        again = sum(each in train for each in _hashes(parts[name]))
        if again > len(parts[name].rows) / 100:
            of = len(parts[name].rows)
            whose = name if parts[name].source == "data" else f"--{name}_data"
            lines.append(equal_texts.learned_line(whose, again, of, "row"))
    return lines


def _hashes(part):
    """A number for each row and its label."""
    labels = np.zeros(len(part.inputs)) if part.labels is None else part.labels
    return [hash((row.tobytes(), int(label))) for row, label in zip(part.inputs, labels)]
