"""The model card of an encoder: what it is, what it keeps, what it was made of, how to use it."""

from typing import Any, NamedTuple

from kd_jax.command.card import code, plain
from kd_jax.language.encoder import card
from kd_jax.language.encoder.result import EncoderResult
from kd_jax.storage import manifest
from kd_jax.storage.run_folder import Run


class About(NamedTuple):
    """What a card says.

    Attributes:
        config: The flags.
        run: That the encoder is of.
        result: What was found.
        others: {folder: row} of the encoders below.
        onnx: Whether onnx/model.onnx is there.
    """

    config: Any
    run: Run
    result: EncoderResult
    others: dict[str, str]
    onnx: bool = False


def text(about: About) -> str:
    """The Markdown of a card.

    Args:
        about: What it says.
    """
    comparison, found = about.result.comparison, about.result.best
    row, seed = comparison.best or ("", 0)
    onnx = card.ONNX.format(longest=found.max_length) if about.onnx else ""
    figure = "![Quality by speed](quality_by_speed.png)\n"
    return card.text(row, comparison, _facts(about, seed, found), [onnx, figure])


def _facts(about, seed, found):
    """A line for each thing that the encoder was made of."""
    config, problem = about.config, about.result.problem
    digests, seconds = problem.digests, manifest.seconds(manifest.read(about.run.folder))
    yield card.network(problem, found, seed)
    yield f"Teacher: {code(config.teacher or 'all-MiniLM-L6-v2')} ({digests['teacher'][:16]})"
    yield f"Texts: {plain(config.texts)} ({digests['data'][:16]}); {'; '.join(problem.notes)}"
    if config.ranking:
        yield f"Scores: {plain(config.ranking)} ({digests['rankings'][:16]})"
    if about.others:
        yield "Beside it: " + ", ".join(f"{code(x)}, {row}" for x, row in about.others.items())
    yield f"Command: {code(about.run.command)}"
    yield f"Time: {seconds:.0f} s"
    yield "Limits: tested on texts like those above; nothing is known of others."
