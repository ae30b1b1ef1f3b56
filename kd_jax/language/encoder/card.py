"""The model card of an encoder that was distilled: what it is, what it keeps, how it is used."""

from collections.abc import Iterable, Sequence

from kd_jax.errors import counted
from kd_jax.export import hub
from kd_jax.language.encoder.problem import Problem
from kd_jax.pretrained.encoder import Encoder
from kd_jax.report.encoder_comparison import EncoderComparison

METRICS = {  # of a measure: the hub's names; it has none of rankings
    "probe_accuracy": ["accuracy"],
    "similarity": ["spearmanr"],
}
USE = """## Use

    from sentence_transformers import SentenceTransformer

    vectors = SentenceTransformer("FOLDER").encode(["how is my card", "my card is late"])

or without PyTorch, with kd_jax (`pip install ".[text]"` in a clone of it):

    import kd_jax as kd

    vectors = kd.Encoder("FOLDER").embed(["how is my card", "my card is late"])

FOLDER is this one. transformers loads the network alone: AutoModel.from_pretrained("FOLDER"). Where
it says that a pooler is newly initialized, that is harmless: nothing reads it.
"""
ONNX = """
onnx/model.onnx needs neither (`pip install onnxruntime tokenizers`). It takes input_ids and
attention_mask [batch, tokens], int64, of texts cut at {longest} tokens:

    import numpy as np, onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file("FOLDER/tokenizer.json")
    tokenizer.enable_truncation({longest})
    tokenizer.enable_padding()
    found = tokenizer.encode_batch(["how is my card", "my card is late"])
    ids, mask = (np.array([getattr(x, name) for x in found], np.int64)
                 for name in ("ids", "attention_mask"))
    session = onnxruntime.InferenceSession("FOLDER/onnx/model.onnx")
    (vectors,) = session.run(["sentence_embedding"], {{"input_ids": ids, "attention_mask": mask}})
"""


def text(
    row: str, comparison: EncoderComparison, facts: Iterable[str], more: Sequence[str] = ()
) -> str:
    """The Markdown of a card.

    Args:
        row: Of the table that the encoder is of.
        comparison: The table.
        facts: A line for each thing that the encoder was made of.
        more: Behind how it is used, and then behind the table.
    """
    use, *below = [*more, ""]
    head = hub.front_matter(
        "sentence-transformers",
        task="sentence-similarity",
        tags=["sentence-transformers", "feature-extraction"],
        metrics=METRICS.get(comparison.primary, ()),
    )
    return head + "\n".join([
        f"# A sentence encoder: {row}",
        "",
        *(f"- {line}" for line in facts),
        "",
        USE + use,
        "## Table",
        "",
        comparison.markdown(),
        *below,
    ])  # fmt: skip


def network(problem: Problem, found: Encoder, seed: int) -> str:
    """The line of what an encoder is.

    Args:
        problem: That it was distilled for.
        found: The encoder.
        seed: Of it.
    """
    layers = f"{found.network.layers} of {counted(problem.teacher.network.layers, 'layer')}"
    return (
        f"Network: {layers}, states of {found.network.width} and vectors of {found.dimension} "
        f"numbers, texts of up to {counted(found.max_length, 'token')}; seed {seed} of "
        f"{problem.seeds}, chosen on dev: the table is of all seeds."
    )


def of_library(
    problem: Problem, comparison: EncoderComparison, row: str, seed: int, found: Encoder
) -> str:
    """The card of an encoder that was distilled from Python.

    Args:
        problem: What was asked for.
        comparison: What was found.
        row: Of the encoder.
        seed: Of it.
        found: The encoder.
    """
    facts = [
        network(problem, found, seed),
        f"Teacher: {problem.teacher.folder.name}",
        "; ".join(problem.notes),
        "Limits: tested on texts like those above; nothing is known of others.",
    ]
    return text(row, comparison, facts)
