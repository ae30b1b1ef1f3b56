"""Every tensor of a model folder is used, harmless, or refused by name; and lies in one file."""

import json
import struct

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import jax
import tiny_folders as tiny
from model_loaders import CONFIGS, KINDS, READERS, refused, same
from safetensors.numpy import load_file, save_file

from kd_jax.pretrained import bert, llama, safetensors_files
from kd_jax.pretrained.stored import Stored


@KINDS
def test_a_tensor_that_nothing_uses_is_refused_by_name(tmp_path, kind):
    tiny.write(tmp_path, CONFIGS[kind])
    first = (
        "model.layers.0.self_attn.o_proj" if "rms_norm_eps" in CONFIGS[kind] else "layer.0.extra"
    )
    for name in (f"{first}.bias", f"{first}.weight_scale", "new.weight", "score.weight"):
        tiny.changed(tmp_path, **{name: np.ones(12, np.float32)})
        assert f"tensor '{name}' is not used" in refused(tmp_path, READERS[kind])
        tiny.changed(tmp_path, **{name: None})
    READERS[kind](tmp_path)


@KINDS
def test_a_layer_more_than_the_config_says_is_refused(tmp_path, kind):
    name = "n_layers" if kind == "distilbert" else "num_hidden_layers"
    tiny.write(tmp_path, CONFIGS[kind] | {name: 1}, tiny.arrays(CONFIGS[kind]))
    assert "is not used by this architecture" in refused(tmp_path, READERS[kind])


def test_buffers_of_a_llama_may_be_there_if_they_hold_what_follows(tmp_path):
    expected = llama.load(tiny.write(tmp_path, tiny.LLAMA))
    name = "model.layers.0.self_attn.rotary_emb.inv_freq"
    # θ^(−2i/4) for i = 0, 1: 1 and 1/√500 = 0.0447
    tiny.changed(tmp_path, **{name: np.array([1, 0.0447], np.float16)})
    assert same(llama.load(tmp_path), expected)
    tiny.changed(tmp_path, **{name: np.array([1, 0.01], np.float32)})  # those of θ = 10000
    assert name in refused(tmp_path, READERS["llama"])


def test_a_head_beside_tied_embeddings_must_be_the_same(tmp_path):
    tiny.write(tmp_path, tiny.QWEN2)
    expected, table = llama.load(tmp_path), tiny.arrays(tiny.QWEN2)["model.embed_tokens.weight"]
    assert same(llama.load(tiny.changed(tmp_path, **{"lm_head.weight": table})), expected)
    tiny.changed(tmp_path, **{"lm_head.weight": table + 1})
    assert "tensor 'lm_head.weight' is not used" in refused(tmp_path, READERS["qwen2"])


def test_an_encoder_s_head_is_left_out_and_its_first_names_are_known(tmp_path):
    expected = bert.load(tiny.write(tmp_path, tiny.BERT))
    head = {
        "cls.predictions.bias": np.ones(13, np.float32),
        "bert.pooler.dense.weight": np.ones((8, 8), np.float32),
        "bert.embeddings.position_ids": np.arange(9)[None],
    }
    older = {"weight": "gamma", "bias": "beta"}
    plain = tiny.arrays(tiny.BERT)
    renamed = {
        f"bert.{n.rsplit('.', 1)[0]}.{older[n.rsplit('.', 1)[1]]}"
        if "LayerNorm" in n
        else f"bert.{n}": a
        for n, a in plain.items()
    }
    assert same(bert.load(tiny.write(tmp_path, tiny.BERT, renamed | head)), expected)
    turned = {"bert.embeddings.position_ids": np.arange(9)[None, ::-1].copy()}
    tiny.write(tmp_path, tiny.BERT, renamed | turned)
    assert "position_ids' is not used" in refused(tmp_path, READERS["bert"])
    tiny.write(tmp_path, tiny.BERT, plain | {"embeddings.LayerNorm.gamma": np.ones(8, np.float32)})
    assert "'embeddings.LayerNorm.weight' under two names" in refused(tmp_path, READERS["bert"])


