"""Llama and Qwen2 from a Hugging Face folder: one decoder, with or without biases.

SmolLM2 is a Llama.
"""

import os
from typing import Any

from kd_jax.errors import require
from kd_jax.models.llama import Llama
from kd_jax.pretrained import model_folder as folders
from kd_jax.pretrained import weight_names as tables

SIZES = {
    "vocabulary": "vocab_size",
    "width": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "inner": "intermediate_size",
}
OPTIONAL = {
    "groups": "num_key_value_heads",
    "size": "head_dim",
    "positions": "max_position_embeddings",
}
BIASES = {"llama": False, "qwen2": True}  # on queries, keys and values, by model_type
MODELS = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM"}
DEFAULTS = {"theta": 10000.0, "epsilon": 1e-6}  # where a config does not say them

# what we call a tensor: what the files call it; {} is the number of the layer
NAMES = {
    "embedding": "model.embed_tokens",
    "attention_norm": "model.layers.{}.input_layernorm",
    "query": "model.layers.{}.self_attn.q_proj",
    "key": "model.layers.{}.self_attn.k_proj",
    "value": "model.layers.{}.self_attn.v_proj",
    "attended": "model.layers.{}.self_attn.o_proj",
    "inner_norm": "model.layers.{}.post_attention_layernorm",
    "gate": "model.layers.{}.mlp.gate_proj",
    "up": "model.layers.{}.mlp.up_proj",
    "down": "model.layers.{}.mlp.down_proj",
    "norm": "model.norm",
    "head": "lm_head",
}


def load(folder: str | os.PathLike) -> tuple[Llama, Any]:
    """(Llama, params) of a folder with a Llama or Qwen2.

    Raises:
        InputError: it is of another architecture, or incomplete or damaged.
    """
    llama = _network(folders.config(folder), folder)
    weights = folders.Weights(folder, folders.tensors(folder))
    return llama, tables.params(entries(llama, NAMES), llama.layers, weights.take)


def save(
    folder: str | os.PathLike,
    llama: Llama,
    params: Any,
    tokenizer: str | os.PathLike | None = None,
) -> None:
    """Write a Llama as `load` reads it.

    Args:
        folder: is made when missing.
        llama: the network.
        params: its parameters.
        tokenizer: the folder whose tokenizer files are copied, if any.
    """
    kind = "qwen2" if llama.biases else "llama"
    settings: dict = {"model_type": kind, "architectures": [MODELS[kind]], "hidden_act": "silu"}
    settings |= {theirs: getattr(llama, ours) for ours, theirs in SIZES.items()}
    settings |= {theirs: getattr(llama, ours) for ours, theirs in OPTIONAL.items()}
    settings |= {
        "rope_theta": llama.theta,
        "rms_norm_eps": llama.epsilon,
        "tie_word_embeddings": llama.tied,
    }
    folders.save(folder, settings, tables.tensors(entries(llama, NAMES), params), tokenizer)


def entries(llama: Llama, names: dict[str, str]) -> list[tables.Entry]:
    """The Entries of a Llama's arrays under such NAMES."""
    queries, keys = llama.heads * llama.size, llama.groups * llama.size
    width, inner = llama.width, llama.inner

    def dense(name, inputs, outputs, bias=False):
        return tables.dense(("layers", name), names[name], inputs, outputs, bias)

    def norm(name, *path):
        return tables.norm((*path, name), names[name], width, bias=False)

    table = f"{names['embedding']}.weight", (llama.vocabulary, width)
    head = tables.Entry(("head",), f"{names['head']}.weight", (llama.vocabulary, width))
    return [
        tables.Entry(("embedding",), *table),
        *norm("attention_norm", "layers"),
        *dense("query", width, queries, llama.biases),
        *dense("key", width, keys, llama.biases),
        *dense("value", width, keys, llama.biases),
        *dense("attended", queries, width),
        *norm("inner_norm", "layers"),
        *dense("gate", width, inner),
        *dense("up", width, inner),
        *dense("down", inner, width),
        *norm("norm"),
        *([] if llama.tied else [head]),
    ]


def network(
    source: str | os.PathLike,
    sizes: dict[str, Any],
    theta: float,
    epsilon: float,
    tied: bool,
    biases: bool,
) -> Llama:
    """The Llama of such sizes.

    Args:
        source: the file that gives them, for error messages.
        sizes: fields of a Llama; groups, size of a head and positions may be missing.
        theta: the base of the rotary embedding.
        epsilon: of the normalizations.
        tied: whether the head is the embedding's transpose.
        biases: whether queries, keys and values have biases.

    Raises:
        InputError: heads do not fit together.
    """
    heads, width = sizes["heads"], sizes["width"]
    groups = sizes.get("groups") or heads
    require(heads % groups == 0, f"{source}: {heads} heads are no multiple of {groups} groups")
    fits = sizes.get("size") or width % heads == 0
    require(fits, f"{source}: width {width} is no multiple of {heads} heads")
    size = sizes.get("size") or width // heads
    require(size % 2 == 0, f"{source}: heads are {size} wide, expected an even number to rotate")
    sizes = sizes | {"groups": groups, "size": size}
    return Llama(**sizes, theta=theta, epsilon=epsilon, tied=tied, biases=biases)


def _network(found, folder):
    kind, source = folders.kind(found, BIASES, folder), f"{folder}/config.json"
    for name, expected in (
        ("hidden_act", "silu"),
        ("attention_bias", False),
        ("mlp_bias", False),
        ("use_sliding_window", False),
    ):
        value = found.get(name, expected)
        require(value == expected, f"{source}: {name} is {value}, expected {expected}")
    sizes = {ours: folders.setting(found, theirs, folder) for ours, theirs in SIZES.items()}
    for ours, theirs in OPTIONAL.items():
        if found.get(theirs) is not None:
            sizes[ours] = folders.setting(found, theirs, folder)
    epsilon = folders.positive(found, "rms_norm_eps", DEFAULTS["epsilon"], folder)
    tied = bool(found.get("tie_word_embeddings", False))
    return network(source, sizes, _theta(found, source, folder), epsilon, tied, BIASES[kind])


def _theta(found, source, folder):
    """The base of the rotations, of an older config or of a newer one's rope_parameters."""
    rope = found.get("rope_parameters") or found.get("rope_scaling") or {}
    require(isinstance(rope, dict), f"{source}: rope_parameters are {rope}, expected an object")
    kind = rope.get("rope_type", rope.get("type", "default"))
    require(
        kind == "default",
        f"{source}: rotations are scaled by '{kind}', expected default: such positions are not "
        "implemented, choose a model without rope_scaling",
    )
    part = rope.get("partial_rotary_factor", found.get("partial_rotary_factor", 1))
    require(part == 1, f"{source}: partial_rotary_factor is {part}, expected 1")
    return folders.positive(found | rope, "rope_theta", DEFAULTS["theta"], folder)
