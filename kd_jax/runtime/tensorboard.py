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


class Events:
    """The event files of a run.

    Args:
        folder: of the run; they lie in its folder "events".
    """

    def __init__(self, folder: str | os.PathLike):
        with extra("report"):  # here, as most runs want none
            from tensorboardX.event_file_writer import EventsWriter

        # not a SummaryWriter: that one writes in a thread, and what it has not written at the end
        # is lost
        self.writer = EventsWriter(str(pathlib.Path(folder) / "events"))

    def of_training(
        self, label: str, curves: Mapping[str, np.ndarray], first: int, last: int
    ) -> None:
        """Write the curves of a training as '<label>/<name>'.

        Args:
            label: of the training.
            curves: {name: [E, …]}.
            first: the first epoch to write, counted from 0.
            last: the epoch before which to stop.
        """
        self._write(
            (f"{label}/{name}", curve[epoch], epoch + 1)
            for name, curve in curves.items()
            for epoch in range(first, last)
        )

    def of_records(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Write the numbers of records as 'row/metric', or 'part/row/metric', at step = seed.

        Those of teachers after the first one are 'row/teacher 1/metric', and so on.
        """
        self._write(
            (f"{_place(r)}/{name}", value, r["seed"])
            for r in records
            if "seed" in r
            for name, value in r.items()
            if isinstance(value, numbers.Real) and not name.endswith("seed")
        )

    def _write(self, found):
        """Write (tag, number or numbers, step) of each: numbers as their mean."""
        with extra("report"):
            from tensorboardX.proto.event_pb2 import Event
            from tensorboardX.summary import scalar

        for tag, value, step in found:
            summary = scalar(tag, float(np.mean(value)))
            event = Event(wall_time=time.time(), step=int(step), summary=summary)
            self.writer.write_event(event)
        self.writer.flush()


def _place(record):
    teacher = [f"teacher {record['teacher_seed']}"] if record.get("teacher_seed") else []
    return "/".join([*(str(record[x]) for x in ("part", "row") if x in record), *teacher])
