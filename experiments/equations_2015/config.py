"""Settings of the equations of Hinton, Vinyals and Dean 2015."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct, is_temperature, within
from kd_jax.experiment import setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of the equations."""

    teachers: int = setting(1, "ensembles, each with students of its own", at_least(1))
    # the gradients
    draws: int = setting(1000, "random logits of each seed", at_least(1))
    gradient_temperatures: tuple[float, ...] = setting(
        (1.0, 5.0, 20.0, 50.0, 100.0, 1000.0),
        "temperatures of the gradients",
        distinct(is_temperature),
    )
    # the trainings
    temperatures: tuple[float, ...] = setting(
        (1.0, 5.0, 20.0, 100.0), "temperatures beside logit matching", distinct(is_temperature)
    )
    mean_temperature: float = setting(
        2.0, "temperature of the students of the arithmetic and the geometric mean", is_temperature
    )
    members: int = setting(10, "teachers in the ensemble", at_least(1))
    margin: float = setting(
        15.0,
        "test errors of 1,500 that make no difference: an interval within is EQUIVALENT",
        within(0, 1000),
    )
    teacher_width: int = setting(200, "units in each of their two hidden layers", at_least(1))
    teacher_epochs: int = setting(30, "epochs of the teachers", at_least(1))
    teacher_batch_size: int = setting(100, "images in a step of the teachers", at_least(1))
    teacher_learning_rate: float = setting(3e-3, "peak learning rate of the teachers", above_0)
    student_epochs: int = setting(30, "epochs of the students", at_least(1))
    student_batch_size: int = setting(50, "images in a step of the students", at_least(1))
    student_learning_rate: float = setting(3e-3, "peak learning rate of the students", above_0)

    PRESETS = {
        "default": {},
        "smoke": {
            "fast_compile": True, "seeds": 2, "members": 3, "teacher_width": 20,
            "teacher_epochs": 2, "student_epochs": 2,
        },
    }  # fmt: skip
