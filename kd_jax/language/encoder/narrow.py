"""Students of a smaller width: the teacher's embeddings by PCA, new layers, and a projection.

Their vectors have as many numbers as the teacher's: the projection is a Dense of the head, which
sentence-transformers reads too.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key
from scipy import linalg

from kd_jax.errors import require
from kd_jax.language.encoder.students import HEAD, Student, check, chosen
from kd_jax.models.bert import sentence_encoder
from kd_jax.models.sentence import Dense, Head
from kd_jax.pretrained import layer_selection
from kd_jax.pretrained.encoder import Encoder
from kd_jax.training import state

TABLES = "word", "position", "type"  # of the embeddings, whose rows are added


def of_width(teacher: Encoder, count: int, width: int, drawn_by: Key[Array, ""]) -> Student:
    """A student of fewer layers and a smaller width, all of which learns.

    Args:
        teacher: Whose embeddings and head it begins with.
        count: Of its layers.
        width: Of its hidden states: as many heads of the teacher's size as fit.
        drawn_by: The key of its layers.

    Raises:
        InputError: The width is none of such.
    """
    check(teacher, [count])
    whole: Any = teacher.network
    layers = chosen(teacher, count)
    size = check_width(teacher, width)
    network = dataclasses.replace(
        layer_selection.shortened(whole, layers), width=width, heads=width // size,
        intermediate_size=whole.intermediate_size * width // whole.width,
    )  # fmt: skip
    drawn = state.at(state.initialize(sentence_encoder(network).init)(drawn_by[None]), 0)["params"]
    own = {
        name: np.asarray(x) for name, x in teacher.params["embeddings"].items() if name in TABLES
    }
    directions = _directions(own["word"], width)
    tables = {name: jnp.asarray(x @ directions) for name, x in own.items()}
    params = {**drawn, "embeddings": {**drawn["embeddings"], **tables}}
    kernel = linalg.block_diag(*[directions.T] * len(teacher.head.poolings))
    params[HEAD] = ({"kernel": jnp.asarray(kernel, jnp.float32)}, *teacher.head_params)
    head = Head(teacher.head.poolings, (Dense(jnp.asarray), *teacher.head.steps))
    return Student(network, head, jax.tree.map(jnp.asarray, params), layers, frozen=())


def check_width(teacher: Encoder, width: int) -> int:
    """The size of a head; InputError unless students may have this width.

    Args:
        teacher: Theirs.
        width: Of their hidden states.
    """
    whole: Any = teacher.network
    size = whole.width // whole.heads
    require(
        0 < width < whole.width and width % size == 0,
        f"--width={width}: expected a multiple of {size}, the size of a head, below {whole.width}",
    )
    return size


def _directions(table, width):
    """[D, width]: orthonormal, along which the rows of a table have the largest squares."""
    rows = np.asarray(table, np.float64)
    squares, directions = np.linalg.eigh(rows.T @ rows)
    return directions[:, np.argsort(-squares)[:width]].astype(np.float32)
