"""Settings of black-box distillation."""

import dataclasses

from experiments.black_box.rows import CLASSES
from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct, require, within
from kd_jax.experiment import setting

COUNTS = distinct(at_least(1))


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of black-box distillation."""

    mnist_5k: bool = setting(False, "use the package's 5,000 digits instead of MNIST")
    teacher_width: int = setting(300, "units in each hidden layer of the teacher", at_least(1))
    teacher_epochs: int = setting(15, "epochs of the teacher", at_least(1))
    teacher_batch_size: int = setting(100, "images in a step of the teacher", at_least(1))
    teacher_learning_rate: float = setting(1e-3, "peak learning rate of the teacher", above_0)
    top: int = setting(3, "classes that the top-k outputs show", within(1, CLASSES + 1))
    decimals: int = setting(1, "decimals of the rounded probabilities", within(1, 8))
    width: int = setting(64, "units in each hidden layer of the students", at_least(1))
    steps: int = setting(3000, "steps of every student", at_least(1))
    batch_size: int = setting(100, "queries in a step of the students", at_least(1))
    learning_rate: float = setting(2e-3, "peak learning rate of the students", above_0)
    margin: float = setting(
        0.5,
        "points of accuracy that make no difference: an interval within is EQUIVALENT",
        within(0, 1000),
    )
    budgets: tuple[int, ...] = setting((1000, 5000, 20000, 60000), "random queries", COUNTS)
    rounds: tuple[int, ...] = setting(
        (500, 1000, 2000, 5000, 10000), "queries in all after each round of active learning", COUNTS
    )

    PRESETS = {
        "default": {},
        "smoke": dict(
            fast_compile=True, seeds=2, mnist_5k=True, teacher_width=64, teacher_epochs=2,
            width=16, steps=60, budgets=(300,), rounds=(200, 600),
        ),
    }  # fmt: skip

    def validate(self):
        examples = self.steps * self.batch_size
        for name in ("budgets", "rounds"):
            counts = getattr(self, name)
            given = f"--{name}={','.join(map(str, counts))}"
            require(list(counts) == sorted(counts), f"{given}: expected ascending numbers")
            for count in counts:
                require(
                    count % self.batch_size == 0 and examples % count == 0,
                    f"{given}: {count} is no multiple of {self.batch_size} that divides the "
                    f"{examples} examples of {self.steps} steps",
                )
