"""Settings of McCaffrey's teacher-student demo."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct, require, within
from kd_jax.experiment import place, setting

PERSON = "-1,0.36,1,0,0,0.445"  # whom the demo predicts


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of McCaffrey's teacher-student demo; the replay has those of the published run."""

    seeds: int = setting(1, "students per row of each teacher", at_least(1))
    teachers: int = setting(20, "teachers, each with its own students", at_least(1))
    teacher_width: int = setting(
        100, "units in each of the teacher's two hidden layers", at_least(1)
    )
    teacher_learning_rate: float = setting(0.005, "of the teacher's gradient descent", above_0)
    teacher_epochs: int = setting(2000, "epochs of the teacher", at_least(1))
    student_width: int = setting(8, "units in the students' hidden layer", at_least(1))
    student_widths: tuple[int, ...] = setting(
        (4, 8, 16, 32, 100), "units of the students whose widths are compared",
        distinct(at_least(1)),
    )  # fmt: skip
    student_learning_rate: float = setting(0.01, "of the students' gradient descent", above_0)
    student_epochs: int = setting(1200, "epochs of the students", at_least(1))
    tuning_learning_rate: float = setting(0.001, "of the fine-tuning", above_0)
    tuning_epochs: int = setting(8, "epochs of the fine-tuning", at_least(1))
    batch_size: int = setting(10, "of the 200 training rows in a batch", within(1, 201))
    replay: bool = setting(
        False, "reproduce the published run from its seed and its settings, and stop"
    )
    predict: str = place(
        "", f'train one teacher and print class probabilities of one person, like "{PERSON}"'
    )

    PRESETS = {
        "default": {},
        "smoke": {
            "fast_compile": True,
            "teachers": 2,
            "teacher_epochs": 50,
            "student_epochs": 50,
            "student_widths": (4, 8),
        },
    }

    def validate(self):
        """Raise InputError unless `predict` is a person and `replay` is not asked for as well."""
        if self.predict:
            from kd_jax.data import people  # here, as --help needs no package

            people.parse_person(self.predict, "--predict")
            require(not self.replay, "--predict and --replay: choose one of them")
