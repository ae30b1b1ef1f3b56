"""Students of several widths and amounts of images, of three teachers: their losses by size."""

import functools
from collections.abc import Callable, Iterator

from experiments.teacher_choice import common
from experiments.teacher_choice import rows as named
from experiments.teacher_choice.common import Place
from kd_jax.distill import teachers
from kd_jax.distill.students import Arm
from kd_jax.metrics import examples
from kd_jax.runtime import parallel

TEACHERS = 3  # the widest of those of the part on size, which are trained or restored


def teachers_of(place: Place) -> dict[int, teachers.Teachers]:
    """{width: a teacher that learned from all images}."""
    config = place.config
    return {
        width: common.of_labels(
            place, f"teacher of {named.of_units(width)}", width, config.teacher_epochs, place.data
        )
        for width in sorted(config.teacher_widths)[-TEACHERS:]
    }


def record_teachers(place: Place, taught: Callable[[], dict], task) -> list[dict]:
    """The records of the teachers."""
    found = taught().values()
    return [r for teacher in found for r in common.of_teacher(place, teacher, task)]


def train(place: Place, taught: Callable[[], dict], width: int, amount: int, task) -> list[dict]:
    """The records of the students of a width and an amount: of labels, and of teachers at T = 1.

    Source: Busbridge et al. 2025, arXiv 2502.08606, section 4.
    """
    config, train = place.config, place.data.train
    rows, order = place.rows(train.labels, amount, "amount"), place.key("student", "order")
    said = {str(number): common.outputs(one) for number, one in taught().items()}
    few = {name: {**of, "train": of["train"][rows]} for name, of in said.items()}
    soft = [
        Arm(named.of_source(named.of_units(int(name))), weight=1.0, teacher=name) for name in said
    ]
    *_, widest = said
    arms = [common.labels_only(teacher=widest), *soft]
    of = common.recipe(config, width, len(rows), config.epochs, order)
    found = common.trained(place, of, arms, few, task, split=common.taken(train, rows))
    bits = f"test_{examples.RIGHT}"  # losses are what is compared
    return [{name: x for name, x in r.items() if name != bits} for r in found]


def units(place: Place) -> Iterator[tuple]:
    """The teachers, and the students of each width and amount, those that take longest first."""
    taught, config = parallel.once(functools.partial(teachers_of, place)), place.config
    yield {"width": 0, "amount": 0}, functools.partial(record_teachers, place, taught)
    for amount in sorted(config.scaling_images, reverse=True):
        for width in sorted(config.scaling_widths, reverse=True):
            work = functools.partial(train, place, taught, width, amount)
            yield {"width": width, "amount": amount}, work
