"""GGUF files: what a writer of another library wrote, and every damage to it."""

import struct

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("gguf", reason="needs the extra text")

import gguf as library
import jax
from tiny_llama import random_params

from kd_jax.errors import InputError
from kd_jax.models import llama
from kd_jax.pretrained import gguf, gguf_file, weight_names
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


def write(path, kind=library.GGMLQuantizationType.F32, architecture="llama", **changed):
    file = library.GGUFWriter(path, architecture)
    for name, number in (METADATA | changed).items():
        file.add_uint32(name, number)
    file.add_float32("llama.rope.freq_base", 500.0)
    file.add_float32("llama.attention.layer_norm_rms_epsilon", 1e-5)
    file.add_tokenizer_model("gpt2")
    file.add_tokenizer_pre("smollm")
    file.add_token_list(TOKENS)
    file.add_token_types([3] * len(MARKS) + [1] * (len(TOKENS) - len(MARKS)))
    file.add_token_merges(["Ġ h", "Ġh i"])
    for name, array in weight_names.tensors(decoder.entries(NET, gguf.NAMES), PARAMS).items():
        for part, heads in (("attn_q.", 2), ("attn_k.", 1)):
            array = neighbours(array, heads) if part in name else array
        of = kind if array.ndim > 1 else library.GGMLQuantizationType.F32
        file.add_tensor(name, library.quantize(array, of), raw_dtype=of)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    return path


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "tiny.gguf")


def test_a_file_becomes_the_network_that_was_written(path):
    net, params = gguf.load(path)
    assert net.clone(epsilon=1e-5) == NET and abs(net.epsilon - 1e-5) < 1e-11  # float32 there
    jax.tree.map(np.testing.assert_array_equal, params, PARAMS)


@pytest.mark.parametrize("name, error", [("F16", 1e-3), ("Q8_0", 0.01), ("Q4_1", 0.2)])
def test_short_numbers_are_dequantized(tmp_path, name, error):
    path = write(tmp_path / "short.gguf", library.GGMLQuantizationType[name])
    _, params = gguf.load(path)
    for found, exact in zip(jax.tree.leaves(params), jax.tree.leaves(PARAMS)):
        assert found.dtype == np.float32
        assert np.abs(found - exact).max() <= error


def test_its_tokenizer_cuts_digits_and_keeps_marks(path):
    words = gguf.tokenizer(path)
    text = "<|im_start|>say hi 42<|im_end|>"
    found = [TOKENS[n] for n in words.encode(text).ids]
    assert found == [MARKS[1], "s", "a", "y", "Ġhi", "Ġ", "4", "2", MARKS[2]]
    assert words.decode(words.encode(text).ids, skip_special_tokens=False) == text
    assert words.decode(words.encode(text).ids) == "say hi 42"


def refused(path, of=gguf.load):
    with pytest.raises(InputError) as caught:
        of(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_shortened_file_is_one_line(path, tmp_path):
    whole = path.read_bytes()
    cut = tmp_path / "cut.gguf"
    for length in [*range(0, 800, 37), *range(800, len(whole), 4001), len(whole) - 33]:
        cut.write_bytes(whole[:length])
        said = refused(cut)
        assert "truncated" in said or (length < 4 and "is no GGUF file" in said), length


def test_counts_that_no_file_has_are_one_line(path, tmp_path):
    whole = path.read_bytes()
    bad = tmp_path / "bad.gguf"
    places = [8, 16, 24]  # tensors, keys, length of the first key
    places.append(whole.index(b"tokenizer.ggml.tokens") + 21 + 8)
    places.append(whole.index(b"tokenizer.ggml.token_type") + 25 + 8)
    for at in places:
        for count in (2**40, 2**64 - 1):
            bad.write_bytes(whole[:at] + struct.pack("<Q", count) + whole[at + 8 :])
            assert "get it again" in refused(bad)


def test_every_other_fault_is_one_line(path, tmp_path):
    whole = path.read_bytes()
    bad = tmp_path / "bad.gguf"

    def changed(old, new):
        assert old in whole
        bad.write_bytes(whole.replace(old, new))
        return bad

    assert "is no file" in refused(tmp_path / "absent.gguf")
    assert "starts with b'GGML', expected b'GGUF'" in refused(changed(b"GGUF", b"GGML"))
    assert "version 1, expected 2 or 3" in refused(changed(b"GGUF\3", b"GGUF\1"))
    assert "no tensor 'blk.1.ffn_up.weight'" in refused(changed(b"blk.1.ffn_up", b"blk.7.ffn_up"))
    assert "has no llama.block_count" in refused(changed(b"llama.block_", b"llama.clock_"))
    assert "no UTF-8 text" in refused(changed(b"smollm", b"\xff" * 6))
    assert "cuts words as 'smolln'" in refused(changed(b"smollm", b"smolln"), gguf.tokenizer)
    assert "tokenizer is 'gpt9'" in refused(changed(b"gpt2", b"gpt9"), gguf.tokenizer)
    twice = changed(b"\1\0\0\0\0\0\0\0b", b"\1\0\0\0\0\0\0\0a")
    assert "some tokens stand twice" in refused(twice, gguf.tokenizer)
    other = write(tmp_path / "other.gguf", architecture="gemma")
    assert "architecture is 'gemma', expected llama" in refused(other)
    wide = write(tmp_path / "wide.gguf", **{"llama.embedding_length": 64})
    assert "has shape (101, 32), its metadata say (101, 64)" in refused(wide)
    deep = write(tmp_path / "deep.gguf", **{"llama.block_count": 2**31})
    assert "no tensor 'blk.2.attn_norm.weight'" in refused(deep)
    scaled = write(tmp_path / "scaled.gguf", **{"llama.rope.scaling.type": 1})
    assert "llama.rope.scaling.type is 1, expected none" in refused(scaled)


def test_a_tensor_of_unknown_kind_is_one_line(path):
    file = gguf_file.read(path)
    place = file.tensors["blk.0.attn_q.weight"]
    for kind, said in ((9999, "of unknown kind 9999"), (24, "quantized as I8")):
        file.tensors["blk.0.attn_q.weight"] = place._replace(kind=kind)
        assert said in refused(file, lambda file: gguf.dequantized(file, "blk.0.attn_q.weight"))
