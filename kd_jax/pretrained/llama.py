"""Llama and Qwen2 from a Hugging Face folder: one decoder, with or without biases.

SmolLM2 is a Llama.
"""

import os
from typing import Any

import numpy as np

from kd_jax.errors import require
from kd_jax.models.llama import Llama
from kd_jax.pretrained import harmless, rotations, safetensors_files
from kd_jax.pretrained import model_folder as folders
from kd_jax.pretrained import weight_names as tables
from kd_jax.pretrained.weights import Weights

SIZES = {
    "vocabulary": "vocab_size",
    "width": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "intermediate_size": "intermediate_size",
}
OPTIONAL = {
    "num_kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "max_position_embeddings": "max_position_embeddings",
}
BIASES = {"llama": False, "qwen2": True}  # on queries, keys and values, by model_type
MODELS = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM"}
DEFAULTS = {"theta": 10000.0, "epsilon": 1e-6}  # where a config does not say them
# what is not implemented, with the values at which it changes nothing
NEUTRAL = harmless.NEUTRAL | {
    "hidden_act": ("silu", "swish"),
    "attention_bias": (False,),
    "mlp_bias": (False,),
    "use_sliding_window": (False,),
    "is_decoder": (True, False),  # it is one anyhow
    "is_causal": (True,),
    "rope_interleaved": (False,),
    "use_mrope": (False,),
    "use_qk_norm": (False,),
    "qk_layernorm": (False,),
    "qk_layer_norms": (False,),
    "attn_logit_softcapping": (None,),
    "final_logit_softcapping": (None,),
    "embedding_multiplier": (1,),
    "residual_multiplier": (1,),
    "logits_scaling": (1,),
    "logit_scale": (1,),
}

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
        InputError: it is of another architecture, incomplete, damaged, or has settings or tensors
            that this one does not use.
    """
    llama = _network(folder)
    weights = Weights(folder, safetensors_files.read(folder))
    params = tables.params(entries(llama, NAMES), llama.layers, weights.take)
    weights.accounted(_harmless(llama, params))
    return llama, params


def _harmless(llama, params):
    """Tensors that files have and nobody needs, if they hold what follows from the others."""
    exponents = np.arange(0, llama.head_dim, 2) / llama.head_dim
    frequencies = llama.theta**-exponents

    def frequency(array):  # in half precision, too
        alike = array.shape == frequencies.shape
        return alike and np.allclose(np.float64(array), frequencies, rtol=0.02, atol=1e-6)

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
    queries, keys = llama.heads * llama.head_dim, llama.num_kv_heads * llama.head_dim
    width, inner = llama.width, llama.intermediate_size

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
        sizes: fields of a Llama; num_kv_heads, head_dim and max_position_embeddings may be missing.
        theta: the base of the rotary embedding.
        epsilon: of the normalizations.
        tied: whether the head is the embedding's transpose.
        biases: whether queries, keys and values have biases.

    Raises:
        InputError: heads do not fit together.
    """
    heads, width = sizes["heads"], sizes["width"]
    groups = sizes.get("num_kv_heads") or heads
    require(heads % groups == 0, f"{source}: {heads} heads are no multiple of {groups} groups")
    fits = sizes.get("head_dim") or width % heads == 0
    require(fits, f"{source}: width {width} is no multiple of {heads} heads")
    size = sizes.get("head_dim") or width // heads
    require(size % 2 == 0, f"{source}: heads are {size} wide, expected an even number to rotate")
    sizes = sizes | {"num_kv_heads": groups, "head_dim": size}
    return Llama(**sizes, theta=theta, epsilon=epsilon, tied=tied, biases=biases)


def _network(folder):
    kind, found = folders.settings(folder, BIASES)
    sizes = {ours: found.whole(theirs) for ours, theirs in SIZES.items()}
    sizes |= {ours: found.whole(theirs) for ours, theirs in OPTIONAL.items() if found.has(theirs)}
    epsilon = found.positive("rms_norm_eps", DEFAULTS["epsilon"])
    tied = found.truth("tie_word_embeddings", False)
    theta = rotations.theta(found, DEFAULTS["theta"])
    found.neutral(NEUTRAL | _windows(kind, found, sizes))
    found.accounted(harmless.COMMON)
    return network(found.source, sizes, theta, epsilon, tied, BIASES[kind])


def _windows(kind, found, sizes):
    """What says which tokens each layer sees: all earlier ones is what is implemented."""
    each, full = found.get("layer_types"), "full_attention"
    whole = isinstance(each, list) and all(one == full for one in each)
    neutral: dict[str, tuple] = {"layer_types": (each if whole else [full],)}
    if kind == "qwen2":  # has the biases whatever is said
        neutral["attention_bias"] = True, False
    if kind == "qwen2" or found.get("use_sliding_window") is False:
        found.get("sliding_window"), found.get("max_window_layers")  # of windows that are not used
        return neutral
    width, positions = found.get("sliding_window"), sizes.get("max_position_embeddings", 0)
    wide = isinstance(width, int) and not isinstance(width, bool) and 0 < positions <= width
    return neutral | {"sliding_window": (width,) if wide else (None,)}
