"""Settings of the equations of Hinton, Vinyals and Dean 2015."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import at_least
from kd_jax.experiment import setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """Settings of the equations."""

    members: int = setting(10, "teachers in the ensemble", at_least(1))
    teacher_width: int = setting(200, "units in each of their two hidden layers", at_least(1))
    teacher_epochs: int = setting(30, "epochs of the teachers", at_least(1))
    student_epochs: int = setting(30, "epochs of the students", at_least(1))

    PRESETS = {
        "default": {},
        "smoke": {
            "fast_compile": True, "seeds": 2, "members": 3, "teacher_width": 20,
            "teacher_epochs": 2, "student_epochs": 2,
        },
    }  # fmt: skip
