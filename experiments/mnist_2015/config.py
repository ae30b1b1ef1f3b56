"""Settings of the 2015 paper's section on MNIST."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import at_least, within
from kd_jax.experiment import place, setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """Settings of the 2015 paper's section on MNIST."""

    mnist_5k: bool = setting(False, "the 5,000 digits that ship with kd_jax in place of MNIST")
    teacher_width: int = setting(1200, "units in each hidden layer of the teacher", at_least(1))
    teacher_epochs: int = setting(60, "epochs of the teacher", at_least(1))
    dropout: float = setting(0.25, "fraction of the teacher's hidden units dropped", within(0, 1))
    input_dropout: float = setting(0.0, "fraction of its pixels dropped", within(0, 1))
    width: int = setting(800, "units in each hidden layer of the students", at_least(1))
    student_epochs: int = setting(
        12, "epochs of the students; twice that on 7 and 8 alone", at_least(1)
    )
    wide: int = setting(300, "units of the wide students of the temperature sweep", at_least(1))
    narrow: int = setting(30, "units of the narrow ones", at_least(1))
    sweep_epochs: int = setting(10, "epochs of the students of the sweep", at_least(1))
    workers: int = place(2, "students trained side by side", at_least(1))

    PRESETS = {
        "default": {},
        "paper": {
            "teacher_epochs": 500, "dropout": 0.5, "input_dropout": 0.2, "student_epochs": 60,
            "sweep_epochs": 60, "workers": 1,
        },
        "smoke": {
            "fast_compile": True, "seeds": 2, "mnist_5k": True, "teacher_width": 64,
            "teacher_epochs": 3, "width": 32, "student_epochs": 2, "wide": 20, "narrow": 5,
            "sweep_epochs": 2,
        },
    }  # fmt: skip
