"""Llama and Qwen2 folders: another library's numbers, there and back, every bad folder."""

import json
import sys
import types

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import jax
import ml_dtypes
import tiny_llama
from safetensors.numpy import load_file, save_file
from tiny_bert import NET, random_params

from kd_jax.errors import InputError
from kd_jax.pretrained import bert
from kd_jax.pretrained import llama as decoder
from kd_jax.pretrained import model_folder as folders

COMMON = {
    "vocab_size": 13, "hidden_size": 12, "num_hidden_layers": 2, "intermediate_size": 10,
    "max_position_embeddings": 32,
}  # fmt: skip
LLAMA = COMMON | {
    "model_type": "llama", "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 4,
    "rms_norm_eps": 1e-5, "rope_theta": 500.0, "tie_word_embeddings": False,
}  # fmt: skip
QWEN2 = COMMON | {
    "model_type": "qwen2", "num_attention_heads": 2, "num_key_value_heads": 1,
    "rms_norm_eps": 1e-6, "rope_parameters": {"rope_theta": 1000.0, "rope_type": "default"},
    "tie_word_embeddings": True,
}  # fmt: skip

# transformers 5.23.0, torch 2.15.0, CPU float32, of the folders that `write` makes: the last
# position's logits of TEXT, the norms of every position's logits, of every layer's hidden states,
# and the next 8 tokens
TEXT = [3, 7, 1, 11, 5, 5, 12]
EXPECTED = {
    "llama": (
        [0.34092, -0.36773, -0.0726, 0.25543, -1.43141, -1.87619, -0.84094, 0.11567, 0.68631,
         -0.05734, 0.7235, -0.50337, 0.08264],
        [3.97964, 3.53702, 3.3374, 4.30415, 3.44527, 3.30973, 2.80527],
        [2.60716, 12.26828, 9.79589],
    ),
    "qwen2": (
        [1.07336, -0.92513, -1.61478, 0.03255, 0.49192, -0.06399, -0.05121, -0.66079, 0.95626,
         0.24992, 0.47247, 0.76051, 1.95253],
        [3.71624, 3.03536, 3.48575, 2.83994, 2.56517, 3.0802, 3.30042],
        [2.59363, 6.28059, 8.64388],
    ),
}  # fmt: skip


def tensors(config):
    """{name: array} of a tiny model: number k of the n-th name, sorted, is 0.4 sin(0.37 k² + n)."""
    d, inner, heads = config["hidden_size"], config["intermediate_size"], "num_attention_heads"
    size = config.get("head_dim") or d // config[heads]
    rows = {"q": config[heads] * size}
    rows |= dict.fromkeys("kv", config["num_key_value_heads"] * size)
    shapes = {"model.embed_tokens.weight": (config["vocab_size"], d), "model.norm.weight": (d,)}
    for n in range(config["num_hidden_layers"]):
        layer = f"model.layers.{n}"
        for part, count in rows.items():
            shapes[f"{layer}.self_attn.{part}_proj.weight"] = count, d
            if config["model_type"] == "qwen2":
                shapes[f"{layer}.self_attn.{part}_proj.bias"] = (count,)
        shapes[f"{layer}.self_attn.o_proj.weight"] = d, rows["q"]
        shapes |= {f"{layer}.mlp.{part}_proj.weight": (inner, d) for part in ("gate", "up")}
        shapes[f"{layer}.mlp.down_proj.weight"] = d, inner
        for part in ("input_layernorm", "post_attention_layernorm"):
            shapes[f"{layer}.{part}.weight"] = (d,)
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = config["vocab_size"], d
    found = {}
    for n, (name, shape) in enumerate(sorted(shapes.items())):
        wave = 0.4 * np.sin(0.37 * np.arange(1, np.prod(shape) + 1) ** 2 + n).reshape(shape)
        found[name] = (wave + ("norm" in name)).astype(np.float32)  # scales are near 1
    return found


def write(folder, config):
    (folder / "config.json").write_text(json.dumps(config))
    save_file(tensors(config), folder / "model.safetensors")
    return folder


def outputs(net, params):
    ids = np.array([TEXT])
    return tiny_llama.outputs(net)(params, {"ids": ids, "mask": ids > 0})


@pytest.mark.parametrize("config", [LLAMA, QWEN2], ids=["llama", "qwen2"])
def test_a_folder_is_what_transformers_computes_and_so_is_its_copy(tmp_path, config):
    net, params = decoder.load(write(tmp_path, config))
    last, norms, hidden = EXPECTED[config["model_type"]]
    logits, features = outputs(net, params)
    np.testing.assert_allclose(logits[0, -1], last, atol=2e-5)
    np.testing.assert_allclose(np.linalg.norm(logits[0], axis=-1), norms, atol=2e-5)
    found = np.sqrt(np.square(features["hidden"]).sum((1, 2, 3)))
    np.testing.assert_allclose(found, hidden, atol=2e-5)

    decoder.save(tmp_path / "copy", net, params)
    again, copied = decoder.load(tmp_path / "copy")
    assert again == net
    jax.tree.map(np.testing.assert_array_equal, copied, params)
    saved = load_file(tmp_path / "copy" / "model.safetensors")
    assert {n: a.tolist() for n, a in saved.items()} == {
        n: a.tolist() for n, a in tensors(config).items()
    }


