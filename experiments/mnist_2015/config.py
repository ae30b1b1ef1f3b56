"""Settings of the 2015 paper's section on MNIST."""

import dataclasses

from experiments.mnist_2015.rows import PARTS
from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct, is_temperature, one_of, require, within
from kd_jax.experiment import place, setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of the 2015 paper's section on MNIST."""

    teachers: int = setting(
        5, "teachers, each of its own seed and with students of its own", at_least(1)
    )
    seeds: int = setting(2, "students per row of each teacher, each of its own seed", at_least(1))
    parts: tuple[str, ...] = setting(
        ("all", "no_3", "7_and_8"), f"of {', '.join(PARTS)}", one_of(*PARTS)
    )
    mnist_5k: bool = setting(False, "the 5,000 digits that ship with kd_jax in place of MNIST")
    temperature: float = setting(
        20.0, "temperature of the students outside the sweep", is_temperature
    )
    smoothing: float = setting(0.1, "label smoothing of the row without a teacher", within(0, 1))
    margin: float = setting(
        20.0,
        "test errors of 10,000 that make no difference: an interval within is EQUIVALENT",
        within(0, 1000),
    )
    held_out: int = setting(
        500,
        "training digits of each class, a tenth of a small one, to choose a bias or T on",
        at_least(1),
    )
    # the teacher
    teacher_width: int = setting(1200, "units in each hidden layer of the teacher", at_least(1))
    teacher_epochs: int = setting(60, "epochs of the teacher", at_least(1))
    teacher_batch_size: int = setting(128, "images in a step of the teacher", at_least(1))
    teacher_learning_rate: float = setting(1e-3, "peak learning rate of the teacher", above_0)
    dropout: float = setting(0.25, "fraction of the teacher's hidden units dropped", within(0, 1))
    input_dropout: float = setting(0.0, "fraction of its pixels dropped", within(0, 1))
    squared_norm: float = setting(
        15.0, "largest squared norm of the weights of a unit of the teacher", above_0
    )
    # its students
    width: int = setting(800, "units in each hidden layer of the students", at_least(1))
    student_epochs: int = setting(
        12, "epochs of the students; twice that on 7 and 8 alone", at_least(1)
    )
    lengths: tuple[int, ...] = setting(
        (), "epochs of further students of augmented images, each two rows"
    )
    student_batch_size: int = setting(128, "images in a step of the students", at_least(1))
    student_learning_rate: float = setting(1e-3, "peak learning rate of the students", above_0)
    # the temperature sweep
    wide: int = setting(300, "units of the wide students of the temperature sweep", at_least(1))
    wide_temperatures: tuple[float, ...] = setting(
        (1.0, 3.0, 8.0, 20.0, 40.0), "temperatures of the wide students", distinct(is_temperature)
    )
    narrow: int = setting(30, "units of the narrow ones", at_least(1))
    narrow_temperatures: tuple[float, ...] = setting(
        (1.0, 2.0, 2.5, 3.0, 4.0, 8.0, 20.0),
        "temperatures of the narrow ones",
        distinct(is_temperature),
    )
    wide_epochs: int = setting(10, "epochs of the wide students of the sweep", at_least(1))
    narrow_epochs: int = setting(40, "epochs of the narrow ones", at_least(1))
    narrow_learning_rates: tuple[float, ...] = setting(
        (1e-3, 2e-3, 4e-3, 8e-3),
        "their peak learning rates, of which validation chooses one for each temperature",
        distinct(above_0),
    )
    workers: int = place(2, "students trained side by side", at_least(1))

    def validate(self) -> None:
        """The widths of the sweep differ, and there is a part."""
        if self.lengths:
            distinct(at_least(1))("lengths", self.lengths)
        require(self.parts, f"--parts names none: expected some of {', '.join(PARTS)}")
        require(self.wide != self.narrow, f"--wide={self.wide} --narrow={self.wide}: the same")

    PRESETS = {
        "default": {},
        "wide": {"parts": ("wide",)},
        "narrow": {"parts": ("narrow",)},
        "long": {  # how much of the way to the teacher students go as they train for longer
            "parts": ("all",), "teachers": 3, "seeds": 1, "teacher_epochs": 200, "dropout": 0.5,
            "input_dropout": 0.2, "lengths": (60, 200),
        },
        "paper": {
            "parts": tuple(PARTS), "teacher_epochs": 500, "dropout": 0.5, "input_dropout": 0.2,
            "student_epochs": 60, "lengths": (200,), "wide_epochs": 60, "narrow_epochs": 60,
            "workers": 1,
        },
        "smoke": {
            "fast_compile": True, "parts": tuple(PARTS), "teachers": 1, "seeds": 1,
            "mnist_5k": True, "teacher_width": 64,
            "teacher_epochs": 3, "width": 32, "student_epochs": 1, "wide": 20, "narrow": 5,
            "wide_epochs": 1, "narrow_epochs": 1, "narrow_learning_rates": (1e-3, 4e-3),
        },
    }  # fmt: skip
