"""Settings of the encoder's distillation."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct, require, within
from kd_jax.experiment import place, setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """Settings of the encoder's distillation."""

    seeds: int = setting(3, "seeds that each row is averaged over", at_least(1))
    teacher: str = place("", "folder or hub name of the teacher (default: MiniLM, 6 layers)")
    layers: tuple[int, ...] = setting((3, 2, 1), "layers of the students", distinct(at_least(1)))
    epochs: int = setting(2, "epochs over the texts", at_least(1))
    sentences: int = setting(3000, "sentences of GSM8K among the texts", at_least(1))
    text: str = place("", "file with more texts, one on a line")
    max_length: int = setting(32, "tokens of a text that a student learns from", at_least(1))
    widths: tuple[int, ...] = setting(
        (16, 24), "tokens that batches of short texts are cut to, ascending", distinct(at_least(1))
    )
    batch_size: int = setting(32, "texts in a step", at_least(1))
    learning_rate: float = setting(1e-3, "peak learning rate", above_0)
    hidden_weight: float = setting(1.0, "weight of the hidden states' MSE", within(0, 1e6))
    gram_weight: float = setting(10.0, "weight of the batch's similarities", within(0, 1e6))
    questions: int = setting(0, "questions of each intent at most (default: all)", at_least(0))
    few_labels: int = setting(5, "labels of each intent where they are few", at_least(1))
    draws: int = setting(20, "draws of these few labels", at_least(1))
    rounds: int = setting(
        5, "times that encoders are timed in turns, whose median counts", at_least(1)
    )

    PRESETS = {
        "default": {},
        "smoke": {
            "fast_compile": True, "seeds": 1, "layers": (1,), "epochs": 1, "sentences": 32,
            "questions": 1, "max_length": 16, "widths": (16,), "few_labels": 1, "draws": 1,
            "rounds": 1,
        },
    }  # fmt: skip

    def validate(self):
        given = ",".join(map(str, self.widths))
        require(
            list(self.widths) == sorted(self.widths),
            f"--widths={given}: expected ascending numbers",
        )
