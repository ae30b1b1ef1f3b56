"""`kd.distill_lm`: what the command `distill_lm` does, called from Python."""

import dataclasses
import difflib
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kd_jax import paths
from kd_jax.command.decoder import run as command
from kd_jax.command.decoder.config import Config
from kd_jax.errors import one_of, require
from kd_jax.experiment import perform
from kd_jax.language.decoder.chatting import Decoder
from kd_jax.report import decoder_table, terminal_page


class Distilled(NamedTuple):
    """What came of a distillation; printed, it is its table.

    Attributes:
        student: The one that is kept.
        table: Markdown.
        records: One of each row and seed.
        folder: Of the run.
    """

    student: Decoder
    table: str
    records: list[dict[str, Any]]
    folder: pathlib.Path

    def __str__(self) -> str:
        return terminal_page.shown(self.table).rstrip()


def distill_lm(
    data: str | os.PathLike,
    teacher: str | os.PathLike = "",
    *,
    objective: str | Sequence[str] = "forward_kl",
    layers: int = 0,
    student: str | os.PathLike = "",
    random: Mapping[str, int] | Sequence[str] = (),
    out: str | os.PathLike = "",
    **flags: Any,
) -> Distilled:
    """Distill a decoder into a smaller one on texts of one's own.

        kd.distill_lm("chats.jsonl", "FOLDER", layers=10, out="small").student.answer("…")

    All objectives, and SFT beside them, have the same start, steps and batches. A call that was
    interrupted goes on where it was.

    Args:
        data: A .jsonl file: conversations, prompts with completions, or plain texts.
        teacher: A Hugging Face folder or hub name, or a GGUF file; "": SmolLM2-135M.
        objective: One or several, of sft, forward_kl, reverse_kl, jsd, skew_kl, total_variation,
            top_k, universal_logit, sft_universal_logit, seq_kd, on_policy, on_policy_forward_kl
            and on_policy_reverse_kl; the first one's student is kept.
        layers: Of the teacher, the student has so many; or else:
        student: A model, which learns by sft_universal_logit where its tokens are others; or
            else:
        random: Sizes of a new one, {"hidden": 256, "layers": 6}.
        out: A new folder for the student, with tokenizer, template, card and table.
        **flags: Of `./run.sh distill_lm --help`, like max_length=1024, epochs=2, seeds=3, or
            beta=(0.1, 0.9).

    Returns:
        The student, the table and the records.

    Raises:
        InputError: Something of it is not what is expected; it says what is.
    """
    require(paths.text(data), "data is missing: expected a .jsonl file")
    known = [field.name for field in dataclasses.fields(Config)]
    for name in flags:
        near = difflib.get_close_matches(name, known, 1)
        guess = f"; did you mean {near[0]}?" if near else ""
        require(name in known, f"distill_lm has no argument {name}{guess}")
    if isinstance(random, str):
        random = random.split(",")
    sizes = [f"{k}:{n}" for k, n in random.items()] if isinstance(random, Mapping) else random
    preset = flags.get("preset", "default")
    one_of(*Config.PRESETS)("preset", preset)
    config = Config(**Config.PRESETS[preset] | {
        "data": paths.text(data), "teacher": paths.text(teacher), "student": paths.text(student),
        "out": paths.text(out), "layers": layers, "random": tuple(sizes), "objective": objective,
    } | flags)  # fmt: skip
    program = command.run, decoder_table.table, lambda folder: None
    # the table is what this gives, for its caller to print
    run = perform("distill_lm", config, lambda: program, show=lambda text: "")
    table = decoder_table.table(run.folder)
    kept = Decoder(os.fspath(run.folder / command.STUDENT))
    return Distilled(kept, table, run.records(), run.folder)
