"""Size and speed of encoders, timed in turns on the same texts and cores."""

from collections.abc import Callable, Sequence

import jax

from kd_jax.metrics import cost
from kd_jax.pretrained.encoder import Encoder


def costs(
    encoders: Sequence[Encoder], work: Sequence[Callable[[], object]], texts: int, rounds: int
) -> tuple[list[dict], list[float]]:
    """Size and speed of encoders.

    Times are medians of some rounds, in which all take turns.

    Args:
        encoders: That are timed.
        work: What each of them does, and what is timed beside them: embeds the same texts.
        texts: How many.
        rounds: How many.

    Returns:
        ([{"layers", "parameters", "layer_parameters", "bytes", "sentences_per_second"}], texts a
        second of what is timed beside them).
    """
    speeds = [texts / seconds for seconds in cost.in_turns(work, rounds)]
    found = [
        sizes(encoder) | {"sentences_per_second": speed} for encoder, speed in zip(encoders, speeds)
    ]
    return found, speeds[len(encoders) :]


def sizes(encoder: Encoder) -> dict[str, int]:
    """{"layers", "parameters", "layer_parameters", "bytes"} of an encoder in float32.

    Args:
        encoder: The encoder.
    """
    of_parts = {name: _count(x) for name, x in encoder.params.items()}
    total = sum(of_parts.values()) + _count(encoder.head_params)
    return {
        "layers": encoder.network.layers,
        "parameters": total,
        "layer_parameters": of_parts.get("layers", 0),
        "bytes": 4 * total,
    }


def _count(tree):
    return sum(x.size for x in jax.tree.leaves(tree))
