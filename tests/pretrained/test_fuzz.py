"""Broken model files are refused in one line, however they are broken."""

import json
import struct

import fuzzing
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from safetensors.numpy import save

from kd_jax.pretrained import gguf, gguf_file, llama, model_folder, safetensors_files


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def gguf_bytes():
    """Version 3: one tensor of 2 × 3 float32, three settings of different kinds."""
    settings = text("general.architecture") + struct.pack("<I", 8) + text("llama")
    settings += text("n") + struct.pack("<IB", 0, 7)
    settings += text("list") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("bc")
    tensor = text("w") + struct.pack("<IQQIQ", 2, 3, 2, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 3) + settings + tensor
    return head + bytes(-len(head) % 32) + np.arange(6, dtype="<f4").tobytes()


def test_the_file_to_be_damaged_is_a_sound_one(place):
    path = place / "sound.gguf"
    path.write_bytes(gguf_bytes())
    found = gguf_file.read(path)
    assert found.metadata == {"general.architecture": "llama", "n": 7, "list": ["a", "bc"]}
    assert found.tensors["w"].shape == (2, 3)


@fuzzing.many
@given(content=fuzzing.damaged(gguf_bytes()))
def test_gguf(place, content):
    path = place / "model.gguf"
    path.write_bytes(content)
    fuzzing.read_or_refused(gguf_file.read, path)
    assert fuzzing.read_or_refused(gguf.load, path) is None  # it is no whole model


SAFE = save({"a": np.zeros((2, 3), np.float32), "b": np.ones(4, np.float16)})


@fuzzing.many
@given(content=fuzzing.damaged(SAFE))
def test_safetensors(place, content):
    (place / "model.safetensors").write_bytes(content)
    read = fuzzing.read_or_refused(safetensors_files.read, place)
    assert read is None or all(np.asarray(x).nbytes <= len(content) for x in read.values())


SETTINGS = {
    "model_type": "llama", "vocab_size": 11, "hidden_size": 8, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": 12, "rope_theta": 500.0, "rms_norm_eps": 1e-5,
    "rope_scaling": None, "tie_word_embeddings": True,
}  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner)
    ),
    max_leaves=5,
)


@fuzzing.many
@given(changes=st.dictionaries(st.sampled_from(sorted(SETTINGS)), JSON, max_size=3))
def test_settings_of_other_types(place, changes):
    (place / "config.json").write_text(json.dumps(SETTINGS | changes))
    (place / "model.safetensors").write_bytes(SAFE)
    assert fuzzing.read_or_refused(llama.load, place) is None  # its tensors are of no Llama


@fuzzing.many
@given(content=fuzzing.damaged(json.dumps(SETTINGS).encode()))
def test_damaged_settings(place, content):
    (place / "config.json").write_bytes(content)
    read = fuzzing.read_or_refused(model_folder.config, place)
    assert read is None or isinstance(read, dict)


def test_settings_that_nest_deeper_than_python_does(place):
    (place / "config.json").write_text("[" * 100_000)
    assert fuzzing.read_or_refused(model_folder.config, place) is None
