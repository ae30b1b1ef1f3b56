"""Settings of generalist, specialists and students."""

import dataclasses

from experiments.specialists.rows import BANKING77, TWO_DIGITS
from kd_jax import experiment
from kd_jax.errors import above_0, at_least, is_temperature, one_of, within
from kd_jax.experiment import setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of generalist, specialists and students."""

    teachers: int = setting(10, "generalists, each with its specialists and students", at_least(1))
    seeds: int = setting(1, "students of each generalist per row", at_least(1))
    part: str = setting(
        TWO_DIGITS, "digits: pairs of MNIST digits; or banking77", one_of(TWO_DIGITS, BANKING77)
    )
    # images of two digits
    train_per_class: int = setting(400, "training images of each class of two digits", at_least(1))
    validation_per_class: int = setting(50, "validation images of each", at_least(1))
    test_per_class: int = setting(100, "test images of each", at_least(1))
    held_out: int = setting(
        500, "training digits of each class that validation images are made of", at_least(1)
    )
    # questions of BANKING77
    questions: int = setting(
        0, "questions of each intent in a split at most (default: all)", within(0, 40)
    )
    # all networks
    width: int = setting(12, "units in each of the two hidden layers of every network", at_least(1))
    batch_size: int = setting(60, "rows in a step of every network", at_least(2))
    learning_rate: float = setting(1e-3, "peak learning rate of every network", above_0)
    # generalist and specialists
    epochs: int = setting(40, "epochs of the generalist", at_least(1))
    specialists: int = setting(20, "how many specialists", at_least(1))
    special_classes: int = setting(10, "special classes of each", at_least(1))
    special_epochs: int = setting(15, "epochs of the specialists over their classes", at_least(1))
    plateau_epochs: int = setting(
        160, "epochs of a generalist that is trained to its plateau", at_least(1)
    )
    wider_epochs: int = setting(
        10, "epochs of one with as many parameters as it and its specialists", at_least(1)
    )
    combine_steps: int = setting(100, "steps in which equation 5 combines them", at_least(1))
    # students
    student_epochs: int = setting(40, "epochs of the students", at_least(1))
    temperature: float = setting(2.0, "temperature of the students", is_temperature)
    label_weight: float = setting(
        0.5, "weight of the labels beside the soft targets", within(0, 1000)
    )
    smoothing: float = setting(0.1, "label smoothing of its row", within(0, 1))

    PRESETS = {
        "default": {},
        "banking77": {"part": BANKING77},
        "smoke": {
            "fast_compile": True, "teachers": 2, "train_per_class": 10, "validation_per_class": 5,
            "test_per_class": 10, "questions": 1, "width": 16, "epochs": 2, "specialists": 3,
            "special_classes": 4, "special_epochs": 2, "plateau_epochs": 3, "wider_epochs": 1,
            "student_epochs": 1,
        },
    }  # fmt: skip
