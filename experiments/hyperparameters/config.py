"""Settings of the experiment on hyperparameters."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct, is_temperature, require
from kd_jax.experiment import place, setting


def share(name: str, value: float) -> None:
    """The check of a part of the loss."""
    require(0 <= value <= 1, f"--{name}={value:g}: expected from 0 to 1")


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of the experiment on hyperparameters."""

    teachers: int = setting(
        10, "teachers, each of its own seed and with students of its own", at_least(1)
    )
    seeds: int = setting(1, "students per row of each teacher, each of its own seed", at_least(1))
    learning_rates: tuple[float, ...] = setting(
        (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
        "peak learning rates of the students, of which validation chooses one for each weight",
        distinct(above_0),
    )
    label_weights: tuple[float, ...] = setting(
        (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0),
        "weights w of the labels, 0, 1 and some between; soft targets have 1 − w", distinct(share),
    )  # fmt: skip
    temperature: float = setting(
        16.0, "temperature of the soft targets, that which the quickstart chose", is_temperature
    )
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
    workers: int = place(2, "trainings side by side; each keeps about one core busy", at_least(1))

    def validate(self) -> None:
        """Labels only, soft targets alone and mixtures are among the rows."""
        given = ",".join(f"{w:g}" for w in self.label_weights)
        wanted = "expected 0 (soft targets), 1 (labels only) and weights between them"
        require({0, 1} < set(self.label_weights), f"--label_weights={given}: {wanted}")

    PRESETS = {
        "default": {},
        "smoke": {
            "fast_compile": True, "teachers": 2, "learning_rates": (3e-3, 1e-2),
            "label_weights": (0.0, 0.5, 1.0), "teacher_width": 100, "teacher_epochs": 10,
            "student_width": 20, "student_epochs": 3, "workers": 1,
        },
    }  # fmt: skip
