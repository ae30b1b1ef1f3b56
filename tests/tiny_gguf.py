"""The smallest GGUF file that several tests share, as the format's own library writes it."""

import gguf as library
from tiny_llama import random_params

from kd_jax.models import llama
from kd_jax.pretrained import gguf, weight_names
from kd_jax.pretrained import llama as decoder

MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
LETTERS = [chr(n) for n in range(33, 127)] + ["Ġ", "Ċ"]  # as byte-level BPE writes them
TOKENS = MARKS + LETTERS + ["Ġh", "Ġhi"]
NET = llama.Llama(
    vocabulary=len(TOKENS), width=32, layers=2, heads=2,
    num_kv_heads=1, head_dim=16, intermediate_size=64, theta=500.0,
    epsilon=1e-5, tied=True,
)  # fmt: skip
PARAMS = random_params(NET, 0)
METADATA = {
    "llama.block_count": 2, "llama.embedding_length": 32, "llama.feed_forward_length": 64,
    "llama.attention.head_count": 2, "llama.attention.head_count_kv": 1,
}  # fmt: skip


def neighbours(rows, heads):
    """Pairs of rows i and i + H/2 of each head, side by side, as GGUF has them."""
    half = len(rows) // heads // 2
    order = [h * 2 * half + i + j * half for h in range(heads) for i in range(half) for j in (0, 1)]
    return rows[order]


ADD = {int: "add_uint32", float: "add_float32", str: "add_string", bool: "add_bool",
       list: "add_array"}  # fmt: skip
WORDS = {
    "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm", "tokenizer.ggml.tokens": TOKENS,
    "tokenizer.ggml.token_type": [3] * len(MARKS) + [1] * (len(TOKENS) - len(MARKS)),
    "tokenizer.ggml.merges": ["Ġ h", "Ġh i"],
}  # fmt: skip
NUMBERS = {"llama.rope.freq_base": 500.0, "llama.attention.layer_norm_rms_epsilon": 1e-5}


def write(
    path, kind=library.GGMLQuantizationType.F32, architecture="llama", tensors=None, **changed
):
    """A file of NET with metadata changed, None for none, and with further tensors."""
    file = library.GGUFWriter(path, architecture)
    for name, value in (METADATA | NUMBERS | WORDS | changed).items():
        if value is not None:
            getattr(file, ADD[type(value)])(name, value)
    arrays = weight_names.tensors(decoder.entries(NET, gguf.NAMES), PARAMS)
    for name, array in (arrays | (tensors or {})).items():
        for part, heads in (("attn_q.", 2), ("attn_k.", 1)):
            array = neighbours(array, heads) if part in name else array
        of = kind if array.ndim > 1 else library.GGMLQuantizationType.F32
        file.add_tensor(name, library.quantize(array, of), raw_dtype=of)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    return path