def test_an_encoder_goes_there_and_back(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    for kinds in (2, 0):
        net, folder = NET.clone(types=kinds), tmp_path / f"types_{kinds}"
        params = random_params(net, 3)
        bert.save(folder, net, params, tokenizer=tmp_path)
        assert (folder / "tokenizer.json").read_text() == "{}"
        again, copied = bert.load(folder)
        assert again == net
        jax.tree.map(np.testing.assert_array_equal, copied, params)
    with pytest.raises(InputError, match="there is no folder .*absent, whose"):
        bert.save(folder, net, params, tokenizer=tmp_path / "absent")


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16])
def test_short_floats_and_shards_are_read(tmp_path, dtype):
    write(tmp_path, LLAMA)
    whole = {name: array.astype(dtype) for name, array in tensors(LLAMA).items()}
    (tmp_path / "model.safetensors").unlink()
    shards = {}
    for n, names in enumerate((sorted(whole)[:5], sorted(whole)[5:])):
        shards |= dict.fromkeys(names, f"model-0000{n + 1}-of-00002.safetensors")
        save_file({name: whole[name] for name in names}, tmp_path / shards[names[0]])
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": shards}))
    save_file({"model.norm.weight": np.zeros(12)}, tmp_path / "consolidated.safetensors")
    _, params = decoder.load(tmp_path)
    expected = whole["model.layers.1.mlp.up_proj.weight"].T.astype(np.float32)
    np.testing.assert_array_equal(params["layers"]["up"]["kernel"][1], expected)
    assert params["norm"]["scale"].dtype == np.float32 and params["norm"]["scale"].all()
    (tmp_path / shards["lm_head.weight"]).unlink()
    assert "model-00001-of-00002.safetensors is missing" in refused(tmp_path)
    index.write_text(json.dumps({"weight_map": {"a": "../a.safetensors"}}))
    assert "names the file '../a.safetensors': expected one in the same" in refused(tmp_path)
    index.write_text("[]")
    assert "has no weight_map" in refused(tmp_path)


def refused(folder):
    with pytest.raises(InputError) as caught:
        decoder.load(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"model_type": "gpt2"}, "model_type is 'gpt2', expected llama, mistral, qwen2,"),
        ({"hidden_act": "gelu"}, "hidden_act is gelu, expected silu"),
        ({"attention_bias": True}, "no tensor 'model.layers.0.self_attn.q_proj.bias'"),
        ({"use_sliding_window": True}, "use_sliding_window is True, expected False"),
        ({"num_key_value_heads": 3}, "4 heads are no multiple of 3 groups"),
        ({"head_dim": 5}, "heads are 5 wide, expected an even number"),
        ({"head_dim": None, "num_attention_heads": 8}, "width 12 is no multiple of 8 heads"),
        ({"head_dim": "x"}, "head_dim is 'x', expected 1 or more"),
        ({"rms_norm_eps": 0}, "rms_norm_eps is 0, expected more than 0"),
        ({"rope_theta": "a"}, "rope_theta is 'a', expected 1 or more"),
        (
            {"rope_scaling": {"type": "linear"}},
            "factor is None, expected more than 0",
        ),
        ({"rope_parameters": {"rope_type": "dynamic"}}, "rotations are scaled by 'dynamic'"),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor is 0.5, expected 1"),
        ({"num_hidden_layers": 3}, "no tensor 'model.layers.2.input_layernorm.weight'"),
        ({"vocab_size": 14}, "has shape (13, 12), config.json says (14, 12)"),
    ],
)
def test_every_bad_folder_is_one_line(tmp_path, change, said):
    write(tmp_path, LLAMA)
    (tmp_path / "config.json").write_text(json.dumps(LLAMA | change))
    assert said in refused(tmp_path)


def test_a_model_is_found_by_its_folder_or_its_name_on_the_hub(tmp_path, monkeypatch):
    assert folders.find(str(tmp_path)) == tmp_path
    with pytest.raises(InputError, match="/no/where is no folder: expected a Hugging Face model"):
        folders.find("/no/where")

    def reached(name, allow_patterns):
        assert name == "owner/model" and "config.json" in allow_patterns
        return str(tmp_path)

    def out_of_reach(name, allow_patterns):
        raise OSError("no route\nto host")

    hub = types.SimpleNamespace(snapshot_download=reached)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    assert folders.find("owner/model") == tmp_path
    hub.snapshot_download = out_of_reach
    with pytest.raises(InputError) as caught:
        folders.find("owner/model")
    assert "fetched from the hub (no route); owner/model is no local folder" in str(caught.value)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r'huggingface_hub is not .*"kd_jax\[text\]"; owner/'):
        folders.find("owner/model")
