"""Students of teachers that learned from labels as they are, or from smoothed ones."""

from experiments.teacher_choice import common
from experiments.teacher_choice import rows as named
from experiments.teacher_choice.common import Place
from kd_jax.data import augment
from kd_jax.distill import assistants, students, teachers
from kd_jax.distill.students import Arm


def fewer(place: Place) -> Place:
    """The place with --images of the training images, drawn for its teacher."""
    train = place.data.train
    drawn = common.taken(train, place.rows(train.labels, place.config.images, "images"))
    return place._replace(data=place.data._replace(train=drawn))


def jittered(place: Place, smoothing: float = 0.0, row: str = "") -> teachers.Teachers:
    """A wide teacher of images moved by up to 2 pixels, of the same start whatever the smoothing.

    Args:
        place: With the images that it learns from.
        smoothing: Of its labels.
        row: Its name; by default it tells the smoothing.
    """
    config, order = place.config, place.key("teacher", "order")
    rows = len(place.data.train.labels)
    of = common.recipe(config, config.width, rows, config.epochs, order, augment.jitter)
    arm = common.labels_only(smoothing=smoothing)
    return assistants.one(
        row or named.taught_with(smoothing),
        of,
        arm,
        place.key("teacher"),
        place.data,
        None,
        place.run,
        seed=place.teacher,
    )


def arms(place: Place) -> list[Arm]:
    """The students' arms, the baseline first."""
    config = place.config
    found = [
        common.labels_only(teacher=named.taught_with(0.0)),
        common.labels_only(
            row=named.smoothed(config.smoothing), smoothing=config.smoothing,
            teacher=named.taught_with(0.0),
        ),
    ]  # fmt: skip
    for smoothing in (0.0, config.smoothing):
        teacher = named.taught_with(smoothing)
        of = config.smoothing_temperatures
        found += students.arms(named.of_smoothing(smoothing), of, weight=1.0, teacher=teacher)
    return found


def train(place: Place, task) -> list[dict]:
    """The records of both teachers of a seed, and of their students."""
    place = fewer(place)
    config, wanted, found, taught = place.config, arms(place), [], {}
    for smoothing in (0.0, config.smoothing):
        teacher = jittered(place, smoothing)
        taught[teacher.row] = common.outputs(teacher)
        own = [arm.row for arm in wanted if arm.weight and arm.teacher == teacher.row]
        found += common.of_teacher(place, teacher, task, students=own)
    rows, order = len(place.data.train.labels), place.key("student", "order")
    of = common.recipe(config, config.smoothing_student_width, rows, config.epochs, order)
    return found + common.trained(place, of, wanted, taught, task)
