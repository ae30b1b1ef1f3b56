"""Curves and records for TensorBoard and Weights & Biases, where --log asks for them.

Each training is a scalar for every curve and epoch, the mean over its members; each record is a
scalar for every number in it, at the step of its seed.
"""

import numbers
import os
import pathlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kd_jax.errors import extra, require_extra

Scalars = Iterable[tuple[str, float, int]]  # (tag, value, step) of each


def tensorboard(folder: pathlib.Path, settings: Mapping[str, Any]) -> Callable[[Scalars], None]:
    """What writes scalars to event files, which lie in the folder "events" of the run.

    Args:
        folder: of the run.
        settings: of the run, which event files do not keep.
    """
    with extra("log"):  # here, as most runs want none
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.summary import scalar

    # not a SummaryWriter: that one writes in a thread, and what it has not written at the end
    # is lost
    writer = EventsWriter(str(folder / "events"))

    def write(scalars):
        for tag, value, step in scalars:
            event = Event(wall_time=time.time(), step=step, summary=scalar(tag, value))
            writer.write_event(event)
        writer.flush()

    return write


def wandb(folder: pathlib.Path, settings: Mapping[str, Any]) -> Callable[[Scalars], None]:
    """What sends scalars to Weights & Biases, as the run NAME/ID of the project kd_jax.

    The package's own variables say who and how: WANDB_PROJECT, WANDB_MODE=offline and so on.

    Args:
        folder: of the run, runs/NAME/ID, in which the package keeps its files; a run that goes on
            goes on there too.
        settings: of the run.
    """
    with extra("log"):
        import wandb as package

    name = f"{folder.parent.name}/{folder.name}"
    run = package.init(
        project=os.environ.get("WANDB_PROJECT", "kd_jax"), dir=str(folder), config=dict(settings),
        name=name, id=name.replace("/", "-"), resume="allow",
    )  # fmt: skip
    run.define_metric("*", step_metric="step")  # epochs of several trainings: not one clock

    def write(scalars):
        for tag, value, step in scalars:
            run.log({tag: value, "step": step})

    return write


WRITERS = {"tensorboard": tensorboard, "wandb": wandb}  # the values of --log


def check(names: Iterable[str]) -> None:
    """Raise InputError unless the packages are installed that such writers need."""
    for name in names:
        require_extra("log", {"tensorboard": "tensorboardX", "wandb": "wandb"}[name])


class Events:
    """What a run tells while it goes on.

    Args:
        folder: of the run.
        names: of WRITERS.
        settings: of the run.
    """

    def __init__(
        self, folder: str | os.PathLike, names: Sequence[str], settings: Mapping[str, Any]
    ):
        self.writers = [WRITERS[name](pathlib.Path(folder), settings) for name in names]

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
        scalars = [(tag, float(np.mean(value)), int(step)) for tag, value, step in found]
        for write in self.writers:
            write(scalars)


def _place(record):
    teacher = [f"teacher {record['teacher_seed']}"] if record.get("teacher_seed") else []
    return "/".join([*(str(record[x]) for x in ("part", "row") if x in record), *teacher])
