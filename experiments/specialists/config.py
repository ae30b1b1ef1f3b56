"""Settings of generalist, specialists and students."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import at_least
from kd_jax.experiment import setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """Settings of generalist, specialists and students."""

    seeds: int = setting(8, "generalists, each with its specialists and students", at_least(1))
    width: int = setting(12, "units in each of the two hidden layers of every network", at_least(1))
    epochs: int = setting(40, "epochs of the generalist", at_least(1))
    specialists: int = setting(20, "how many specialists", at_least(1))
    special_classes: int = setting(10, "special classes of each", at_least(1))
    special_epochs: int = setting(15, "epochs of the specialists over their classes", at_least(1))
    student_epochs: int = setting(40, "epochs of the students", at_least(1))

    PRESETS = {
        "default": {},
        "smoke": {
            "fast_compile": True, "seeds": 2, "width": 16, "epochs": 2, "specialists": 3,
            "special_classes": 4, "special_epochs": 1, "student_epochs": 1,
        },
    }  # fmt: skip
