"""A Llama, its byte-level BPE and its chat template as one GGUF file, for llama.cpp and others."""

import json
import os
from typing import Any

import numpy as np
from jaxtyping import Float

from kd_jax.errors import extra, require
from kd_jax.models.llama import Llama
from kd_jax.models.variants import Variant
from kd_jax.pretrained import gguf
from kd_jax.pretrained import llama as decoder
from kd_jax.pretrained import weight_names as tables
from kd_jax.pretrained.gguf_tokenizer import CONTROL, NORMAL, PRE_TOKENIZERS, UNUSED, USER_DEFINED
from kd_jax.pretrained.load import ChatModel
from kd_jax.pretrained.settings import shown

# of matrices; all else is F32
KINDS = {"float32": "F32", "bfloat16": "BF16", "q8_0": "Q8_0", "q4_0": "Q4_0"}


def require_writable(net: Llama, tokenizer: Any) -> None:
    """InputError unless a network and its tokenizer are what this writes.

    Args:
        net: A Llama.
        tokenizer: Of the package tokenizers.
    """
    plain = net.variant._replace(family="llama") == Variant() and not net.biases
    require(
        plain, f"--gguf: the student is a {net.variant.family} with settings of its own: expected "
        "a plain llama, nothing else is written",
    )  # fmt: skip
    said = json.loads(tokenizer.to_str())
    require(
        said["model"].get("type") == "BPE" and _words(said) is not None,
        f"--gguf: the tokenizer cuts words as {shown(said.get('pre_tokenizer'))}: expected a "
        f"byte-level BPE that cuts them as {' or '.join(PRE_TOKENIZERS)} does",
    )
    require(said["model"]["merges"], "--gguf: the tokenizer has bytes and no merges: expected some")


def save(
    path: str | os.PathLike,
    net: Llama,
    params: Any,
    like: ChatModel,
    dtype: str = "float32",
    layers: str = "",
) -> None:
    """Write one file, as pretrained.gguf reads it.

    Args:
        path: Of the file.
        net: A Llama.
        params: Of it.
        like: The ChatModel whose tokens it has.
        dtype: Of its matrices, one of KINDS.
        layers: Of those of its layers, one of KINDS; "": the same.

    Raises:
        InputError: See `require_writable`.
    """
    require_writable(net, like.tokenizer)
    with extra("text"):
        import gguf as library

    file = library.GGUFWriter(path, "llama")
    _describe(file, net)
    _tell_tokens(file, net, like)
    arrays = tables.tensors(decoder.entries(net, gguf.NAMES), params)
    for name, array in arrays.items():
        for ours, heads in (("query", net.heads), ("key", net.num_kv_heads)):
            if gguf.NAMES[ours].removeprefix("blk.{}") in name:
                array = neighbors(array, heads)
        chosen = KINDS[(layers if name.startswith("blk.") else "") or dtype]
        kind = library.GGMLQuantizationType[chosen if array.ndim > 1 else "F32"]
        file.add_tensor(name, library.quantize(array, kind), raw_dtype=kind)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


def neighbors(rows: Float[np.ndarray, "HD ..."], heads: int) -> Float[np.ndarray, "HD ..."]:
    """Rows of a projection in the file's order: what turns together side by side.

    Args:
        rows: Pairs as halves, see gguf.rotary_halves, which this undoes.
        heads: How many.
    """
    return rows.reshape(heads, 2, -1, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def _describe(file, net):
    file.add_block_count(net.layers)
    file.add_context_length(net.max_position_embeddings)
    file.add_embedding_length(net.width)
    file.add_feed_forward_length(net.intermediate_size)
    file.add_head_count(net.heads)
    file.add_head_count_kv(net.num_kv_heads)
    file.add_key_length(net.head_dim)
    file.add_value_length(net.head_dim)
    file.add_rope_dimension_count(net.head_dim)
    file.add_rope_freq_base(net.theta)
    file.add_layer_norm_rms_eps(net.epsilon)
    file.add_vocab_size(net.vocabulary)


def _tell_tokens(file, net, like):
    """The tokens with their kinds, the merges, which end texts, and the chat template."""
    said = json.loads(like.tokenizer.to_str())
    tokens, kinds = _table(said, net.vocabulary)
    file.add_tokenizer_model("gpt2")
    file.add_tokenizer_pre(_words(said))
    file.add_token_list(tokens)
    file.add_token_types(kinds)
    pairs = said["model"]["merges"]
    file.add_token_merges([each if isinstance(each, str) else " ".join(each) for each in pairs])
    file.add_add_bos_token(False)
    file.add_add_eos_token(False)
    file.add_add_space_prefix(False)
    if like.stop:
        file.add_eos_token_id(like.stop[0])
    if len(like.stop) > 1:
        file.add_eot_token_id(like.stop[1])
    marks = dict(like.template.marks) if like.template else {}
    if marks.get("bos_token") in tokens:
        file.add_bos_token_id(tokens.index(marks["bos_token"]))
    if like.template:
        file.add_chat_template(like.template.text)


def _table(said, vocabulary):
    """(tokens, their kinds), with names for rows of the embedding that no token has."""
    tokens = [f"[PAD{n}]" for n in range(vocabulary)]
    kinds = [UNUSED] * vocabulary
    for token, number in said["model"]["vocab"].items():
        tokens[number], kinds[number] = token, NORMAL
    for each in said["added_tokens"]:
        kind = CONTROL if each["special"] else USER_DEFINED
        tokens[each["id"]], kinds[each["id"]] = each["content"], kind
    return tokens, kinds


def _words(said):
    """The name of how a tokenizer cuts words, or None where it has none here."""
    if said.get("normalizer"):
        return None
    given = _told(said.get("pre_tokenizer"))
    return next(
        (name for name, make in PRE_TOKENIZERS.items() if _told(_said(make)) == given), None
    )


def _said(make):
    with extra("text"):
        from tokenizers import Tokenizer, models
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = make()
    return json.loads(found.to_str())["pre_tokenizer"]


def _told(step):
    """Of a step what decides how words are cut: offsets are of no matter."""
    if isinstance(step, dict):
        return {name: _told(x) for name, x in step.items() if name != "trim_offsets"}
    return [_told(x) for x in step] if isinstance(step, list) else step
