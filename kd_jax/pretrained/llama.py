"""Decoders from a Hugging Face folder, and back: Llama and its relatives, SmolLM2 among them."""

import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from kd_jax import paths
from kd_jax.models.llama import Llama, layer_kinds
from kd_jax.pretrained import decoder_settings, safetensors_files
from kd_jax.pretrained import model_folder as folders
from kd_jax.pretrained import weight_names as tables
from kd_jax.pretrained.decoder_families import FAMILIES
from kd_jax.pretrained.weights import Weights

# what we call a tensor: what the files call it; {} is the number of the layer
NAMES = {
    "embedding": "model.embed_tokens",
    "attention_norm": "model.layers.{}.input_layernorm",
    "query": "model.layers.{}.self_attn.q_proj",
    "key": "model.layers.{}.self_attn.k_proj",
    "value": "model.layers.{}.self_attn.v_proj",
    "query_norm": "model.layers.{}.self_attn.q_norm",
    "key_norm": "model.layers.{}.self_attn.k_norm",
    "attended": "model.layers.{}.self_attn.o_proj",
    "inner_norm": "model.layers.{}.post_attention_layernorm",
    "gate": "model.layers.{}.mlp.gate_proj",
    "up": "model.layers.{}.mlp.up_proj",
    "down": "model.layers.{}.mlp.down_proj",
    "norm": "model.norm",
    "head": "lm_head",
}
# where what is added is normalized, the name means something else
POST = {
    "attended_norm": "model.layers.{}.post_attention_layernorm",
    "inner_norm": "model.layers.{}.pre_feedforward_layernorm",
    "down_norm": "model.layers.{}.post_feedforward_layernorm",
}
IDS = "bos_token_id", "eos_token_id", "pad_token_id"
FUSED = {
    ("query", "key", "value"): "model.layers.{}.self_attn.qkv_proj.weight",
    ("gate", "up"): "model.layers.{}.mlp.gate_up_proj.weight",
}


def load(folder: str | os.PathLike) -> tuple[Llama, Any]:
    """(Llama, params) of a folder with a decoder of one of the FAMILIES.

    Raises:
        InputError: it is of another architecture, incomplete, damaged, or has settings or tensors
            that this one does not use.
    """
    llama, params, read = begun(folder)
    read()
    return llama, params


def begun(folder: str | os.PathLike) -> tuple[Llama, Any, Callable[[], None]]:
    """(Llama, params, read): as `load`, of which params are whole once read() has returned.

    Raises:
        InputError: As `load`; of numbers that are not finite, and tensors that are not used, when
            read() is called.
    """
    llama = decoder_settings.network(folder)
    weights = Weights(folder, safetensors_files.read(folder))
    params = tables.params(_entries(llama), llama.layers, weights)
    weights.begin()
    return llama, params, lambda: weights.accounted(_harmless(llama, params))


def _harmless(llama, params):
    """Tensors that files have and nobody needs, if they hold what follows from the others."""
    turns = {rotation for _, rotation in layer_kinds(llama) if rotation}

    def frequency(array):  # in half precision, too
        known = [rotation.frequencies(llama.head_dim)[0] for rotation in turns]
        alike = len(known) == 1 and array.shape == known[0].shape
        return alike and np.allclose(np.float64(array), known[0], rtol=0.02, atol=1e-6)

    found = {r"model\.(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq": frequency}
    if llama.tied:
        table = params["embedding"]
        found["lm_head.weight"] = lambda array: np.array_equal(np.float32(array), table)
    return found


def save(
    folder: str | os.PathLike,
    llama: Llama,
    params: Any,
    tokenizer: str | os.PathLike | None = None,
    *,
    dtype: Any = np.float32,
    ids: dict[str, Any] | None = None,
) -> None:
    """Write a decoder as `load` reads it, and as libraries expect its family.

    Args:
        folder: is made when missing.
        llama: the network.
        params: its parameters.
        tokenizer: the folder whose tokenizer files are copied, if any.
        dtype: of the weights, float32 or bfloat16.
        ids: of special tokens, where no such folder states them.

    Raises:
        InputError: the network does something that its family's settings cannot say.
    """
    settings = decoder_settings.settings(llama) | _ids(tokenizer) | (ids or {})
    arrays = tables.tensors(_entries(llama), params)
    arrays = {name: array.astype(dtype, copy=False) for name, array in arrays.items()}
    folders.save(folder, settings, arrays, tokenizer)


def _ids(tokenizer):
    """The ids of special tokens that a tokenizer's folder states; else no id pads.

    Libraries have ids of their own for what is not said, perhaps beyond the vocabulary.
    """
    path = pathlib.Path(tokenizer or "") / "config.json"
    found = folders.json_object(path) if tokenizer is not None and paths.has_file(path) else {}
    return {"pad_token_id": None} | {name: found[name] for name in IDS if name in found}


def _entries(llama):
    """The Entries of a decoder's arrays as its family names them."""
    found = entries(llama, NAMES | (POST if llama.variant.post_norms else {}))
    if not FAMILIES[llama.variant.family].fused:
        return found
    for several, theirs in FUSED.items():
        ours = [("layers", name, "kernel") for name in several]
        first = next(n for n, entry in enumerate(found) if entry.ours == ours[0])
        parts = [entry for entry in found if entry.ours in ours]
        rest = [entry for entry in found if entry.ours not in ours]
        found = rest[:first] + tables.fused(theirs, parts) + rest[first:]
    return found


def entries(llama: Llama, names: dict[str, str]) -> list[tables.Entry]:
    """The Entries of a Llama's arrays under such NAMES."""
    queries, keys = llama.heads * llama.head_dim, llama.num_kv_heads * llama.head_dim
    width, inner, variant = llama.width, llama.intermediate_size, llama.variant

    def dense(name, inputs, outputs, bias):
        return tables.dense(("layers", name), names[name], inputs, outputs, bias)

    def norm(name, *path, size=width, present=True):
        return tables.norm((*path, name), names[name], size, bias=False) if present else []

    def head_norm(name, size):
        size = llama.head_dim if variant.head_norms else size
        present = variant.head_norms or variant.projection_norms
        return norm(name, "layers", size=size, present=present)

    table = f"{names['embedding']}.weight", (llama.vocabulary, width)
    head = tables.Entry(("head",), f"{names['head']}.weight", (llama.vocabulary, width))
    return [
        tables.Entry(("embedding",), *table),
        *norm("attention_norm", "layers", present=variant.pre_norms),
        *dense("query", width, queries, llama.biases),
        *dense("key", width, keys, llama.biases),
        *dense("value", width, keys, llama.biases),
        *head_norm("query_norm", queries),
        *head_norm("key_norm", keys),
        *dense("attended", queries, width, variant.output_bias),
        *norm("attended_norm", "layers", present=variant.post_norms),
        *norm("inner_norm", "layers", present=variant.pre_norms),
        *dense("gate", width, inner, variant.inner_biases),
        *dense("up", width, inner, variant.inner_biases),
        *dense("down", inner, width, variant.inner_biases),
        *norm("down_norm", "layers", present=variant.post_norms),
        *norm("norm"),
        *([] if llama.tied else [head]),
    ]
