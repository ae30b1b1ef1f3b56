"""GGUF files: what a writer of another library wrote, and every damage to it."""

import struct

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("gguf", reason="needs the extra text")

import gguf as library
import jax
from model_loaders import refused as refused_by
from tiny_gguf import NET, PARAMS, TOKENS, write

from kd_jax.pretrained import gguf, gguf_file


def refused(path, read=gguf.load):
    return refused_by(path, read)


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


def test_parameters_stay_when_the_file_is_written_again(path):
    _, params = gguf.load(path)
    path.write_bytes(bytes(path.stat().st_size))
    jax.tree.map(np.testing.assert_array_equal, params, PARAMS)


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
    assert "llama.block_count is 2147483648, expected below 2^31" in refused(deep)
    scaled = write(tmp_path / "scaled.gguf", **{"llama.rope.scaling.type": 1})
    assert "llama.rope.scaling.type is 1, expected none" in refused(scaled)


def test_a_tensor_of_unknown_kind_is_one_line(path):
    file = gguf_file.read(path)
    place = file.tensors["blk.0.attn_q.weight"]
    for kind, said in ((9999, "of unknown kind 9999"), (24, "quantized as I8")):
        file.tensors["blk.0.attn_q.weight"] = place._replace(kind=kind)
        assert said in refused(file, lambda file: gguf.dequantized(file, "blk.0.attn_q.weight"))


BIASES = {"attn_q": 32, "attn_k": 16, "attn_v": 16}


def test_biases_of_attention_are_read_and_others_refused(tmp_path):
    random = np.random.default_rng(1)
    ours = {p: random.normal(size=(2, n)).astype(np.float32) for p, n in BIASES.items()}
    theirs = {f"blk.{n}.{p}.bias": rows[n] for p, rows in ours.items() for n in range(2)}
    net, params = gguf.load(write(tmp_path / "biased.gguf", tensors=theirs))
    assert net.biases
    for theirs_name, name in (("attn_q", "query"), ("attn_k", "key"), ("attn_v", "value")):
        np.testing.assert_array_equal(params["layers"][name]["bias"], ours[theirs_name])
        kernel = PARAMS["layers"][name]["kernel"]
        np.testing.assert_array_equal(params["layers"][name]["kernel"], kernel)
    few = {name: array for name, array in theirs.items() if name != "blk.1.attn_v.bias"}
    assert "no tensor 'blk.1.attn_v.bias'" in refused(write(tmp_path / "few.gguf", tensors=few))
    for name in ("blk.0.attn_k.bias", "blk.0.attn_output.bias", "blk.1.ffn_up.scale", "new.weight"):
        path = write(tmp_path / "more.gguf", tensors={name: np.ones(32, np.float32)})
        assert f"tensor '{name}' is not used by this architecture" in refused(path)


@pytest.mark.parametrize("name, value", [
    ("llama.attention.head_count", 0), ("llama.attention.head_count_kv", 0),
    ("llama.block_count", 0), ("llama.block_count", 2**31), ("llama.context_length", 0),
    ("llama.rope.freq_base", 1e-20), ("llama.rope.freq_base", 1e20),
    ("llama.attention.layer_norm_rms_epsilon", 1e20), ("llama.attention.key_length", 2**31),
])  # fmt: skip
def test_absurd_numbers_are_refused_by_name(tmp_path, name, value):
    assert name in refused(write(tmp_path / "odd.gguf", **{name: value}))


def test_factors_of_rotations_are_harmless_only_where_they_are_1(tmp_path):
    ones = {"rope_freqs.weight": np.ones(8, np.float32)}
    net, _ = gguf.load(write(tmp_path / "ones.gguf", tensors=ones))
    assert net.theta == 500
    ones["rope_freqs.weight"][-1] = 8
    said = refused(write(tmp_path / "scaled.gguf", tensors=ones))
    assert "tensor 'rope_freqs.weight' is not used" in said


@pytest.mark.parametrize(
    "name, value",
    [
        ("llama.rope.scale_linear", 4.0),  # older spellings of scaled positions
        ("llama.rope.scaling.factor", 4.0),
        ("llama.rope.scaling.type", "yarn"),
        ("llama.rope.scaling.attn_factor", 2.0),
        ("llama.rope.scaling.yarn_log_multiplier", 0.1),
        ("llama.rope.dimension_count", 8),  # of a head of 16
        ("llama.attention.value_length", 8),
        ("llama.rope.freq_base", float("inf")),
        ("llama.rope.freq_base", float("nan")),
        ("llama.rope.freq_base", 0),
        ("llama.rope.freq_base", "500"),
        ("llama.rope.freq_base_swa", 100.0),
        ("llama.rope.freq_bass", 500.0),
        ("llama.attention.layer_norm_epsilon", 1e-5),
        ("llama.attention.sliding_window", 64),
        ("llama.attention.causal", False),
        ("llama.attention.clamp_kqv", 8.0),
        ("llama.attention.scale", 0.5),
        ("llama.attn_logit_softcapping", 50.0),
        ("llama.expert_count", 8),
        ("llama.vocab_size", 99),
        ("llama.logit_scale", 0.5),
        ("qwen2.block_count", 2),
        ("adapter.type", "lora"),
        ("general.type", "adapter"),
        ("split.count", 2),
    ],
)
def test_settings_that_are_not_implemented_are_refused_by_name(tmp_path, name, value):
    said = refused(write(tmp_path / "other.gguf", **{name: value}))
    assert name in said


def test_settings_that_change_nothing_are_read(tmp_path):
    """Those of SmolLM2's file, neutral values, and numbers of another type."""
    path = write(
        tmp_path / "more.gguf",
        **{
            "general.name": "Smollm2", "general.file_type": 3, "general.languages": ["en"],
            "general.quantization_version": 2, "llama.vocab_size": len(TOKENS),
            "llama.rope.dimension_count": 16, "llama.rope.freq_base": 500,
            "llama.rope.scaling.type": "none", "llama.rope.scale_linear": 1.0,
            "llama.attention.key_length": 16, "llama.attention.value_length": 16,
            "llama.context_length": 2048, "llama.expert_count": 0,
            "tokenizer.chat_template": "{{ x }}", "quantize.imatrix.file": "x", "split.count": 1,
        },
    )  # fmt: skip
    net, params = gguf.load(path)
    assert net.clone(epsilon=1e-5) == NET
    jax.tree.map(np.testing.assert_array_equal, params, PARAMS)


def test_names_that_stand_twice_are_refused(path, tmp_path):
    whole, bad = path.read_bytes(), tmp_path / "bad.gguf"
    bad.write_bytes(whole.replace(b"blk.1.attn_norm.weight", b"blk.0.attn_norm.weight"))
    assert "the tensor 'blk.0.attn_norm.weight' stands there twice" in refused(bad)
    other = write(tmp_path / "two.gguf", **{"llama.attention.head_count_kw": 1})
    bad.write_bytes(other.read_bytes().replace(b"head_count_kw", b"head_count_kv"))
    assert "the key 'llama.attention.head_count_kv' stands there twice" in refused(bad)
