"""Settings of the quickstart."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct, is_temperature, within
from kd_jax.experiment import setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of the quickstart."""

    seeds: int = setting(10, "students per row, each of its own seed", at_least(1))
    temperatures: tuple[float, ...] = setting(
        (1.0, 4.0, 8.0, 16.0, 32.0), "temperatures of the students", distinct(is_temperature)
    )
    label_weight: float = setting(
        0.5, "weight of the labels beside the soft targets, as in section 4", within(0, 1000)
    )
    smoothing: float = setting(0.1, "label smoothing of the row without a teacher", within(0, 1))
    teacher_width: int = setting(
        800, "units in each of the teacher's two hidden layers", at_least(1)
    )
    teacher_epochs: int = setting(80, "epochs of the teacher", at_least(1))
    teacher_batch_size: int = setting(100, "images in a step of the teacher", at_least(1))
    teacher_learning_rate: float = setting(2e-3, "peak learning rate of the teacher", above_0)
    student_width: int = setting(
        100, "units in each of the students' two hidden layers", at_least(1)
    )
    student_epochs: int = setting(20, "epochs of the students", at_least(1))
    student_batch_size: int = setting(50, "images in a step of the students", at_least(1))
    student_learning_rate: float = setting(3e-3, "peak learning rate of the students", above_0)

    PRESETS = {
        "default": {},
        # of the temperature that the default preset chose at base seed 0
        "confirm": {"teachers": 10, "temperatures": (16.0,)},
        "smoke": {
            "fast_compile": True,
            "seeds": 2,
            "temperatures": (1.0, 3.0),
            "teacher_width": 100,
            "teacher_epochs": 10,
            "student_width": 20,
            "student_epochs": 10,
        },
    }
