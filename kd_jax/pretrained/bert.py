"""BERT and its relatives from a Hugging Face folder: one encoder under several sets of names.

RoBERTa, XLM-R, MPNet and DistilBERT are a Bert with the differences that `bert_families` lists.
"""

import os
import re
from typing import Any

import numpy as np

from kd_jax.errors import require
from kd_jax.models.bert import BUCKETS, Bert
from kd_jax.pretrained import harmless, safetensors_files
from kd_jax.pretrained import model_folder as folders
from kd_jax.pretrained import weight_names as tables
from kd_jax.pretrained.bert_families import ARCHITECTURES, SIZES, kind_of
from kd_jax.pretrained.settings import shown
from kd_jax.pretrained.weights import Weights, any_values

MOST = 1000  # layers
EPSILON = 1e-12  # of the normalizations, where a config lacks it
GELU = "gelu", "gelu_python"  # two names of one function
# what is not implemented, with the values at which it changes nothing
NEUTRAL = harmless.NEUTRAL | {
    "position_embedding_type": ("absolute",),
    "is_decoder": (False,),
    "directionality": ("bidi",),
}
# of the head of a task, and positions that lie in a table
HARMLESS_SETTINGS = harmless.COMMON | frozenset(
    """
    tie_word_embeddings tie_weights_ sinusoidal_pos_embds pooler_type pooler_fc_size
    pooler_num_attention_heads pooler_num_fc_layers pooler_size_per_head
    """.split()
)
HARMLESS_TENSORS = {
    r"embeddings\.position_ids": lambda array: np.array_equal(
        np.ravel(array), np.arange(np.size(array))
    ),
    r"pooler\.dense\.(weight|bias)": any_values,  # it reads the last hidden states, as heads do
    r"(cls|classifier|pre_classifier|qa_outputs|lm_head)\..*": any_values,
    r"vocab_(transform|layer_norm|projector)\.(weight|bias)": any_values,
}


def load(folder: str | os.PathLike) -> tuple[Bert, Any]:
    """(Bert, params) of a folder with a BERT or a relative of it; a task's head is left out.

    Raises:
        InputError: it is of another architecture, incomplete, damaged, or has settings or tensors
            that this one does not use.
    """
    kind, found = folders.settings(folder, ARCHITECTURES)
    names = ARCHITECTURES[kind]
    bert = _network(kind, found)
    weights = Weights(folder, _renamed(safetensors_files.read(folder), folder))
    if any(name.startswith(names.prefix) for name in weights.found):
        weights.prefix = names.prefix
    params = tables.params(_entries(bert, names), bert.layers, weights)
    weights.accounted(HARMLESS_TENSORS)
    return bert, params


def _renamed(arrays, folder):
    """The arrays, those of normalizations no longer under the names of the first checkpoints."""
    found = {}
    for name, array in arrays.items():
        new = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", name)
        new = re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", new)
        require(new not in found, f"{folder} has the tensor '{new}' under two names: keep one")
        found[new] = array
    return found


def save(
    folder: str | os.PathLike, bert: Bert, params: Any, tokenizer: str | os.PathLike | None = None
) -> None:
    """Write a Bert as `load` reads it: as the family whose differences it has, an XLM-R as RoBERTa.

    Args:
        folder: is made when missing.
        bert: the network.
        params: its parameters.
        tokenizer: the folder whose tokenizer files are copied, if any.

    Raises:
        InputError: ε or the padding is another than the family's fixed one.
    """
    kind = kind_of(bert.types, bert.padding, bert.buckets)
    names = ARCHITECTURES[kind]
    require(
        kind != "distilbert" or bert.epsilon == EPSILON,
        f"epsilon is {bert.epsilon} without token types: a DistilBERT has {EPSILON}",
    )
    require(
        kind != "mpnet" or bert.padding == names.padding,
        f"padding is {bert.padding} beside relative positions: an MPNet's is {names.padding}",
    )
    sizes = {theirs: getattr(bert, ours) for ours, theirs in names.sizes.items()}
    settings = sizes | {
        "model_type": kind, "architectures": [names.model], names.activation: "gelu",
        "layer_norm_eps": bert.epsilon, "pad_token_id": max(bert.padding, 0),
    }  # fmt: skip
    arrays = tables.tensors(_entries(bert, names), params)
    folders.save(folder, settings, arrays, tokenizer)


def _network(kind, found):
    names = ARCHITECTURES[kind]
    sizes = {ours: found.whole(theirs) for ours, theirs in names.sizes.items()}
    width, heads, layers = sizes["width"], sizes["heads"], sizes["layers"]
    require(
        layers <= MOST,
        f"{found.source}: {names.sizes['layers']} is {layers}, expected {MOST} at most",
    )
    require(width % heads == 0, f"{found.source}: width {width} is no multiple of {heads} heads")
    epsilon = found.epsilon("layer_norm_eps", EPSILON)
    fixed = {} if kind != "distilbert" else {"layer_norm_eps": (EPSILON,)}
    # a DistilBERT's sizes may stand there under both names
    twice = {theirs: (sizes[ours],) for ours, theirs in SIZES.items()}
    found.neutral(NEUTRAL | twice | {names.activation: GELU} | fixed)
    bert = Bert(**{"types": 0} | sizes, epsilon=epsilon, padding=_padding(kind, found))
    require(
        bert.longest > 0,
        f"{found.source}: max_position_embeddings is {bert.max_position_embeddings}, expected "
        f"more than {bert.padding} + 1: positions count behind the padding's id",
    )
    require(
        bert.buckets in (0, BUCKETS),
        f"{found.source}: relative_attention_num_buckets is {bert.buckets}, expected {BUCKETS}: "
        "the library that it is of computes no other",
    )
    found.accounted(HARMLESS_SETTINGS)
    return bert


def _padding(kind, found):
    """The id of the padding, behind which positions count; −1 where they count from 0."""
    fixed = ARCHITECTURES[kind].padding
    if fixed < 0:
        return fixed
    if kind == "mpnet":  # whose positions count behind 1 whatever the config says
        found.neutral({"pad_token_id": (fixed,)})
    value = found.get("pad_token_id", fixed)
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    require(whole, f"{found.source}: pad_token_id is {shown(value)}, expected the padding's id")
    return value


def _entries(bert, names):
    words = {
        "word": ("word_embeddings", bert.vocabulary),
        "position": ("position_embeddings", bert.max_position_embeddings),
        "type": ("token_type_embeddings", bert.types),
    }
    found = [
        tables.Entry(("embeddings", ours), f"embeddings.{theirs}.weight", (rows, bert.width))
        for ours, (theirs, rows) in words.items()
        if rows
    ]
    found += tables.norm(("embeddings", "norm"), "embeddings.LayerNorm", bert.width)
    if bert.buckets:
        relative, shape = "encoder.relative_attention_bias.weight", (bert.buckets, bert.heads)
        found.append(tables.Entry(("embeddings", "relative"), relative, shape))
    for ours, theirs in names.parts.items():
        path, name = ("layers", ours), f"{names.layers}.{{}}.{theirs}"
        if ours.endswith("norm"):
            found += tables.norm(path, name, bert.width)
        else:
            inputs = bert.intermediate_size if ours == "outer" else bert.width
            outputs = bert.intermediate_size if ours == "inner" else bert.width
            found += tables.dense(path, name, inputs, outputs)
    return found
