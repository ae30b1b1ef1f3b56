"""Settings of the temperature grid."""

import dataclasses

from experiments.temperature_grid.rows import GRID, MNIST, WIDTH
from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct, is_temperature, one_of, require, within
from kd_jax.experiment import setting


def feature_fraction(name: str, value: float) -> None:
    """The check of a fraction of the features."""
    require(0.04 <= value <= 1, f"--{name}={value:g}: expected from 0.04 to 1")


def several_widths(name: str, values: tuple[int, ...]) -> None:
    """The check of widths that are compared."""
    distinct(at_least(1))(name, values)
    require(len(values) >= 2, f"--{name}={values[0]}: expected two or more different widths")


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of the temperature grid."""

    teachers: int = setting(
        10,
        "draws of each artificial data set, each with a teacher and students of its own",
        at_least(1),
    )
    seeds: int = setting(1, "students per row of each teacher, each of its own seed", at_least(1))
    part: str = setting(
        GRID, "grid: nine data sets; width: students' widths on three of them; MNIST: widths there",
        one_of(GRID, WIDTH, MNIST),
    )  # fmt: skip
    temperatures: tuple[float, ...] = setting(
        (1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0, 15.0, 20.0),
        "of the grid's students",
        distinct(is_temperature),
    )
    width_temperatures: tuple[float, ...] = setting(
        (1.0, 3.0, 8.0, 20.0), "of the students of different widths", distinct(is_temperature)
    )
    typical_temperature: float = setting(
        3.0, "the temperature nearest to it is the permuted teacher's, and compared by data set",
        is_temperature,
    )  # fmt: skip
    smoothing: float = setting(0.1, "label smoothing of a row without a teacher", within(0, 1))
    batch_size: int = setting(100, "examples in a step of teachers and students", at_least(1))
    learning_rate: float = setting(1e-3, "of all networks but those on MNIST", above_0)
    # the artificial data sets
    class_seps: tuple[float, ...] = setting(
        (0.2, 0.6, 1.0), "distances of the classes", distinct(within(0.001, 100))
    )
    informative: tuple[float, ...] = setting(
        (0.5, 0.8, 1.0), "informative fractions of the features", distinct(feature_fraction)
    )
    samples: int = setting(
        50_000, "rows of an artificial data set, a fifth for the test", at_least(1000)
    )
    epochs: int = setting(50, "epochs of the grid's teachers and students", at_least(1))
    # the widths
    widths: tuple[int, ...] = setting(
        (20, 50, 100, 200),
        "widths of the students; data sets pair --class_seps and --informative in turn",
        several_widths,
    )
    width_epochs: int = setting(20, "epochs of the students of different widths", at_least(1))
    mnist_widths: tuple[int, ...] = setting((30, 100, 300), "widths on MNIST", several_widths)
    mnist_teachers: int = setting(6, "teachers on MNIST", at_least(1))
    mnist_seeds: int = setting(2, "students per row of each of them", at_least(1))
    mnist_teacher_learning_rate: float = setting(2e-3, "their peak learning rate", above_0)
    mnist_learning_rate: float = setting(4e-3, "peak of the students on MNIST", above_0)
    mnist_epochs: int = setting(10, "epochs of the teacher and the students on MNIST", at_least(1))
    workers: int = experiment.place(
        2, "trainings side by side; each keeps about one core busy", at_least(1)
    )

    PRESETS = {
        "default": {},
        "width": {"part": WIDTH},
        "width_paper": {
            "part": WIDTH, "width_epochs": 50,
            "width_temperatures": (1.0, 2.0, 3.0, 4.0, 8.0, 20.0, 40.0),
        },
        "mnist": {"part": MNIST},
        "mnist_paper": {
            "part": MNIST, "mnist_widths": (30, 100, 300, 800), "mnist_epochs": 40,
            "width_temperatures": (1.0, 2.0, 2.5, 3.0, 4.0, 8.0, 20.0, 40.0),
        },
        "smoke": {
            "fast_compile": True, "teachers": 2, "temperatures": (1.0, 3.0, 10.0),
            "width_temperatures": (1.0, 3.0, 10.0), "class_seps": (0.2, 1.0),
            "informative": (0.5,), "samples": 2000, "epochs": 3, "widths": (5, 20),
            "width_epochs": 3,
            "workers": 1,  # the second data set finds the programs of the first
        },
    }  # fmt: skip
