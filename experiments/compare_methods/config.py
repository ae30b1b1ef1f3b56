"""Settings of the comparison of methods."""

import dataclasses

from experiments.compare_methods.rows import PAIRS
from kd_jax import experiment
from kd_jax.errors import at_least, one_of
from kd_jax.experiment import place, setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """Settings of the comparison of methods."""

    pairs: tuple[str, ...] = setting(("mnist", "fashion"), f"of {', '.join(PAIRS)}", one_of(*PAIRS))
    teacher_epochs: int = setting(8, "epochs of the teacher; ×20 on 1,000 labels", at_least(1))
    student_epochs: int = setting(
        10, "epochs of the students; half on MNIST, with ten times the rows", at_least(1)
    )
    workers: int = place(2, "trainings at a time; each keeps about one core busy", at_least(1))

    PRESETS = {
        "default": {},
        "quick": {"pairs": ("digits",), "student_epochs": 20},
        "cifar100": {
            "pairs": ("cifar100", "cifar100x4"),
            "teacher_epochs": 240,
            "student_epochs": 240,
            "workers": 1,
        },
        "smoke": {"pairs": ("digits",), "seeds": 2, "teacher_epochs": 2, "student_epochs": 2},
    }
