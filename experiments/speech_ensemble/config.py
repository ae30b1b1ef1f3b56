"""Settings of the speech experiments."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import FINITE, above_0, at_least, distinct, is_temperature, require, within
from kd_jax.experiment import setting


def up_to_1(name: str, value: float) -> None:
    """The check that a number is above 0 and at most 1."""
    require(FINITE[0] <= value <= 1, f"--{name}={value:g}: expected above 0, at most 1")


def up_to_20(name: str, value: int) -> None:
    """The check of how many recordings there are for training of a speaker's digit."""
    require(1 <= value <= 20, f"--{name}={value}: expected from 1 to 20")


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of the speech experiments."""

    teachers: int = setting(5, "ensembles, each with students of its own", at_least(1))
    seeds: int = setting(2, "students per row of each ensemble, each of its own seed", at_least(1))
    members: int = setting(10, "networks in the ensemble", at_least(1))
    layers: int = setting(2, "hidden layers of every network", at_least(1))
    width: int = setting(128, "units in each of them", at_least(1))
    epochs: int = setting(6, "epochs of members, baseline and students", at_least(1))
    batch_size: int = setting(128, "frames in a step of every network", at_least(1))
    learning_rate: float = setting(1e-3, "learning rate of every network", above_0)
    temperatures: tuple[float, ...] = setting(
        (1.0, 2.0, 5.0, 10.0),
        "of students that learn from labels too; further set-ups leave some out",
        distinct(is_temperature),
    )
    temperature: float = setting(2.0, "temperature of all other students", is_temperature)
    label_weight: float = setting(
        0.5, "weight of the labels beside the soft targets", within(0, 1000)
    )
    smoothing: float = setting(0.1, "label smoothing of its rows", within(0, 1))
    perturbed_members: bool = setting(
        False,
        "instead of all else: ensembles of perturbed frames, whose students see such frames too",
    )
    takes: int = setting(20, "training recordings of each speaker and digit, at most 20", up_to_20)
    # few recordings
    fraction: float = setting(
        0.03, "fraction of the training recordings, where there are few", up_to_1
    )
    fraction_epochs: int = setting(60, "epochs on those", at_least(1))

    PRESETS = {
        "default": {},
        "perturbed": {"perturbed_members": True, "epochs": 18},
        "paper": {"layers": 8, "width": 2560, "epochs": 30},
        "smoke": {
            "fast_compile": True, "teachers": 1, "seeds": 2, "members": 2, "width": 16, "epochs": 1,
            "fraction": 0.2, "fraction_epochs": 3, "takes": 1,
        },
    }  # fmt: skip
