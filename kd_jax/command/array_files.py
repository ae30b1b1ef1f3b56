"""Arrays as problems: .npz files, and what holds of images too."""

from typing import Any

import numpy as np

from kd_jax import fingerprint
from kd_jax.command.parts import Content, Part, Reader, take, whole
from kd_jax.data import npz
from kd_jax.data.disk_rows import DiskRows
from kd_jax.distill import given_teachers
from kd_jax.errors import require


def read(settings: Any, path: str, first: bool, say: Any) -> Content:
    """The arrays of a .npz file; its `split` says which rows are of which part.

    Args:
        settings: With stream, which leaves the inputs on disk.
        path: Of the file.
        first: Whether it is --data.
        say: As in `Reader`.

    Raises:
        InputError: See npz.read.
    """
    found = npz.read(path, settings.stream)
    given = found.teacher_logits
    if found.teacher_probabilities is not None:
        name = f"of {path}"
        given = given_teachers.logits_of(name, found.teacher_probabilities, probabilities=True)
    every = whole(found.inputs, found.labels, given)
    parts = {"train": every}
    if found.split is not None:
        there = [name for name in npz.SPLITS if name in found.split]
        parts = {name: take(every, np.flatnonzero(found.split == name)) for name in there}
    arrays = {name: array for name, array in found._asdict().items() if array is not None}
    if isinstance(found.inputs, DiskRows):
        arrays["inputs"] = np.frombuffer(found.inputs.digest.encode(), np.uint8)
    return Content(path, parts, found.classes or [], fingerprint.arrays(arrays | {"classes": 0}))


def agree(data: Content, other: Content) -> Content:
    """The other arrays, if one is like one of --data.

    Args:
        data: Of --data.
        other: Of another file.

    Raises:
        InputError: Shape or type differ.
    """
    ours, theirs = (content.parts["train"].inputs for content in (data, other))
    same = ours.shape[1:] == theirs.shape[1:] and ours.dtype == theirs.dtype
    require(
        same,
        f"{other.path} has inputs {theirs.dtype} {list(theirs.shape[1:])} and {data.path} "
        f"{ours.dtype} {list(ours.shape[1:])}: expected the same",
    )
    return other


def encode(
    content: Content, parts: dict[str, Part], rows: Any, say: Any
) -> tuple[dict[str, Part], dict]:
    """The parts as they are; a network knows itself what new inputs must be.

    Args:
        content: Of --data.
        parts: By name.
        rows: Not needed.
        say: As in `Reader`.
    """
    return parts, {"kind": "arrays"}


READER = Reader("arrays", ("stream",), read, agree, encode)
