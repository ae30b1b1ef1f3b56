"""Settings of the Harvard tutorial on MNIST."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import at_least, one_of
from kd_jax.experiment import setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """Settings of the Harvard tutorial on MNIST."""

    part: str = setting("all", "which part: 1, 2a, 2b or all", one_of("all", "1", "2a", "2b"))
    mnist_5k: bool = setting(False, "the 5,000 digits that ship with kd_jax in place of MNIST")
    teacher_width: int = setting(1200, "units per hidden layer of the dense teacher", at_least(1))
    cnn_channels: int = setting(128, "channels of the CNN teacher's two convolutions", at_least(1))
    dense_epochs: int = setting(20, "epochs of the dense teacher", at_least(1))
    cnn_epochs: int = setting(20, "epochs of the CNN teacher", at_least(1))
    cnn_2d_epochs: int = setting(5, "epochs of the 2-D CNN teacher, a row of ours", at_least(1))
    student_epochs: int = setting(
        50, "epochs of the students; twice that for part 2b's soft targets", at_least(1)
    )

    PRESETS = {
        "default": {},
        "paper": {},  # nothing is shortened by default
        "smoke": {
            "fast_compile": True, "seeds": 2, "mnist_5k": True, "teacher_width": 100,
            "cnn_channels": 16, "dense_epochs": 10, "cnn_epochs": 1, "cnn_2d_epochs": 1,
            "student_epochs": 5,
        },
    }  # fmt: skip
