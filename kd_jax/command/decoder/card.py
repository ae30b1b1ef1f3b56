"""The model card of a decoder's student: what was gained, of what it was made, how to use it."""

import pathlib
import re
from typing import Any, NamedTuple

from kd_jax.command import card
from kd_jax.errors import counted
from kd_jax.export import hub
from kd_jax.language.decoder.starts import Start
from kd_jax.pretrained.load import ChatModel
from kd_jax.report import decoder_rows, decoder_table
from kd_jax.storage import manifest
from kd_jax.storage.run_folder import Run

USE = """## Use

With transformers:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("FOLDER")
    model = AutoModelForCausalLM.from_pretrained("FOLDER")
    asked = [{"role": "user", "content": "…"}]
    given = tokenizer.apply_chat_template(
        asked, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    print(tokenizer.decode(model.generate(**given, max_new_tokens=128)[0]))

With kd_jax, without PyTorch (`pip install ".[text]"` in a clone of it):

    import kd_jax as kd

    print(kd.Decoder("FOLDER").answer("…"))
"""
DRAFTER = """
As a drafter for its teacher it has the same tokens: `assistant_model` of transformers' `generate`.
"""


class About(NamedTuple):
    """What a card says.

    Attributes:
        config: The flags.
        run: That the student is of.
        rows: Of its table.
        teacher: A ChatModel.
        start: Of the student.
        path: The folder that is being written, with the student in it.
    """

    config: Any
    run: Run
    rows: decoder_rows.Rows
    teacher: ChatModel
    start: Start
    path: pathlib.Path


def text(about: About) -> str:
    """The Markdown of a card.

    Args:
        about: What it says.
    """
    head = hub.front_matter("transformers", task="text-generation")
    return head + "\n".join([
        f"# A student by {about.rows.said['kept']}, {counted(about.start.net.layers, 'layer')}",
        "",
        *(f"- {line}" for line in _facts(about)),
        "",
        USE + DRAFTER * (about.start.tokens is None),
        "## Table",
        "",
        decoder_table.markdown(about.rows),
    ])  # fmt: skip


def _facts(about):
    """A line for each thing that the student was made of."""
    config, net, rows = about.config, about.start.net, about.rows
    (own, *_) = rows.records[rows.said["kept"]]
    size = sum(path.stat().st_size for path in about.path.glob("*.safetensors"))
    source = about.teacher.source
    yield (
        f"Network: {net.variant.family}, {counted(net.layers, 'layer')} of {net.width}, "
        f"{own['parameters'] / 1e6:,.1f} million parameters, {config.dtype}, {size / 1e6:,.0f} MB"
    )
    if config.dtype != "float32":
        yield (
            "Measured: the table is of the student in float32: these weights are rounded to "
            f"{config.dtype}, and not measured"
        )
    yield f"Begun as: {about.start.words}"
    bits = re.search(r"[.-]I?Q(\d)_\w+\.gguf$", source.name, re.IGNORECASE)
    few = f", quantized to {bits[1]} bits a number" if bits else ""
    yield f"Teacher: {card.code(source.name)}, {counted(about.teacher.net.layers, 'layer')}{few}"
    yield f"Texts: {card.code(pathlib.Path(config.data).name)}"
    yield (
        f"Training: {counted(own['steps'], 'step')} of {counted(config.batch_size, 'row')}, "
        "learning rate "
        f"{config.learning_rate:g}; seed 0 of {config.seeds}"
        + f"; LoRA of rank {config.lora}" * (config.lora > 0)
        + f"; matrices rounded as {config.quantize}" * bool(config.quantize)
    )
    yield f"Command: {card.code(about.run.command)}"
    yield f"Time: {manifest.seconds(manifest.read(about.run.folder)):,.0f} s"
    yield "Limits: measured on texts like those above; nothing is known of others."
