"""ModernBERT from a Hugging Face folder, of older and newer spelling of layers and rotations."""

import os
from typing import Any

import numpy as np

from kd_jax.errors import require
from kd_jax.models.modernbert import ModernBert
from kd_jax.pretrained import harmless, safetensors_files
from kd_jax.pretrained import model_folder as folders
from kd_jax.pretrained import weight_names as tables
from kd_jax.pretrained.settings import Settings, shown
from kd_jax.pretrained.weights import Weights, any_values

KIND, PREFIX = "modernbert", "model."
SIZES = {
    "vocabulary": "vocab_size",
    "width": "hidden_size",
    "heads": "num_attention_heads",
    "intermediate_size": "intermediate_size",
    "max_position_embeddings": "max_position_embeddings",
}
LOCAL, GLOBAL = "sliding_attention", "full_attention"  # kinds of layers
EPSILON, WINDOW, EVERY = 1e-5, 128, 3  # where a config lacks them
# {kind of layer: what older configs call the base of its rotations, and that where they lack it}
THETAS = {GLOBAL: ("global_rope_theta", 160000.0), LOCAL: ("local_rope_theta", 10000.0)}
# what is not implemented, with the values at which it changes nothing
NEUTRAL = harmless.NEUTRAL | {
    "hidden_activation": ("gelu",),
    "attention_bias": (False,),
    "mlp_bias": (False,),
    "norm_bias": (False,),
    "is_decoder": (False,),
    "is_causal": (False,),
    "rope_scaling": (None,),
    "position_embedding_type": ("absolute", "rope", "sans_pos"),  # which nothing reads
}
# of training and of a task's head
HARMLESS_SETTINGS = harmless.COMMON | frozenset(
    """
    tie_word_embeddings embedding_dropout mlp_dropout initializer_cutoff_factor layer_norm_eps
    decoder_bias classifier_bias classifier_activation classifier_pooling sparse_prediction
    sparse_pred_ignore_index deterministic_flash_attn reference_compile repad_logits_with_grad
    """.split()
)
FIRST_NORM = "layers.0.attn_norm.weight"  # which files lack, as it is not used
MOST = 1000  # layers
HARMLESS_TENSORS = {r"(head|decoder|classifier|drop|qa_outputs)\..*": any_values}


def load(folder: str | os.PathLike) -> tuple[ModernBert, Any]:
    """(ModernBert, params) of a folder with a ModernBERT; a task's head is left out.

    Raises:
        InputError: it is of another architecture, incomplete, damaged, or has settings or tensors
            that this one does not use.
    """
    _, found = folders.settings(folder, [KIND])
    net = _network(found)
    weights = Weights(folder, safetensors_files.read(folder))
    if any(name.startswith(PREFIX) for name in weights.found):
        weights.prefix = PREFIX

    own = weights.prefix + FIRST_NORM
    require(own not in weights.found, f"{folder}: tensor '{own}' is none of a ModernBERT's")
    weights.found[own] = np.ones(net.width, np.float32)
    params = tables.params(_entries(net), net.layers, weights)
    weights.accounted(HARMLESS_TENSORS)
    return net, params


def save(
    folder: str | os.PathLike,
    net: ModernBert,
    params: Any,
    tokenizer: str | os.PathLike | None = None,
) -> None:
    """Write a ModernBert as `load` reads it.

    So do transformers from version 5 on; older ones only where every n-th layer is global, the
    first among them.

    Args:
        folder: is made when missing.
        net: the network.
        params: its parameters.
        tokenizer: the folder whose tokenizer files are copied, if any.
    """
    settings: dict = {"model_type": KIND, "architectures": ["ModernBertModel"]}
    settings |= {theirs: getattr(net, ours) for ours, theirs in SIZES.items()}
    settings |= {
        "num_hidden_layers": net.layers, "layer_types": [LOCAL if x else GLOBAL for x in net.local],
        "local_attention": 2 * net.window, "norm_eps": net.epsilon, "hidden_activation": "gelu",
        "global_rope_theta": net.theta, "local_rope_theta": net.local_theta, "pad_token_id": 0,
    }  # fmt: skip
    every = [n for n in range(1, net.layers + 1) if net.local == _all_but_every(n, net.layers)]
    settings |= {"global_attn_every_n_layers": every[0]} if every else {}
    arrays = tables.tensors(_entries(net), params)
    del arrays[FIRST_NORM]
    folders.save(folder, settings, arrays, tokenizer)


