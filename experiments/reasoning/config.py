"""Settings of the students of reasoning."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import FINITE, at_least, distinct, is_temperature, one_of, require, within
from kd_jax.experiment import place, setting

CHUNKS = 10  # of a training, for the progress bar and the snapshots


def below_100(name, value):
    """The check that a number is above 0 and below 100."""
    require(
        FINITE[0] <= value < 100, f"--{name}={value:g}: expected a number above 0 and below 100"
    )


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of the students of reasoning."""

    task: str = setting(
        "word_problems", "word_problems, automaton or gsm8k",
        one_of("word_problems", "automaton", "gsm8k"),
    )  # fmt: skip
    teacher: str = place("", "gsm8k: folder, hub name or .gguf of a Llama that chats")
    tiny: bool = setting(False, "gsm8k: a tiny random teacher, to see that it runs")
    sizes: tuple[int, ...] = setting(
        (250, 1000, 4000), "problems that students learn from", distinct(at_least(1))
    )
    tests: int = setting(250, "test problems, as many of each kind", at_least(1))
    samples: int = setting(4, "chains that the teacher samples per problem", at_least(1))
    temperature: float = setting(1.8, "at which it samples them", is_temperature)
    steps: int = setting(600, "training steps of the students", at_least(1))
    on_policy_steps: int = setting(
        300, "on-policy: the last of them, on texts of the student's own", at_least(1)
    )
    batch_size: int = setting(8, "texts in a step", at_least(1))
    learning_rate: float = setting(1e-2, "peak learning rate of the students", below_100)
    slow_rate_factor: float = setting(
        0.3, "of the learning rate, on-policy with reverse KL or JSD", below_100
    )  # better on validation, where the student decides which tokens count
    width: int = setting(64, "width of the students of a family", at_least(1))
    layers: int = setting(2, "layers of the students", at_least(1))
    heads: int = setting(2, "heads of the decoders of a family", at_least(1))
    teacher_problems: int = setting(
        20_000, "problems that the teacher of a family learns", at_least(1)
    )
    teacher_steps: int = setting(600, "its training steps", at_least(1))
    teacher_batch_size: int = setting(32, "texts in a step of it", at_least(1))
    teacher_learning_rate: float = setting(1e-2, "its peak learning rate", below_100)
    teacher_width: int = setting(128, "its width", at_least(1))
    teacher_layers: int = setting(2, "its layers", at_least(1))
    prompt_tokens: int = setting(192, "gsm8k: tokens of a prompt at most", at_least(1))
    answer_tokens: int = setting(256, "gsm8k: tokens of an answer at most", at_least(1))
    held_out: int = setting(
        1000, "gsm8k: the last training problems, to choose settings on", at_least(1)
    )
    eval_batch_size: int = setting(250, "texts that are read or generated at a time", at_least(1))
    workers: int = place(1, "arms trained at a time, in threads", at_least(1))
    margin: float = setting(
        3.2,  # what wrong chains cost in Li et al. 2025 (arXiv 2502.07374)
        "points of accuracy that make no difference: an interval within is EQUIVALENT",
        within(0, 1000),
    )
    all_objectives: bool = setting(False, "on-policy JSD as well")
    validation_only: bool = setting(False, "test on held-out problems, to choose settings")

    PRESETS = {
        "default": {},
        "automaton": {
            "task": "automaton", "sizes": (50, 1000, 8000), "temperature": 2.2,
            "on_policy_steps": 500, "batch_size": 40, "heads": 4,
        },
        "accelerator": {
            "sizes": (250, 1000, 4000, 16_000), "tests": 1000, "steps": 4000,
            "on_policy_steps": 2000, "batch_size": 128, "teacher_problems": 100_000,
            "teacher_steps": 8000, "teacher_width": 256, "eval_batch_size": 1000,
            "all_objectives": True,
        },
        "gsm8k": {
            "task": "gsm8k", "sizes": (500, 2000, 5000), "tests": 1000, "batch_size": 32,
            "learning_rate": 3e-4, "layers": 10, "eval_batch_size": 32,
        },
        "smoke": {
            "fast_compile": True, "workers": 2,
            "task": "automaton", "seeds": 2, "sizes": (32, 64), "tests": 20, "steps": 20,
            "on_policy_steps": 10, "batch_size": 4, "width": 16, "layers": 1,
            "teacher_problems": 500, "teacher_steps": 30, "teacher_width": 32,
            "eval_batch_size": 40,
        },
    }  # fmt: skip

    def validate(self):
        multiples = dict.fromkeys(("steps", "on_policy_steps", "teacher_steps"), CHUNKS)
        multiples |= dict.fromkeys(("width", "teacher_width"), 2 * self.heads)
        for name, of in multiples.items():
            value = getattr(self, name)
            require(value % of == 0, f"--{name}={value}: expected a multiple of {of}")
        require(
            self.on_policy_steps < self.steps,
            f"--on_policy_steps={self.on_policy_steps}: expected below --steps={self.steps}",
        )
        require(
            self.task == "gsm8k" or not (self.teacher or self.tiny),
            f"--teacher and --tiny are of --task=gsm8k: expected neither with {self.task}",
        )
        require(
            self.task != "gsm8k" or self.teachers == 1,
            f"--teachers={self.teachers}: expected 1 with --task=gsm8k, whose teacher is given",
        )
        require(not (self.teacher and self.tiny), "--tiny and --teacher: expected one at most")
