"""Settings of black-box distillation."""

import dataclasses

from experiments.black_box.rows import BATCH
from kd_jax import experiment
from kd_jax.errors import at_least, distinct, require
from kd_jax.experiment import setting

COUNTS = distinct(at_least(1))


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """Settings of black-box distillation."""

    mnist_5k: bool = setting(False, "use the package's 5,000 digits instead of MNIST")
    teacher_width: int = setting(300, "units in each hidden layer of the teacher", at_least(1))
    teacher_epochs: int = setting(15, "epochs of the teacher", at_least(1))
    width: int = setting(64, "units in each hidden layer of the students", at_least(1))
    steps: int = setting(3000, "steps of every student", at_least(1))
    budgets: tuple[int, ...] = setting((1000, 5000, 20000, 60000), "random queries", COUNTS)
    rounds: tuple[int, ...] = setting(
        (500, 1000, 2000, 5000, 10000), "queries in all after each round of active learning", COUNTS
    )

    PRESETS = {
        "default": {},
        "smoke": {
            "fast_compile": True,
            "seeds": 2,
            "mnist_5k": True,
            "teacher_width": 64,
            "teacher_epochs": 5,
            "width": 16,
            "steps": 60,
            "budgets": (300, 1500),
            "rounds": (200, 600),
        },
    }

    def validate(self):
        examples = self.steps * BATCH
        for name in ("budgets", "rounds"):
            counts = getattr(self, name)
            given = f"--{name}={','.join(map(str, counts))}"
            require(list(counts) == sorted(counts), f"{given}: expected ascending numbers")
            for count in counts:
                require(
                    count % BATCH == 0 and examples % count == 0,
                    f"{given}: {count} is no multiple of {BATCH} that divides the {examples} "
                    f"examples of {self.steps} steps",
                )