@pytest.mark.parametrize("kind", ["llama", "bert"])
def test_quantized_weights_are_refused(tmp_path, kind):
    folder = tiny.write(tmp_path, CONFIGS[kind])
    name = next(n for n in sorted(tiny.arrays(CONFIGS[kind])) if "embed" in n and "weight" in n)
    whole = tiny.arrays(CONFIGS[kind])
    for dtype in (np.int8, np.uint8, np.int32, bool):
        tiny.write(folder, CONFIGS[kind], whole | {name: whole[name].astype(dtype)})
        said = refused(folder, READERS[kind])
        assert f"tensor '{name}' holds {np.dtype(dtype)}" in said and "unquantized" in said
    for short in ("F8_E4M3", "F8_E5M2"):  # a byte a number, written by hand
        header = json.dumps({name: {"dtype": short, "shape": [4], "data_offsets": [0, 4]}}).encode()
        content = struct.pack("<Q", len(header)) + header + bytes(4)
        (folder / "model.safetensors").write_bytes(content)
        assert f"tensor '{name}' holds {short}" in refused(folder, READERS[kind])


@KINDS
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path, kind):
    whole = tiny.arrays(CONFIGS[kind])
    name = next(n for n in sorted(whole) if "embed" in n and "weight" in n)
    for value, dtype in ((np.nan, np.float32), (np.inf, np.float16), (-np.inf, np.float32),
                         (1e39, np.float64)):  # fmt: skip
        array = whole[name].astype(dtype)
        array.flat[2] = value
        tiny.write(tmp_path, CONFIGS[kind], whole | {name: array})
        assert f"tensor '{name}' holds NaN or infinity" in refused(tmp_path, READERS[kind])
    large = np.full_like(whole[name], 3e38)  # whose sum is above all of float32
    READERS[kind](tiny.write(tmp_path, CONFIGS[kind], whole | {name: large}))


@KINDS
def test_double_precision_is_read(tmp_path, kind):
    expected = READERS[kind](tiny.write(tmp_path, CONFIGS[kind]))
    double = {name: x.astype(np.float64) for name, x in tiny.arrays(CONFIGS[kind]).items()}
    assert same(READERS[kind](tiny.write(tmp_path, CONFIGS[kind], double)), expected)


def sharded(
    folder, config, names=("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
):
    whole, where = tiny.arrays(config), {}
    for n, name in enumerate(names):
        part = dict(sorted(whole.items())[n::2])
        save_file(part, folder / name)
        where |= dict.fromkeys(part, name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))


