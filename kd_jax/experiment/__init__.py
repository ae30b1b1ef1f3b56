"""An experiment's settings, its command line and its launch.

The settings are a frozen dataclass whose fields are the command's flags:

    @dataclasses.dataclass(frozen=True)
    class Config(experiment.Config):
        temperatures: tuple[float, ...] = setting((1.0, 3.0), "of the students", distinct(above_0))

Nothing here imports jax before the command line is known to be right.
"""

from kd_jax.experiment._flags import flags_of as flags_of
from kd_jax.experiment._flags import parse as parse
from kd_jax.experiment._launch import launch as launch
from kd_jax.experiment._launch import perform as perform
from kd_jax.experiment._launch import prepare as prepare
from kd_jax.experiment._settings import Config as Config
from kd_jax.experiment._settings import TaughtConfig as TaughtConfig
from kd_jax.experiment._settings import listed as listed
from kd_jax.experiment._settings import place as place
from kd_jax.experiment._settings import setting as setting
from kd_jax.experiment._usage import usage as usage
