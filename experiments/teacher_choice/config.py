"""Settings of the experiment on the choice of a teacher."""

import dataclasses

from experiments.teacher_choice.rows import PARTS
from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct, is_temperature, one_of, within
from kd_jax.experiment import place, setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of the experiment on the choice of a teacher."""

    teachers: int = setting(5, "teachers of each kind, of a seed and a draw each", at_least(1))
    seeds: int = setting(2, "students per row of each teacher, each of its own seed", at_least(1))
    part: str = setting("all", f"all, or one of {', '.join(PARTS)}", one_of("all", *PARTS))
    mnist_5k: bool = setting(False, "the 5,000 digits that ship with kd_jax in place of MNIST")
    held_out: int = setting(
        500, "digits of each class that are held out of MNIST's training, for validation",
        at_least(1),
    )  # fmt: skip
    images: int = setting(
        20_000, "training images where a part does not take all, drawn for each teacher",
        at_least(100),
    )  # fmt: skip
    batch_size: int = setting(128, "images in a step", at_least(1))
    learning_rate: float = setting(1e-3, "peak learning rate of wide networks", above_0)
    narrow_learning_rate: float = setting(3e-3, "of those of 100 units and fewer", above_0)
    width: int = setting(300, "units in each hidden layer of a wide network", at_least(1))
    epochs: int = setting(20, "epochs of a training that no other setting speaks of", at_least(1))
    smoothing: float = setting(0.1, "label smoothing of teachers, and of rows", within(0, 1))
    # size
    widths: tuple[int, ...] = setting(
        (8, 32, 128, 600), "units in each hidden layer of the teachers", distinct(at_least(1))
    )
    assistant: int = setting(64, "units of the assistant of the widest teacher", at_least(1))
    early: tuple[int, ...] = setting(
        (1, 2, 5), "epochs after which a widest teacher is stopped", distinct(at_least(1))
    )
    teacher_epochs: int = setting(25, "epochs of the other teachers", at_least(1))
    small: int = setting(8, "units in each hidden layer of the students", at_least(1))
    temperatures: tuple[float, ...] = setting(
        (1.0, 2.0, 4.0, 8.0), "of these students; validation chooses one", distinct(is_temperature)
    )
    # label smoothing of the teacher
    smoothed_temperatures: tuple[float, ...] = setting(
        (1.0, 2.0, 4.0, 8.0), "of the students of smoothed teachers", distinct(is_temperature)
    )
    middle: int = setting(100, "units in each hidden layer of these students", at_least(1))
    # born-again networks
    chains: int = setting(10, "chains of generations", at_least(1))
    generations: int = setting(3, "generations that learn from the one before", at_least(1))
    # size of the transfer set
    labels: int = setting(200, "labels that the teacher learns from", at_least(10))
    sizes: tuple[int, ...] = setting(
        (1000, 10_000, 60_000), "images of the transfer sets", distinct(at_least(10))
    )
    tiny: int = setting(50, "units in each hidden layer of teacher and students", at_least(1))
    taught_epochs: int = setting(400, "epochs of this teacher", at_least(1))
    steps: int = setting(4000, "steps of these students, whatever the transfer set", at_least(1))
    # few labels
    fraction: float = setting(0.03, "of the images, as in section 6", within(0, 1))
    few_epochs: int = setting(60, "epochs of the students of few labels", at_least(1))
    few_temperatures: tuple[float, ...] = setting(
        (2.0, 4.0, 8.0, 16.0), "of those with soft targets", distinct(is_temperature)
    )
    # ensemble
    members: int = setting(10, "networks of an ensemble", at_least(2))
    member_width: int = setting(32, "units of its members and of its students", at_least(1))
    member_epochs: int = setting(12, "epochs of its members and of its students", at_least(1))
    ensemble_temperatures: tuple[float, ...] = setting(
        (1.0, 2.0, 5.0, 10.0), "of its students, those of section 4", distinct(is_temperature)
    )
    label_weight: float = setting(
        0.5, "weight of the labels beside an ensemble's soft targets, as in section 4",
        within(0, 1000),
    )  # fmt: skip
    # patience
    lengths: tuple[int, ...] = setting(
        (10, 40, 160), "epochs of patient students", distinct(at_least(1))
    )
    patient: int = setting(30, "units in each of their hidden layers", at_least(1))
    # scaling
    student_widths: tuple[int, ...] = setting(
        (4, 8, 16, 32, 64), "units of the students of the scaling law", distinct(at_least(1))
    )
    amounts: tuple[int, ...] = setting(
        (1000, 4000, 16_000, 55_000), "images that they see", distinct(at_least(10))
    )
    workers: int = place(2, "trainings side by side; each keeps about one core busy", at_least(1))

    PRESETS = {
        "default": {},
        "smoke": {
            "fast_compile": True, "teachers": 1, "seeds": 2, "mnist_5k": True, "images": 500,
            "width": 12, "epochs": 2, "widths": (4, 12), "assistant": 8, "early": (1,),
            "teacher_epochs": 2, "small": 4, "temperatures": (1.0, 4.0),
            "smoothed_temperatures": (1.0, 4.0), "middle": 8, "chains": 1, "generations": 2,
            "sizes": (500,), "tiny": 4, "taught_epochs": 5, "steps": 20, "few_epochs": 3,
            "fraction": 0.1, "few_temperatures": (4.0,), "members": 3, "member_width": 4,
            "member_epochs": 1, "ensemble_temperatures": (2.0,), "lengths": (1,), "patient": 4,
            "student_widths": (4, 8), "amounts": (900,),
        },
    }  # fmt: skip
