"""BERT and DistilBERT from a Hugging Face folder: one encoder under two sets of names."""

import os
from typing import Any, NamedTuple

from kd_jax.errors import require
from kd_jax.models.bert import Bert
from kd_jax.pretrained import model_folder as folders
from kd_jax.pretrained import weight_names as tables

EPSILON = 1e-12  # of the normalizations, where a config lacks it


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
            "inner": "intermediate_size",
            "positions": "max_position_embeddings",
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
            "inner": "hidden_dim",
            "positions": "max_position_embeddings",
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
    """(Bert, params) of a folder with a BERT or DistilBERT.

    Raises:
        InputError: it is of another architecture, or incomplete or damaged.
    """
    found = folders.config(folder)
    names = ARCHITECTURES[folders.kind(found, ARCHITECTURES, folder)]
    bert = _network(found, names, folder)
    weights = folders.Weights(folder, folders.tensors(folder))
    if any(name.startswith(names.prefix) for name in weights.found):
        weights.prefix = names.prefix
    return bert, tables.params(_entries(bert, names), bert.layers, weights.take)


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


def _network(found, names, folder):
    sizes = {ours: folders.setting(found, theirs, folder) for ours, theirs in names.sizes.items()}
    width, heads = sizes["width"], sizes["heads"]
    require(
        width % heads == 0, f"{folder}/config.json: width {width} is no multiple of {heads} heads"
    )
    name = found.get(names.activation, "gelu")
    require(name == "gelu", f"{folder}/config.json: activation is '{name}', expected gelu")
    epsilon = folders.positive(found, "layer_norm_eps", EPSILON, folder)
    return Bert(**{"types": 0} | sizes, epsilon=epsilon)


def _entries(bert, names):
    words = {
        "word": ("word_embeddings", bert.vocabulary),
        "position": ("position_embeddings", bert.positions),
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
            inputs = bert.inner if ours == "outer" else bert.width
            outputs = bert.inner if ours == "inner" else bert.width
            found += tables.dense(path, name, inputs, outputs)
    return found
