"""Small students of teachers of several sizes, of one stopped early, and through an assistant."""

from collections.abc import Iterator

from experiments.teacher_choice import common
from experiments.teacher_choice import rows as named
from experiments.teacher_choice.common import Place
from kd_jax.distill import assistants, students, teachers
from kd_jax.distill.students import Arm


def taught_by(place: Place) -> Iterator[tuple[teachers.Teachers, list[Arm]]]:
    """Each teacher, and the arms of its students; they differ from their teachers by width alone.

    One that is stopped early begins like the whole training and has its learning rate fall to zero
    within its own epochs.
    """
    config, data = place.config, place.data
    widest = max(config.teacher_widths)
    wanted = [
        (width, config.teacher_epochs, named.of_units(width)) for width in config.teacher_widths
    ]
    wanted += [(widest, epochs, named.stopped(widest, epochs)) for epochs in config.early_epochs]
    whole = None
    for width, epochs, source in wanted:
        teacher = common.of_labels(place, f"teacher of {source}", width, epochs, data)
        whole = teacher if source == named.of_units(widest) else whole
        yield teacher, arms_of(source, teacher.row, config.size_temperatures)
    assert whole
    through = named.through(widest, config.assistant_width)
    for arm in arms_of(through, whole.row, config.size_temperatures):
        assistant = assistant_of(place, whole, arm)
        yield assistant, [arm._replace(teacher=assistant.row)]


def arms_of(source: str, teacher: str, temperatures) -> list[Arm]:
    """The arms of the students of a source, one for each temperature."""
    return students.arms(named.of_source(source), temperatures, weight=1.0, teacher=teacher)


def assistant_of(place: Place, teacher: teachers.Teachers, arm: Arm) -> teachers.Teachers:
    """An assistant that learns from a teacher at the temperature of its own student.

    Source: Mirzadeh et al. 2019, arXiv 1902.03393, section 3.
    """
    config, order = place.config, place.key("assistant", "order")
    rows = len(place.data.train.labels)
    of = common.recipe(config, config.assistant_width, rows, config.teacher_epochs, order)
    row = f"assistant of {config.assistant_width} units, T={arm.temperature:g}"
    logits, key = common.outputs(teacher)["train"], place.key("assistant")
    return assistants.one(row, of, arm, key, place.data, logits, place.run, seed=place.teacher)


def train(place: Place, task) -> list[dict]:
    """The records of one teacher's seed: teachers of every kind, and their students."""
    config, found, wanted, taught = place.config, [], [], {}
    for teacher, arms in taught_by(place):
        taught[teacher.row] = common.outputs(teacher)
        wanted += arms
        found += common.of_teacher(place, teacher, task, students=[arm.row for arm in arms])
    widest = f"teacher of {named.of_units(max(config.teacher_widths))}"
    arms = [common.labels_only(teacher=widest), *wanted]
    rows, order = len(place.data.train.labels), place.key("student", "order")
    of = common.recipe(config, config.size_student_width, rows, config.epochs, order)
    return found + common.trained(place, of, arms, taught, task)
