"""The flags of `distill_lm`: your texts, a teacher, a student, objectives, a folder."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import (
    MOST,
    above_0,
    at_least,
    distinct,
    is_sampling_temperature,
    one_of,
    require,
    within,
)
from kd_jax.experiment import place, setting
from kd_jax.language.decoder import student_sizes

OBJECTIVES = (  # as language.decoder.objectives names them
    "sft", "forward_kl", "reverse_kl", "jsd", "skew_kl", "total_variation", "top_k",
    "universal_logit", "sft_universal_logit", "seq_kd", "on_policy", "on_policy_forward_kl",
    "on_policy_reverse_kl",
)  # fmt: skip
WRITTEN = tuple(name for name in OBJECTIVES if name == "seq_kd" or name.startswith("on_policy"))

ABOUT = """A smaller decoder that learns from a larger one on your texts: does it gain over labels?

Command:  ./run.sh distill_lm --data=chats.jsonl --teacher=FOLDER --layers=10 --out=small
Takes:    6 processor minutes for 60 problems of GSM8K and SmolLM2-135M, one epoch

--data is a .jsonl file, one object a line: {"messages": [{"role": "user", "content": …}, …]}, a
prompt with a completion, or a plain text. What assistants say is learned, in the teacher's own
chat template. --teacher is a Hugging Face folder or hub name, or a .gguf file. The student has
some of its layers (--layers), is another model (--student), or a new one
(--random=hidden:256,layers:6); with tokens of its own, by --vocabulary or --student, it learns by
--objective=sft_universal_logit. All objectives, and SFT beside them, have the same start, steps and
batches. --out is a folder that transformers loads, with tokenizer, template, card and table."""


def between_0_and_1(name, value):
    """The check that a number is above 0 and below 1."""
    require(0 < value < 1, f"--{name}={value:g}: expected above 0 and below 1")


def share(name, value):
    """The check that a number is above 0, and 1 at most."""
    require(0 < value <= 1, f"--{name}={value:g}: expected above 0, 1 at most")


def part_or_count(name, value):
    """The check that a number is a part below 1, or a whole number."""
    right = 0 < value < 1 or (1 <= value <= MOST and value == int(value))
    require(right, f"--{name}={value:g}: expected a part below 1, like 0.1, or a count, like 50")


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """The flags of `distill_lm`."""

    data: str = place("", "file of your texts, .jsonl")
    test_data: str = place("", "file of texts to measure on (default: a part of --data)")
    held_out: float = setting(
        0.1, "texts of --data that are measured on: a part below 1, or a count", part_or_count
    )
    max_texts: int = setting(0, "of --data the first so many lines (default: all)", at_least(0))
    messages_key: str = setting("", "key of a line's messages (default: messages)")
    prompt_key: str = setting("", "key of what a user says (default: prompt)")
    completion_key: str = setting("", "key of what an assistant answers (default: completion)")
    text_key: str = setting("", "key of a plain text (default: text)")
    max_length: int = setting(512, "tokens of a text at most, and of a packed row", at_least(8))
    too_long: str = setting("cut", "longer texts: cut or skip", one_of("cut", "skip"))
    pack: bool = setting(True, "several texts in a row, which know nothing of each other")
    chat_template: str = place("", "file with a chat template (default: the teacher's)")
    teacher: str = place("", "folder, hub name or .gguf (default: SmolLM2-135M, from a package)")
    layers: int = setting(0, "the student has so many of the teacher's layers", at_least(0))
    student: str = place(
        "",
        "folder, hub name or .gguf of a student; with other tokens it learns by "
        "sft_universal_logit",
    )
    random: tuple[str, ...] = setting(
        (), "sizes of a new student, like hidden:256,layers:6; also heads, kv_heads, head_dim, "
        "intermediate",
    )  # fmt: skip
    vocabulary: int = setting(
        0, "beside --layers or --random: so many tokens of its own, a BPE of the texts, for "
        "universal_logit and sft_universal_logit (default: the teacher's)", at_least(0),
    )  # fmt: skip
    objective: tuple[str, ...] = setting(
        ("forward_kl",), f"some of {', '.join(OBJECTIVES)}; the first one's student is kept",
        one_of(*OBJECTIVES),
    )  # fmt: skip
    beta: tuple[float, ...] = setting(
        (0.5,), "of jsd and on_policy; of several numbers each is a row", distinct(between_0_and_1)
    )
    alpha: tuple[float, ...] = setting((0.1,), "of skew_kl, likewise", distinct(between_0_and_1))
    top_k: tuple[int, ...] = setting(
        (64,), "of top_k, likewise: tokens whose probabilities are kept", distinct(at_least(1))
    )
    teacher_top_k: str = place(
        "",
        "of top_k: file with the teacher's likeliest tokens, of any program: .parquet, or "
        ".array_record as MaxText writes it, or a folder of these",
    )
    on_policy_fraction: tuple[float, ...] = setting(
        (0.5,), "of on_policy…, likewise: part of the steps whose texts the student writes",
        distinct(share),
    )  # fmt: skip
    uld_weight: tuple[float, ...] = setting(
        (1.5,), "of sft_universal_logit, likewise: weight beside SFT", distinct(above_0)
    )
    seeds: int = setting(1, "orders of the texts that each row is averaged over", at_least(1))
    epochs: int = setting(1, "passes over the texts", at_least(1))
    batch_size: int = setting(4, "rows of texts in a step", at_least(1))
    learning_rate: float = setting(5e-4, "peak learning rate", above_0)
    bfloat16: bool = setting(False, "layers compute in bfloat16")
    remat: bool = setting(False, "layers are computed again for the gradient: less memory")
    lora: int = setting(
        0, "rank of adapters that are trained in place of all parameters; --out has the sum",
        within(0, 4096),
    )  # fmt: skip
    lora_alpha: float = setting(16.0, "alpha of the adapters", above_0)
    quantize: str = setting(
        "",
        "matrices are rounded while they learn: q8_0, q4_0 of llama.cpp; int8, int4, nf4, "
        "float8_e4m3fn of Qwix (default: not)",
        one_of("", "q8_0", "q4_0", "int8", "int4", "nf4", "float8_e4m3fn"),
    )  # fmt: skip
    measured_tokens: int = setting(
        32, "tokens that teacher and students write after held-out prompts, to measure speeds and "
        "accepted drafts", at_least(1),
    )  # fmt: skip
    out: str = place(
        "", "folder for the student, its card and table; one of an earlier run is replaced"
    )
    dtype: str = place("float32", "of the weights in --out", one_of("float32", "bfloat16"))
    gguf: bool = place(False, "write student.gguf into --out too, for llama.cpp")
    prompt: str = place("", "a question that teacher and student then answer side by side")
    answer_tokens: int = place(128, "tokens of these answers at most", at_least(1))
    temperature: float = place(
        0.0, "of these answers (default: the most probable tokens)", is_sampling_temperature
    )
    top_p: float = place(
        1.0, "of these answers: probability of the tokens that are drawn from", share
    )

    PRESETS = {
        "default": {},
        # programs that write with a large teacher run long: fast_compile would be slower in all
        "smoke": {"max_texts": 24, "held_out": 6.0, "max_length": 128, "measured_tokens": 4},
    }

    def validate(self):
        alone = "" if self.student and self.prompt else ", or --student=FOLDER and --prompt alone"
        require(
            self.data or self.asked_alone, "--data is missing: expected a .jsonl file (--help says "
            f"of what){alone}",
        )  # fmt: skip
        ways = {"layers": self.layers, "student": self.student, "random": self.random}
        given = [f"--{name}" for name, value in ways.items() if value]
        require(
            len(given) == 1, f"{' and '.join(given) or 'no student'}: expected one of "
            "--layers=10, --student=FOLDER and --random=hidden:256,layers:6",
        )  # fmt: skip
        require(
            not (self.student and self.vocabulary), f"--vocabulary={self.vocabulary}: expected "
            "--layers or --random beside it, as --student has tokens of its own",
        )  # fmt: skip
        require(
            "top_k" in self.objective or not self.teacher_top_k,
            f"--teacher_top_k={self.teacher_top_k}: expected --objective=top_k, which learns of it",
        )
        require(
            not (self.teacher_top_k and {*WRITTEN} & {*self.objective}),
            "--teacher_top_k: expected no seq_kd and no on_policy, whose texts are others",
        )
        require(self.out or not self.gguf, "--gguf is of --out: expected --out=FOLDER beside it")
        twice = len(set(self.objective)) < len(self.objective)
        require(not twice, f"--objective={','.join(self.objective)}: name each once")
        require(
            bool(self.prompt_key) == bool(self.completion_key),
            "--prompt_key and --completion_key: expected both or neither",
        )
        kinds = self.messages_key, self.prompt_key, self.text_key
        require(
            sum(map(bool, kinds)) <= 1, "--messages_key, --prompt_key and --text_key: expected one "
            "of them at most, as a file is of one kind",
        )  # fmt: skip
        if self.random:
            student_sizes.sizes(self.random)

    @property
    def asked_alone(self) -> bool:
        """Whether a student is only to answer --prompt beside its teacher: nothing is trained."""
        usual = all(
            getattr(self, field.name) == field.default
            for field in dataclasses.fields(self)
            if field.metadata["affects_results"] and field.name != "base_seed"
        )
        return bool(self.student and self.prompt and usual and not self.data and not self.out)

    def check_files(self):
        from kd_jax.language.decoder import conversations  # here, as --help needs no package

        keys = self.messages_key, self.prompt_key, self.completion_key, self.text_key
        for path in filter(None, (self.data, self.test_data)):
            conversations.read(path, conversations.Keys(*keys))
