"""BERT and DistilBERT from a folder: the same encoder under two sets of names."""

import jax
import numpy as np

from kd_jax.errors import InputError, require
from kd_jax.models.bert import Bert
from kd_jax.pretrained import folder as folders

EPSILON = 1e-12  # of DistilBERT's normalisations, which its config does not say
BERT = {  # our names: theirs
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attended": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "inner": "intermediate.dense",
    "outer": "output.dense",
    "norm": "output.LayerNorm",
}
DISTILBERT = {
    "query": "attention.q_lin",
    "key": "attention.k_lin",
    "value": "attention.v_lin",
    "attended": "attention.out_lin",
    "attention_norm": "sa_layer_norm",
    "inner": "ffn.lin1",
    "outer": "ffn.lin2",
    "norm": "output_layer_norm",
}


def load(folder):
    """(Bert, params) of a folder with a BERT or DistilBERT.

    Raises: InputError, one line, when it is of another architecture, or incomplete or damaged.
    """
    found = folders.config(folder)
    kind = found.get("model_type")
    if kind == "bert":
        sizes, names, layer, prefix = _bert(found, folder), BERT, "encoder.layer", "bert."
    elif kind == "distilbert":
        sizes, names = _distilbert(found, folder), DISTILBERT
        layer, prefix = "transformer.layer", "distilbert."
    else:
        raise InputError(f"{folder}: model_type is '{kind}', expected bert or distilbert")
    bert = Bert(**sizes)
    width = sizes["width"]
    require(
        width % sizes["heads"] == 0,
        f"{folder}/config.json: width {width} is no multiple of {sizes['heads']} heads",
    )
    weights = folders.Weights(folder)
    if any(name.startswith(prefix) for name in weights.found):  # a model with a task's head
        weights.prefix = prefix
    layers = [_layer(weights, f"{layer}.{n}", names, bert) for n in range(bert.layers)]
    stacked = jax.tree.map(lambda *x: np.stack(x), *layers)
    return bert, {"embeddings": _embeddings(weights, bert), "layers": stacked}


def _bert(found, folder):
    names = {
        "vocabulary": "vocab_size",
        "width": "hidden_size",
        "layers": "num_hidden_layers",
        "heads": "num_attention_heads",
        "inner": "intermediate_size",
        "positions": "max_position_embeddings",
        "types": "type_vocab_size",
    }
    sizes = {ours: folders.setting(found, theirs, folder) for ours, theirs in names.items()}
    _check_activation(found.get("hidden_act", "gelu"), folder)
    return sizes | {"epsilon": float(found.get("layer_norm_eps", EPSILON))}


def _distilbert(found, folder):
    names = {
        "vocabulary": "vocab_size",
        "width": "dim",
        "layers": "n_layers",
        "heads": "n_heads",
        "inner": "hidden_dim",
        "positions": "max_position_embeddings",
    }
    sizes = {ours: folders.setting(found, theirs, folder) for ours, theirs in names.items()}
    _check_activation(found.get("activation", "gelu"), folder)
    return sizes | {"types": 0, "epsilon": EPSILON}


def _check_activation(name, folder):
    require(name == "gelu", f"{folder}/config.json: activation is '{name}', expected gelu")


def _embeddings(weights, bert):
    tables = {"word": bert.vocabulary, "position": bert.positions, "type": bert.types}
    found = {
        name: weights.take(f"embeddings.{name_there}.weight", rows, bert.width)
        for (name, rows), name_there in zip(
            tables.items(),
            ("word_embeddings", "position_embeddings", "token_type_embeddings"),
        )
        if rows
    }
    return found | {"norm": weights.norm("embeddings.LayerNorm", bert.width)}


def _layer(weights, prefix, names, bert):
    found = {}
    for ours, theirs in names.items():
        if ours.endswith("norm"):
            found[ours] = weights.norm(f"{prefix}.{theirs}", bert.width)
        else:
            inputs = bert.inner if ours == "outer" else bert.width
            outputs = bert.inner if ours == "inner" else bert.width
            found[ours] = weights.dense(f"{prefix}.{theirs}", inputs, outputs)
    return found
