"""Which teacher? Parts of papers on the choice of a teacher, on MNIST."""

import functools
from collections.abc import Callable, Iterator

from experiments.teacher_choice import (
    born_again,
    common,
    ensemble,
    few_labels,
    patience,
    scaling,
    size,
    smoothing,
    transfer_set,
)
from experiments.teacher_choice import rows as named
from experiments.teacher_choice.common import Place
from experiments.teacher_choice.config import Config
from kd_jax.storage import run_folder


def whole(train: Callable) -> Callable[[Place], Iterator[tuple]]:
    """The units of a part of which all students of a teacher are one."""
    return lambda place: iter([({}, functools.partial(train, place))])


UNITS: dict[str, Callable[[Place], Iterator[tuple]]] = {
    named.SIZE: whole(size.train),
    named.SMOOTHING: whole(smoothing.train),
    named.BORN_AGAIN: whole(born_again.train),
    named.TRANSFER_SET: transfer_set.units,
    named.FEW_LABELS: whole(few_labels.train),
    named.ENSEMBLE_PART: whole(ensemble.train),
    named.PATIENCE: patience.units,
    named.SCALING: scaling.units,
}


def units(config: Config, data, run: run_folder.Run) -> Iterator[tuple]:
    """The units of work of the parts that are wanted."""
    for part in named.PARTS if config.part == "all" else [config.part]:
        count = config.born_again_chains if part == named.BORN_AGAIN else config.teachers
        for teacher in range(count):
            for known, work in UNITS[part](Place(config, data, run, teacher)):
                yield {"part": part, "teacher_seed": teacher, **known}, work


def run(config: Config, run: run_folder.Run) -> None:
    """Train the teachers of each part, or restore them, and their students; record them."""
    data = common.digits(config)
    run.uses(data=data.digest)
    run.each(units(config, data, run), workers=config.workers)
