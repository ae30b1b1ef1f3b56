"""What kd.read_data called training rows in this process: a teacher's file learns from them.

A teacher that was fitted on rows which the command validates or tests on looks better there than it
is. Its file parts the data with kd.read_data, and may do so by another split than the command.
"""

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from kd_jax.command.parts import Part


class Read(NamedTuple):
    """The training rows of a call of kd.read_data: their file, and their numbers in it."""

    path: str
    rows: Int[np.ndarray, " N"]


REMEMBERED: list[Read] = []  # of all calls of this process, in their order


def remember(path: str, train: Part) -> None:
    """Remember the training rows of a call.

    Args:
        path: Of the data.
        train: Its training rows.
    """
    REMEMBERED.append(Read(_whole(path), train.rows))


def among(reads: Iterable[Read], part: Part, paths: Mapping[str, str]) -> int:
    """How many rows of a part were training rows of some calls.

    Args:
        reads: The calls.
        part: Of a problem.
        paths: {source of a part: the path of its file}.
    """
    path = _whole(paths.get(part.source, ""))
    found = [read.rows for read in reads if read.path == path]
    return int(np.isin(part.rows, np.concatenate(found)).sum()) if found else 0


def _whole(path):
    return os.path.realpath(os.path.expanduser(path)) if path else ""
