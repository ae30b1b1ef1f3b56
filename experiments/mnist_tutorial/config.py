"""Settings of the Harvard tutorial on MNIST."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import above_0, at_least, one_of, within
from kd_jax.experiment import setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of the Harvard tutorial on MNIST; its rows' temperatures and weights stay."""

    teachers: int = setting(5, "teachers, each with students of its own", at_least(1))
    seeds: int = setting(2, "students per row of each teacher, each of its own seed", at_least(1))
    part: str = setting("all", "which part: 1, 2a, 2b or all", one_of("all", "1", "2a", "2b"))
    mnist_5k: bool = setting(False, "the 5,000 digits that ship with kd_jax in place of MNIST")
    held_out: int = setting(
        500, "training digits of each class, a tenth of a small one, to choose a bias on",
        at_least(1),
    )  # fmt: skip
    smoothing: float = setting(0.1, "label smoothing of a row without a teacher", within(0, 1))
    # the teachers
    teacher_width: int = setting(1200, "units per hidden layer of the dense teacher", at_least(1))
    dense_epochs: int = setting(20, "epochs of the dense teacher", at_least(1))
    dense_batch_size: int = setting(100, "images in a step of the dense teacher", at_least(1))
    dense_learning_rate: float = setting(1e-4, "learning rate of the dense teacher", above_0)
    cnn_channels: int = setting(128, "channels of the CNN teacher's two convolutions", at_least(1))
    cnn_epochs: int = setting(20, "epochs of the CNN teacher", at_least(1))
    cnn_batch_size: int = setting(128, "images in a step of both CNN teachers", at_least(1))
    cnn_learning_rate: float = setting(5e-4, "learning rate of the CNN teacher", above_0)
    cnn_2d_epochs: int = setting(5, "epochs of the 2-D CNN teacher, a row of ours", at_least(1))
    cnn_2d_learning_rate: float = setting(1e-3, "learning rate of the 2-D CNN teacher", above_0)
    # the students
    student_epochs: int = setting(
        50, "epochs of the students; twice that for part 2b's soft targets", at_least(1)
    )
    student_batch_size: int = setting(128, "images in a step of the students", at_least(1))
    student_learning_rate: float = setting(1e-3, "learning rate of the students", above_0)

    PRESETS = {
        "default": {},
        "paper": {},  # nothing is shortened by default
        "smoke": {
            "fast_compile": True, "teachers": 2, "seeds": 1, "part": "2a", "mnist_5k": True,
            "teacher_width": 100, "cnn_channels": 16, "dense_epochs": 5, "cnn_epochs": 1,
            "cnn_2d_epochs": 1, "student_epochs": 3,
        },
    }  # fmt: skip
