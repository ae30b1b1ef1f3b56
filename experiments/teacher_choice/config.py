"""Settings of the experiment on the choice of a teacher."""

import dataclasses

from experiments.teacher_choice.rows import PARTS
from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct, is_temperature, one_of, within
from kd_jax.experiment import place, setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of the experiment on the choice of a teacher."""

    teachers: int = setting(10, "teachers of each kind, of a seed and a draw each", at_least(1))
    seeds: int = setting(1, "students per row of each teacher, each of its own seed", at_least(1))
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
    teacher_widths: tuple[int, ...] = setting(
        (8, 32, 128, 600), "units in each hidden layer of the teachers", distinct(at_least(1))
    )
    assistant_width: int = setting(64, "units of the assistant of the widest teacher", at_least(1))
    early_epochs: tuple[int, ...] = setting(
        (1, 2, 5), "epochs after which a widest teacher is stopped", distinct(at_least(1))
    )
    teacher_epochs: int = setting(25, "epochs of the other teachers", at_least(1))
    size_student_width: int = setting(8, "units in each hidden layer of the students", at_least(1))
    size_temperatures: tuple[float, ...] = setting(
        (1.0, 2.0, 4.0, 8.0), "of these students; validation chooses one", distinct(is_temperature)
    )
    # label smoothing of the teacher
    smoothing_temperatures: tuple[float, ...] = setting(
        (1.0, 2.0, 4.0, 8.0, 16.0), "of the students of smoothed teachers", distinct(is_temperature)
    )
    smoothing_student_width: int = setting(
        100, "units in each hidden layer of these students", at_least(1)
    )
    # born-again networks
    born_again_chains: int = setting(10, "chains of generations", at_least(1))
    born_again_generations: int = setting(
        3, "generations that learn from the one before", at_least(1)
    )
    # size of the transfer set
    transfer_set_labels: int = setting(200, "labels that the teacher learns from", at_least(10))
    transfer_set_sizes: tuple[int, ...] = setting(
        (1000, 10_000, 60_000), "images of the transfer sets", distinct(at_least(10))
    )
    transfer_set_width: int = setting(
        50, "units in each hidden layer of teacher and students", at_least(1)
    )
    transfer_set_teacher_epochs: int = setting(400, "epochs of this teacher", at_least(1))
    transfer_set_steps: int = setting(
        4000, "steps of these students, whatever the transfer set", at_least(1)
    )
    # few labels
    few_labels_fraction: float = setting(0.03, "of the images, as in section 6", within(0, 1))
    few_labels_epochs: int = setting(60, "epochs of the students of few labels", at_least(1))
    few_labels_temperatures: tuple[float, ...] = setting(
        (2.0, 4.0, 8.0, 16.0, 32.0), "of those with soft targets", distinct(is_temperature)
    )
    # ensemble
    ensemble_members: int = setting(10, "networks of an ensemble", at_least(2))
    ensemble_width: int = setting(32, "units of its members and of its students", at_least(1))
    ensemble_epochs: int = setting(12, "epochs of its members and of its students", at_least(1))
    ensemble_temperatures: tuple[float, ...] = setting(
        (1.0, 2.0, 5.0, 10.0), "of its students, those of section 4", distinct(is_temperature)
    )
    ensemble_label_weight: float = setting(
        0.5, "weight of the labels beside an ensemble's soft targets, as in section 4",
        within(0, 1000),
    )  # fmt: skip
    # patience
    patience_epochs: tuple[int, ...] = setting(
        (10, 40, 160), "epochs of patient students", distinct(at_least(1))
    )
    patience_width: int = setting(30, "units in each of their hidden layers", at_least(1))
    # scaling
    scaling_widths: tuple[int, ...] = setting(
        (4, 8, 16, 32, 64), "units of the students of the scaling law", distinct(at_least(1))
    )
    scaling_images: tuple[int, ...] = setting(
        (1000, 4000, 16_000, 55_000), "images that they see", distinct(at_least(10))
    )
    workers: int = place(2, "trainings side by side; each keeps about one core busy", at_least(1))

    PRESETS = {
        "default": {},
        "smoke": {
            "fast_compile": True, "teachers": 1, "seeds": 2, "mnist_5k": True, "images": 500,
            "width": 12, "epochs": 2,
            "teacher_widths": (4, 12), "assistant_width": 8, "early_epochs": (1,),
            "teacher_epochs": 2, "size_student_width": 4, "size_temperatures": (1.0, 4.0),
            "smoothing_temperatures": (1.0, 4.0), "smoothing_student_width": 8,
            "born_again_chains": 1, "born_again_generations": 2,
            "transfer_set_sizes": (500,), "transfer_set_width": 4,
            "transfer_set_teacher_epochs": 5, "transfer_set_steps": 20,
            "few_labels_epochs": 3, "few_labels_fraction": 0.1, "few_labels_temperatures": (4.0,),
            "ensemble_members": 3, "ensemble_width": 4, "ensemble_epochs": 1,
            "ensemble_temperatures": (2.0,), "patience_epochs": (1,), "patience_width": 4,
            "scaling_widths": (4, 8), "scaling_images": (900,),
        },
    }  # fmt: skip
