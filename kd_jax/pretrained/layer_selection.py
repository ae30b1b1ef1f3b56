"""Layer selection: students that start from some of their teacher's layers."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from kd_jax.models.rotations import Rotation


def cut(params: Any, layers: Sequence[int]) -> Any:
    """The parameters of an encoder or a decoder with only these of its layers, counted from 0."""
    chosen = jax.tree.map(lambda x: np.asarray(x)[list(layers)], params["layers"])
    return {**params, "layers": chosen}


def shortened(network: Any, layers: Sequence[int]) -> Any:
    """An encoder or a decoder of only these of its layers, counted from 0.

    Where networks say for each layer what it is, the layers keep that.
    """
    if hasattr(network, "local"):  # a ModernBert
        return dataclasses.replace(network, local=tuple(network.local[n] for n in layers))
    less: dict[str, Any] = {"layers": len(layers)}
    if hasattr(network, "variant"):  # a Llama
        less["variant"] = _plain(network.variant.of_layers(layers), network.theta)
    return dataclasses.replace(network, **less)


def _plain(variant, theta):
    """A Variant as files are read: what all layers have alike, and usual, is not said of each."""
    usual = set(variant.rotations) <= {Rotation(theta)}
    return variant._replace(
        windows=variant.windows if any(variant.windows) else (),
        rotations=() if usual else variant.rotations,
    )


def student(network: Any, params: Any, layers: Sequence[int]) -> tuple[Any, Any]:
    """(network, parameters) of an encoder or a decoder with only these of its layers, from 0 on."""
    return shortened(network, layers), cut(params, layers)


def alternate(layers: int, count: int) -> list[int]:
    """`count` of so many layers, evenly spaced, the last one among them: 1, 3, 5 are 3 of 6.

    Source: Sanh et al. 2019, arXiv 1910.01108, section 3.
    """
    return [round((n + 1) * layers / count) - 1 for n in range(count)]


def spaced(layers: int, count: int) -> list[int]:
    """`count` of so many layers, evenly spaced, the first and the last among them: 0, 2, 5 of 6."""
    return [round(n) for n in np.linspace(0, layers - 1, count).tolist()]
