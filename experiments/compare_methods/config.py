"""Settings of the comparison of methods."""

import dataclasses

from experiments.compare_methods.rows import NAMES, PAIRS
from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct, is_temperature, one_of, within
from kd_jax.experiment import place, setting

DIGITS = {"pairs": ("digits",), "teacher_batch_size": 50, "student_batch_size": 50}


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of the comparison of methods."""

    seeds: int = setting(1, "students per row, each of its own seed", at_least(1))
    pairs: tuple[str, ...] = setting(
        ("mnist", "fashion"), f"of {', '.join(PAIRS)}, or file.py:function, see docs/methods.md"
    )
    held_out: int = setting(
        500, "validation images of each class of MNIST and Fashion-MNIST", at_least(1)
    )
    labels_per_class: int = setting(100, "labels of each class of MNIST", at_least(1))
    images_per_class: int = setting(
        500, "images of each class of Fashion-MNIST that the students see", at_least(1)
    )
    # teacher
    teacher_epochs: int = setting(8, "epochs of the teacher; ×20 on 1,000 labels", at_least(1))
    teacher_batch_size: int = setting(64, "images in a step of the teacher", at_least(1))
    teacher_learning_rate: float = setting(1e-3, "peak learning rate of the teacher", above_0)
    # students
    student_epochs: int = setting(
        10, "epochs of the students; half on MNIST, with ten times the rows", at_least(1)
    )
    student_batch_size: int = setting(64, "images in a step of the students", at_least(2))
    student_learning_rate: float = setting(3e-3, "peak learning rate of the students", above_0)
    # methods
    methods: tuple[str, ...] = setting(
        tuple(NAMES), "rows of the tables, those that fit a pair; labels and kd always are"
    )
    plugin: str = place("", "Python file with METHODS of your own, see docs/methods.md")
    temperatures: tuple[float, ...] = setting(
        (1.0, 2.0, 4.0, 8.0), "temperatures of the methods that have one", distinct(is_temperature)
    )
    smoothing: float = setting(0.2, "label smoothing of its row", within(0, 1))
    tried: int = setting(
        28,
        "settings of each method, of which validation chooses one: weights by thirds of a decade, "
        "at each temperature",
        at_least(1),
    )
    explored: bool = setting(
        False, "of each method the setting that the committed exploration chose, and no other"
    )
    factor_epochs: int = setting(3, "epochs of factor transfer's paraphraser", at_least(1))
    factor_batch_size: int = setting(128, "images in a step of it", at_least(1))
    factor_learning_rate: float = setting(1e-3, "its learning rate", above_0)
    workers: int = place(2, "trainings at a time; each keeps about one core busy", at_least(1))

    def validate(self):
        super().validate()
        known = [name for name in self.pairs if ":" not in name]  # others are one's own
        if known or not self.pairs:
            one_of(*PAIRS, "file.py:function")("pairs", known)
        if self.methods:
            one_of(*NAMES)("methods", self.methods)

    PRESETS = {
        "default": {},
        # of other teachers, with the settings that the default preset chose at base seed 0
        "confirm": {"teachers": 10, "seeds": 1, "explored": True},
        "quick": {**DIGITS, "seeds": 5, "student_epochs": 20},
        "cifar100": {
            "pairs": ("cifar100", "cifar100x4"),
            "seeds": 5,
            "teacher_epochs": 240,
            "teacher_learning_rate": 0.05,
            "student_epochs": 240,
            "student_learning_rate": 0.05,
            "temperatures": (4.0,),
            "tried": 1,
            "workers": 1,
        },
        "smoke": {
            **DIGITS, "fast_compile": True, "seeds": 2, "teacher_epochs": 2, "student_epochs": 2,
        },
    }  # fmt: skip
