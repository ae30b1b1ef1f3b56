"""Settings of the distillation across tokenizers."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct
from kd_jax.experiment import setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """Settings of the distillation across tokenizers."""

    seeds: int = setting(3, "orders of the data that each row is averaged over", at_least(1))
    layers: int = setting(10, "layers of the students", at_least(1))
    vocabulary: int = setting(4000, "tokens of the students' own", at_least(1))
    texts: int = setting(400, "problems, the first ones of the file", at_least(2))
    held_out: int = setting(80, "of these, that students are measured on", at_least(1))
    max_length: int = setting(
        160, "tokens of a problem and its solution at most, else cut", at_least(8)
    )
    batch_size: int = setting(4, "problems in a step", at_least(1))
    epochs: int = setting(2, "epochs over the problems", at_least(1))
    learning_rate: float = setting(5e-4, "peak learning rate", above_0)
    uld_weights: tuple[float, ...] = setting(
        (1.5,),
        "lambda: weights of the universal logit loss beside SFT",
        distinct(above_0),
    )
    tiny: bool = setting(False, "a tiny random teacher, to see that it runs")

    PRESETS = {
        "default": {},
        "smoke": {
            "fast_compile": True, "seeds": 1, "layers": 1, "vocabulary": 300, "texts": 12,
            "held_out": 4, "max_length": 512, "epochs": 1, "uld_weights": (1.5,), "tiny": True,
        },
    }  # fmt: skip
