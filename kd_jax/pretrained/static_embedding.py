"""Folders of static encoders: the module StaticEmbedding of sentence-transformers."""

import os
import pathlib
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from kd_jax.errors import require
from kd_jax.models.static import StaticEmbedding
from kd_jax.pretrained import safetensors_files
from kd_jax.pretrained.weights import Weights

TENSOR = "embedding.weight"


def load(folder: str | os.PathLike) -> tuple[StaticEmbedding, Any]:
    """(StaticEmbedding, params) of a module's folder.

    Raises:
        InputError: its tensors are damaged, or others than a table of tokens.
    """
    found = safetensors_files.read(folder)
    table = found.get(TENSOR)
    shape = () if table is None else np.shape(table)
    require(len(shape) == 2, f"{folder} has no table {TENSOR} [tokens, numbers]: expected one")
    weights = Weights(folder, found)
    params = {"embeddings": {"word": weights.take(TENSOR, *shape)}}
    weights.accounted({})
    return StaticEmbedding(*map(int, shape)), params


def save(folder: str | os.PathLike, params: Any, tokenizer: Tokenizer) -> None:
    """Write a static encoder's module as `load` and sentence-transformers read it.

    Args:
        folder: is made when missing.
        params: of the StaticEmbedding.
        tokenizer: its tokenizer, as it reads texts.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    table = np.ascontiguousarray(params["embeddings"]["word"], dtype=np.float32)
    safetensors_files.write(folder, {TENSOR: table})
    safetensors_files.replace(folder / "tokenizer.json", tokenizer.to_str())
