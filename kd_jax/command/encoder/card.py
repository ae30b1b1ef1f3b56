"""The model card of an encoder: what it is, what it keeps, what it was made of, how to use it."""

from typing import Any, NamedTuple

from kd_jax.command.card import code, plain
from kd_jax.errors import counted
from kd_jax.export import hub
from kd_jax.language.encoder.result import EncoderResult
from kd_jax.storage import manifest
from kd_jax.storage.run_folder import Run

METRICS = {  # of a measure: the hub's names; it has none of rankings
    "probe_accuracy": ["accuracy"],
    "similarity": ["spearmanr"],
}
USE = """## Use

    from sentence_transformers import SentenceTransformer

    vectors = SentenceTransformer("FOLDER").encode(["how is my card", "my card is late"])

or without PyTorch:

    import kd_jax as kd

    vectors = kd.Encoder("FOLDER").embed(["how is my card", "my card is late"])

FOLDER is this one. transformers loads the network alone: AutoModel.from_pretrained("FOLDER").
"""


class About(NamedTuple):
    """What a card says.

    Attributes:
        config: The flags.
        run: That the encoder is of.
        result: What was found.
        others: {folder: row} of the encoders below.
    """

    config: Any
    run: Run
    result: EncoderResult
    others: dict[str, str]


def text(about: About) -> str:
    """The Markdown of a card.

    Args:
        about: What it says.
    """
    comparison = about.result.comparison
    row, seed = comparison.best or ("", 0)
    head = hub.front_matter(
        "sentence-transformers",
        task="sentence-similarity",
        tags=["sentence-transformers", "feature-extraction"],
        metrics=METRICS.get(comparison.primary, ()),
    )
    return head + "\n".join([
        f"# A sentence encoder: {row}",
        "",
        *(f"- {line}" for line in _facts(about, seed)),
        "",
        USE,
        "## Table",
        "",
        comparison.markdown(),
        "![Quality by speed](quality_by_speed.png)",
        "",
    ])  # fmt: skip


def _facts(about, seed):
    """A line for each thing that the encoder was made of."""
    config, problem = about.config, about.result.problem
    found, digests = about.result.best, problem.digests
    seconds = manifest.seconds(manifest.read(about.run.folder))
    layers = f"{found.network.layers} of {counted(problem.teacher.network.layers, 'layer')}"
    yield (
        f"Network: {layers}, states of {found.network.width} and vectors of {found.dimension} "
        f"numbers, texts of up to {counted(found.max_length, 'token')}; seed {seed} of "
        f"{problem.seeds}, chosen on dev: the table is of all seeds."
    )
    yield f"Teacher: {code(config.teacher or 'all-MiniLM-L6-v2')} ({digests['teacher'][:16]})"
    yield f"Texts: {plain(config.texts)} ({digests['data'][:16]}); {'; '.join(problem.notes)}"
    if config.ranking:
        yield f"Scores: {plain(config.ranking)} ({digests['rankings'][:16]})"
    if about.others:
        yield "Beside it: " + ", ".join(f"{code(x)}, {row}" for x, row in about.others.items())
    yield f"Command: {code(about.run.command)}"
    yield f"Time: {seconds:.0f} s"
    yield "Limits: tested on texts like those above; nothing is known of others."
