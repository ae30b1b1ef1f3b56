"""What a teacher says of texts: their vectors and its hidden states, computed once and cached."""

import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from kd_jax import fingerprint
from kd_jax.data import padding
from kd_jax.language.encoder import students
from kd_jax.pretrained.encoder import Encoder
from kd_jax.storage import array_cache
from kd_jax.training.state import stateless

BATCH = 64  # texts at a time


class TeacherOutputs(NamedTuple):
    """Texts as tokens, and a teacher's outputs for them.

    Attributes:
        tokens: Tokens [N, T].
        vectors: The texts' vectors.
        hidden: The states after the layers `layers`, in half precision.
        layers: Of the teacher, from 0 on.
    """

    tokens: padding.Tokens
    vectors: Float[np.ndarray, "N D"]
    hidden: Float[np.ndarray, "N L T W"]
    layers: tuple[int, ...]

    def of_layers(self, wanted: Sequence[int]) -> Float[np.ndarray, "N l T W"]:
        """The states after some of these layers.

        Args:
            wanted: Layers of the teacher.
        """
        return self.hidden[:, [self.layers.index(layer) for layer in wanted]]


def bytes_of(teacher: Encoder, tokens: padding.Tokens, layers: Sequence[int]) -> int:
    """What the hidden states of TeacherOutputs take in memory, and on disk.

    Args:
        teacher: The encoder.
        tokens: Of the texts.
        layers: As for `outputs`.
    """
    return 2 * tokens.ids.size * len(layers) * teacher.network.width


def outputs(
    teacher: Encoder,
    tokens: padding.Tokens,
    layers: Sequence[int],
    report: Callable[[int], Any] = int,
) -> TeacherOutputs:
    """The TeacherOutputs of texts.

    Args:
        teacher: The encoder.
        tokens: Of the texts.
        layers: Those of the teacher after which states are kept.
        report: Is called with how many texts are done.
    """
    apply = students.model(teacher.network, teacher.head).apply
    rows, width = tokens.ids.shape
    vectors = np.zeros((rows, teacher.dimension), np.float32)
    hidden = np.zeros((rows, len(layers), width, teacher.network.width), np.float16)

    @jax.jit
    def states(params, batch):
        (found, features), _ = apply(stateless(params), batch)
        chosen = features["hidden"][np.array(layers, int) + 1]  # the embeddings come first
        return found, chosen.swapaxes(0, 1).astype(jnp.float16)

    params, done = {**teacher.params, students.HEAD: teacher.head_params}, 0
    for chosen, batch in padding.by_length(tokens, BATCH):
        found, of_layers = states(params, batch._asdict())
        vectors[chosen] = found[: len(chosen)]
        hidden[chosen, :, : of_layers.shape[2]] = of_layers[: len(chosen)]
        done += len(chosen)
        report(done)
    return TeacherOutputs(tokens, vectors, hidden, tuple(layers))


def digest(teacher: Encoder) -> str:
    """SHA-256 of the parameters of an encoder and of its head.

    Args:
        teacher: The encoder.
    """
    own = teacher.head_params
    return fingerprint.arrays([teacher.params, own] if jax.tree.leaves(own) else teacher.params)


def facts(teacher: Encoder, code: Callable) -> dict[str, str]:
    """What decides the outputs of a teacher, besides what it reads.

    Args:
        teacher: The encoder.
        code: That computes them.
    """
    return {
        "teacher": digest(teacher), "code": fingerprint.code(code),
        "net": fingerprint.value(teacher.network), "head": fingerprint.value(teacher.head),
    }  # fmt: skip


def folder(teacher: Encoder, workdir: str | os.PathLike) -> pathlib.Path:
    """Where the outputs of a teacher are kept.

    Args:
        teacher: The encoder.
        workdir: The folder of runs.
    """
    return pathlib.Path(workdir).expanduser().absolute() / "teachers" / digest(teacher)[:16]


def cached(
    teacher: Encoder,
    tokens: padding.Tokens,
    layers: Sequence[int],
    workdir: str | os.PathLike,
    *,
    again: bool = False,
    report: Callable[[int], Any] = int,
) -> TeacherOutputs:
    """`outputs`, computed once and kept below a folder of runs.

    Args:
        teacher: As for `outputs`.
        tokens: As for `outputs`.
        layers: As for `outputs`.
        workdir: The folder.
        again: Compute them even if they are there.
        report: As for `outputs`.
    """
    own = {"tokens": fingerprint.arrays(tokens), "layers": list(layers)}

    def compute():
        found = outputs(teacher, tokens, layers, report)
        return {"vectors": found.vectors, "hidden": found.hidden}

    found = array_cache.cached(
        folder(teacher, workdir), facts(teacher, outputs) | own, compute, again=again
    )
    return TeacherOutputs(tokens, found["vectors"], found["hidden"], tuple(layers))
