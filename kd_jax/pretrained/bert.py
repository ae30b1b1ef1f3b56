"""BERT and DistilBERT from a Hugging Face folder: one encoder under two sets of names."""

import os
import re
from typing import Any, NamedTuple

import numpy as np

from kd_jax.errors import require
from kd_jax.models.bert import Bert
from kd_jax.pretrained import harmless, safetensors_files
from kd_jax.pretrained import model_folder as folders
from kd_jax.pretrained import weight_names as tables
from kd_jax.pretrained.weights import Weights, any_values

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
    r"(cls|classifier|pre_classifier|qa_outputs)\..*": any_values,
    r"vocab_(transform|layer_norm|projector)\.(weight|bias)": any_values,
}


class Architecture(NamedTuple):
    """What an architecture calls things: sizes and activation in its config, layers in its weights.

    prefix: what stands before the names where the model has a task's head; model: its class in
    the library, without one.
    """

    model: str
    sizes: dict
    activation: str
    layers: str
    parts: dict
    prefix: str


ARCHITECTURES = {
    "bert": Architecture(
        "BertModel",
        {
            "vocabulary": "vocab_size",
            "width": "hidden_size",
            "layers": "num_hidden_layers",
            "heads": "num_attention_heads",
            "intermediate_size": "intermediate_size",
            "max_position_embeddings": "max_position_embeddings",
            "types": "type_vocab_size",
        },
        "hidden_act",
        "encoder.layer",
        {
            "query": "attention.self.query",
            "key": "attention.self.key",
            "value": "attention.self.value",
            "attended": "attention.output.dense",
            "attention_norm": "attention.output.LayerNorm",
            "inner": "intermediate.dense",
            "outer": "output.dense",
            "norm": "output.LayerNorm",
        },
        "bert.",
    ),
    "distilbert": Architecture(
        "DistilBertModel",
        {
            "vocabulary": "vocab_size",
            "width": "dim",
            "layers": "n_layers",
            "heads": "n_heads",
            "intermediate_size": "hidden_dim",
            "max_position_embeddings": "max_position_embeddings",
        },
        "activation",
        "transformer.layer",
        {
            "query": "attention.q_lin",
            "key": "attention.k_lin",
            "value": "attention.v_lin",
            "attended": "attention.out_lin",
            "attention_norm": "sa_layer_norm",
            "inner": "ffn.lin1",
            "outer": "ffn.lin2",
            "norm": "output_layer_norm",
        },
        "distilbert.",
    ),
}


def load(folder: str | os.PathLike) -> tuple[Bert, Any]:
    """(Bert, params) of a folder with a BERT or DistilBERT; a task's head is left out.

    Raises:
        InputError: it is of another architecture, incomplete, damaged, or has settings or tensors
            that this one does not use.
    """
    kind, found = folders.settings(folder, ARCHITECTURES)
    names = ARCHITECTURES[kind]
    bert = _network(found, names)
    weights = Weights(folder, _renamed(safetensors_files.read(folder), folder))
    if any(name.startswith(names.prefix) for name in weights.found):
        weights.prefix = names.prefix
    params = tables.params(_entries(bert, names), bert.layers, weights.take)
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
    """Write a Bert as `load` reads it.

    Without token types it is written as a DistilBERT, whose ε is fixed at 1e-12.

    Args:
        folder: is made when missing.
        bert: the network.
        params: its parameters.
        tokenizer: the folder whose tokenizer files are copied, if any.

    Raises:
        InputError: ε is another without token types.
    """
    kind = "bert" if bert.types else "distilbert"
    names = ARCHITECTURES[kind]
    require(
        bert.types or bert.epsilon == EPSILON,
        f"epsilon is {bert.epsilon} without token types: a DistilBERT has {EPSILON}",
    )
    sizes = {theirs: getattr(bert, ours) for ours, theirs in names.sizes.items()}
    settings = sizes | {
        "model_type": kind, "architectures": [names.model], names.activation: "gelu",
        "layer_norm_eps": bert.epsilon, "pad_token_id": 0,
    }  # fmt: skip
    arrays = tables.tensors(_entries(bert, names), params)
    folders.save(folder, settings, arrays, tokenizer)


def _network(found, names):
    sizes = {ours: found.whole(theirs) for ours, theirs in names.sizes.items()}
    width, heads = sizes["width"], sizes["heads"]
    require(width % heads == 0, f"{found.source}: width {width} is no multiple of {heads} heads")
    epsilon = found.positive("layer_norm_eps", EPSILON)
    fixed = {} if "types" in sizes else {"layer_norm_eps": (EPSILON,)}  # a DistilBERT's is
    others = ARCHITECTURES["bert"].sizes  # a DistilBERT's sizes may stand there under both names
    twice = {theirs: (sizes[ours],) for ours, theirs in others.items() if ours in sizes}
    found.neutral(NEUTRAL | twice | {names.activation: GELU} | fixed)
    found.accounted(HARMLESS_SETTINGS)
    return Bert(**{"types": 0} | sizes, epsilon=epsilon)


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
    for ours, theirs in names.parts.items():
        path, name = ("layers", ours), f"{names.layers}.{{}}.{theirs}"
        if ours.endswith("norm"):
            found += tables.norm(path, name, bert.width)
        else:
            inputs = bert.intermediate_size if ours == "outer" else bert.width
            outputs = bert.intermediate_size if ours == "inner" else bert.width
            found += tables.dense(path, name, inputs, outputs)
    return found