def test_a_folder_saved_over_a_sharded_one_is_what_was_saved(tmp_path):
    tiny.write(tmp_path, tiny.LLAMA)
    net, params = llama.load(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    sharded(tmp_path, tiny.LLAMA)
    before = {p.name: p.read_bytes() for p in tmp_path.glob("model-*")}
    new = jax.tree.map(lambda x: x + 1, params)
    llama.save(tmp_path, net, new)
    assert same(llama.load(tmp_path), (net, new))
    assert {p.name: p.read_bytes() for p in tmp_path.glob("model-*")} == before  # somebody's files
    (tmp_path / "model.safetensors.index.json").unlink()
    llama.save(tmp_path, net, new)  # over shards whose index is lost
    assert same(llama.load(tmp_path), (net, new))
    assert not list(tmp_path.glob("*partial")) and not list(tmp_path.glob(".*"))


def test_two_models_in_one_folder_are_refused(tmp_path):
    tiny.write(tmp_path, tiny.LLAMA)
    whole = load_file(tmp_path / "model.safetensors")
    save_file({"lm_head.weight": whole["lm_head.weight"] + 1}, tmp_path / "other.safetensors")
    said = refused(tmp_path, READERS["llama"])
    assert "'lm_head.weight' lies in model.safetensors and in other.safetensors" in said
    (tmp_path / "other.safetensors").unlink()
    sharded(tmp_path, tiny.LLAMA)
    said = refused(tmp_path, READERS["llama"])
    assert "holds model.safetensors and the files of model.safetensors.index.json" in said
    for path in tmp_path.glob("model-*"):  # the index alone was left behind
        path.unlink()
    net, params = llama.load(tmp_path)
    np.testing.assert_array_equal(params["embedding"], whole["model.embed_tokens.weight"])


@KINDS
def test_what_was_read_stays_when_another_file_takes_the_place_of_its_own(tmp_path, kind):
    """As our writer and others that are careful do; what is written over changes, as elsewhere."""
    found = READERS[kind](tiny.write(tmp_path, CONFIGS[kind]))
    expected = jax.tree.map(np.copy, found[1])
    (path,) = tmp_path.glob("*.safetensors")
    other = path.with_name("other")
    other.write_bytes(b"\1" * path.stat().st_size)
    other.replace(path)
    jax.tree.map(np.testing.assert_array_equal, found[1], expected)
    for array in jax.tree.leaves(found[1]):
        array[...] = 7  # they can be written to, as ever; no file changes
    assert path.read_bytes() == b"\1" * path.stat().st_size


def test_a_tensor_that_a_file_names_twice_is_refused(tmp_path):
    """The library takes the last of two; of an index too one would be passed over."""
    path = tiny.write(tmp_path, tiny.LLAMA) / "model.safetensors"
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = content[8:end].rstrip()
    said = json.dumps(json.loads(header)["model.norm.weight"]).encode()
    twice = header[:-1] + b',"model.norm.weight":' + said + b"}"
    path.write_bytes(len(twice).to_bytes(8, "little") + twice + content[end:])
    assert "'model.norm.weight' stands there twice" in refused(tmp_path, llama.load)
    path.write_bytes(content)
    index = '{"weight_map": {"a": "model.safetensors", "a": "model.safetensors"}}'
    (tmp_path / "model.safetensors.index.json").write_text(index)
    assert "'a' stands there twice" in refused(tmp_path, llama.load)


def test_an_encoder_s_head_is_not_even_read(tmp_path, monkeypatch):
    tiny.changed(tiny.write(tmp_path, tiny.BERT), **{"cls.bias": np.ones(13, np.float32)})
    real = Stored.__array__

    def unread(self, *args, **more):
        assert self.dtype != np.float32  # those that are used are mapped
        return real(self, *args, **more)

    monkeypatch.setattr(Stored, "__array__", unread)
    bert.load(tmp_path)


@pytest.mark.parametrize("config, many", [("bert", 10**9), ("distilbert", 1001)])
def test_layers_of_which_only_the_last_are_there_are_one_line(tmp_path, config, many):
    name = "n_layers" if config == "distilbert" else "num_hidden_layers"
    arrays = tiny.arrays(CONFIGS[config])
    arrays |= {n.replace("layer.1.", f"layer.{many - 1}."): a for n, a in arrays.items()}
    tiny.write(tmp_path, CONFIGS[config] | {name: many}, arrays)
    assert f"{name} is {many}, expected 1000 at most" in refused(tmp_path, READERS[config])


def test_a_file_that_is_replaced_after_it_was_checked_is_one_line(tmp_path, monkeypatch):
    path = tiny.write(tmp_path, tiny.LLAMA) / "model.safetensors"
    other, checked = path.with_name("other"), safetensors_files.safe_open

    def replaced(*args, **more):
        found = checked(*args, **more)
        other.write_bytes((2**62).to_bytes(8, "little") + path.read_bytes()[8:])
        other.replace(path)
        return found

    monkeypatch.setattr(safetensors_files, "safe_open", replaced)
    said = refused(tmp_path, llama.load)
    assert "was replaced while it was read: read it again" in said
