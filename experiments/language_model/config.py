"""Settings of the decoder's distillation."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import (
    FINITE,
    above_0,
    at_least,
    distinct,
    is_sampling_temperature,
    require,
)
from kd_jax.experiment import place, setting


def between_0_and_1(name, value):
    """The check that a number is above 0 and below 1."""
    require(FINITE[0] <= value < 1, f"--{name}={value:g}: expected above 0 and below 1")


def share(name, value):
    """The check that a number is above 0, and 1 at most."""
    require(FINITE[0] <= value <= 1, f"--{name}={value:g}: expected above 0, 1 at most")


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """Settings of the decoder's distillation."""

    seeds: int = setting(3, "orders of the data that each row is averaged over", at_least(1))
    teacher: str = place("", "folder, hub name or .gguf of a Llama (default: SmolLM2-135M)")
    layers: int = setting(10, "layers of the students", at_least(1))
    texts: int = setting(320, "training problems", at_least(1))
    tests: int = setting(48, "held-out problems", at_least(1))
    prompt_tokens: int = setting(48, "tokens of a prompt at most", at_least(1))
    answer_tokens: int = setting(64, "tokens of an answer at most", at_least(1))
    batch_size: int = setting(4, "problems in a step", at_least(1))
    micro_batches: int = setting(1, "parts of a step, one of them in memory at a time", at_least(1))
    epochs: int = setting(2, "epochs over the problems", at_least(1))
    learning_rates: tuple[float, ...] = setting(
        (2.5e-4, 5e-4, 1e-3),
        "peak learning rates, of which validation chooses one for each objective",
        distinct(above_0),
    )
    all_objectives: bool = setting(False, "every objective, not four of them")
    top_k: tuple[int, ...] = setting(
        (64, 16),
        "tokens that a cache keeps of all; the first without --all_objectives",
        distinct(at_least(1)),
    )
    betas: tuple[float, ...] = setting(
        (0.1, 0.5, 0.9), "beta of each Jensen-Shannon divergence", distinct(between_0_and_1)
    )
    alpha: float = setting(0.1, "alpha of the skewed KL", between_0_and_1)
    on_policy_beta: float = setting(0.5, "beta of the on-policy divergences", between_0_and_1)
    on_policy_fractions: tuple[float, ...] = setting(
        (0.5, 1.0), "lambda: part of the steps whose texts the student writes", distinct(share)
    )
    bfloat16: bool = setting(False, "layers compute in bfloat16")
    remat: bool = setting(False, "layers are computed again for the gradient")
    validation_only: bool = setting(False, "held out are training problems, to choose settings")
    tiny: bool = setting(False, "a tiny random teacher, to see that it runs")
    prompt: str = place("", "a question that teacher and student then answer side by side")
    temperature: float = place(
        0.0, "of these answers (default: the most probable tokens)", is_sampling_temperature
    )
    top_p: float = place(
        1.0, "of these answers: probability of the tokens that are drawn from", share
    )

    PRESETS = {
        "default": {},
        "accelerator": {
            "texts": 6400, "tests": 1024, "prompt_tokens": 192, "answer_tokens": 256,
            "batch_size": 64, "micro_batches": 4, "epochs": 3, "all_objectives": True,
            "bfloat16": True, "remat": True,
        },
        "smoke": {
            "fast_compile": True,
            "seeds": 1, "layers": 2, "texts": 8, "tests": 4, "prompt_tokens": 96,
            "answer_tokens": 48, "batch_size": 4, "learning_rates": (5e-4, 1e-3), "tiny": True,
        },
    }  # fmt: skip

    def validate(self):
        require(
            self.batch_size % self.micro_batches == 0,
            f"--micro_batches={self.micro_batches}: expected a divisor of "
            f"--batch_size={self.batch_size}",
        )
        require(
            self.texts >= self.batch_size,
            f"--texts={self.texts}: expected --batch_size={self.batch_size} or more",
        )
        require(
            not (self.tiny and self.teacher), "--tiny and --teacher: expected one of them at most"
        )
