"""TensorBoard event files in the run folder, where --tensorboard asks for them.

Each training is a scalar for every curve and epoch, the mean over its members; each record is a
scalar for every number in it, at the step of its seed.
"""

import numbers
import os
import pathlib
import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from kd_jax.errors import extra

_wanted: list[bool] = []  # --tensorboard of this process
_writers: list[Any] = []  # of its newest run


def use(wanted: bool) -> None:
    """Write events from now on, or not."""
    _wanted[:] = [True] if wanted else []
    _writers.clear()


def begin(folder: str | os.PathLike) -> None:
    """Write the events of this process into a run folder from now on, if they are wanted."""
    if _wanted:
        with extra("report"):  # here, as most runs want none
            from tensorboardX.event_file_writer import EventsWriter

        # not a SummaryWriter: that one writes in a thread, and what it has not written at the end
        # is lost
        _writers[:] = [EventsWriter(str(pathlib.Path(folder) / "events"))]


def of_training(label: str, curves: Mapping[str, np.ndarray], first: int, last: int) -> None:
    """Write the curves of a training as '<label>/<name>'.

    Args:
        label: of the training.
        curves: {name: [E, …]}.
        first: the first epoch to write, counted from 0.
        last: the epoch before which to stop.
    """
    _write(
        (f"{label}/{name}", curve[epoch], epoch + 1)
        for name, curve in curves.items()
        for epoch in range(first, last)
    )


def of_records(records: Iterable[Mapping[str, Any]]) -> None:
    """Write the numbers of records as 'row/metric', or 'part/row/metric', at step = seed."""
    _write(
        ("/".join(str(r[x]) for x in ("part", "row") if x in r) + f"/{name}", value, r["seed"])
        for r in records
        if "seed" in r
        for name, value in r.items()
        if isinstance(value, numbers.Real) and name != "seed"
    )


def _write(found):
    """Write (tag, number or numbers, step) of each: numbers as their mean."""
    for writer in _writers:
        with extra("report"):
            from tensorboardX.proto.event_pb2 import Event
            from tensorboardX.summary import scalar

        for tag, value, step in found:
            summary = scalar(tag, float(np.mean(value)))
            writer.write_event(Event(wall_time=time.time(), step=int(step), summary=summary))
        writer.flush()
