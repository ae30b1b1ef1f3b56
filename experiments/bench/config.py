"""Settings of the benchmark."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import at_least
from kd_jax.experiment import setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """Settings of the benchmark."""

    repeats: int = setting(5, "timed epochs of each implementation", at_least(1))

    PRESETS = {"default": {}, "smoke": {"repeats": 1}}
