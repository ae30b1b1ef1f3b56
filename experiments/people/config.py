"""Settings of McCaffrey's teacher-student demo."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import at_least, require
from kd_jax.experiment import place, setting

PERSON = "-1,0.36,1,0,0,0.445"  # whom the demo predicts


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """Settings of McCaffrey's teacher-student demo."""

    seeds: int = setting(20, "students per row, each of its own seed and teacher", at_least(1))
    replay: bool = setting(False, "reproduce the published run from its seed, and stop")
    predict: str = place("", f'print class probabilities of one person, like "{PERSON}"')

    PRESETS = {"default": {}, "smoke": {"seeds": 2}}

    def validate(self):
        """Raise InputError unless `predict` is a person and `replay` is not asked for as well."""
        if self.predict:
            from kd_jax.data import people  # here, as --help needs no package

            people.parse_person(self.predict, "--predict")
            require(not self.replay, "--predict and --replay: choose one of them")