def _entries(net):
    width, inner = net.width, net.intermediate_size
    word = "embeddings.tok_embeddings.weight", (net.vocabulary, width)
    found = [tables.Entry(("embeddings", "word"), *word)]
    norms = {
        ("embeddings", "norm"): "embeddings.norm",
        ("norm",): "final_norm",
        ("layers", "attention_norm"): "layers.{}.attn_norm",
        ("layers", "inner_norm"): "layers.{}.mlp_norm",
    }
    for path, theirs in norms.items():
        found += tables.norm(path, theirs, width, bias=False)
    dense = {
        "qkv": ("attn.Wqkv", width, 3 * width),
        "attended": ("attn.Wo", width, width),
        "inner": ("mlp.Wi", width, 2 * inner),
        "outer": ("mlp.Wo", inner, width),
    }
    for name, (theirs, inputs, outputs) in dense.items():
        path = "layers", name
        found += tables.dense(path, f"layers.{{}}.{theirs}", inputs, outputs, bias=False)
    return found


def _network(found):
    sizes = {ours: found.whole(theirs) for ours, theirs in SIZES.items()}
    width, heads = sizes["width"], sizes["heads"]
    require(
        width % (2 * heads) == 0,
        f"{found.source}: width {width} is no multiple of 2 × {heads} heads, whose halves rotate",
    )
    epsilon = found.epsilon("norm_eps", EPSILON)
    window = found.whole("local_attention") // 2 if found.has("local_attention") else WINDOW // 2
    thetas = {kind: _theta(found, kind) for kind in THETAS}
    local = _local(found)
    found.neutral(NEUTRAL)
    found.accounted(HARMLESS_SETTINGS)
    return ModernBert(
        **sizes, local=local, window=window, theta=thetas[GLOBAL], local_theta=thetas[LOCAL],
        epsilon=epsilon,
    )  # fmt: skip


def _all_but_every(n, layers):
    """Which layers are local where every n-th, the first among them, is global."""
    return tuple(layer % n > 0 for layer in range(layers))


def _local(found):
    """Which layers are local: newer configs list the kinds of all, older ones say a distance."""
    layers, kinds = found.whole("num_hidden_layers"), found.get("layer_types")
    require(
        layers <= MOST, f"{found.source}: num_hidden_layers is {layers}, expected {MOST} at most"
    )
    name = "global_attn_every_n_layers"
    every = found.whole(name) if found.has(name) else EVERY
    if kinds is None:
        return _all_but_every(every, layers)
    known = isinstance(kinds, list) and all(kind in (LOCAL, GLOBAL) for kind in kinds)
    require(
        known and len(kinds) == layers,
        f"{found.source}: layer_types is {shown(kinds)}, expected {layers} of {GLOBAL} or {LOCAL}",
    )
    return tuple(kind == LOCAL for kind in kinds)


def _theta(found, kind):
    """The base of the rotations in one kind of layers, of newer or older spelling."""
    older, default = THETAS[kind]
    every = found.get("rope_parameters") or {}
    own = every.get(kind) or {} if isinstance(every, dict) else every
    source = f"{found.source}: rope_parameters"
    require(isinstance(own, dict), f"{source} is {shown(every)}, expected one object for each kind")
    Settings(every, source).accounted(THETAS)
    own = Settings(own, f"{source}.{kind}")
    own.neutral({"rope_type": ("default",), "type": ("default",), "partial_rotary_factor": (1,)})
    said = [(own, "rope_theta"), (found, older)]
    given = {each.theta(name, default) for each, name in said if each.has(name)}
    own.accounted([])
    require(
        older not in found.found or found.has(older),
        f"{found.source}: {older} is null: libraries differ on what that means; give the number",
    )
    require(
        len(given) <= 1,
        f"{found.source}: {older} and rope_parameters.{kind} give {shown(sorted(given))}: "
        "libraries differ on which of them counts; keep one",
    )
    return next(iter(given), default)
