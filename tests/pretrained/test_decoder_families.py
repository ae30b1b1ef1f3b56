"""Decoders of every family give the logits and greedy tokens of transformers, there and back.

decoder_families.json: transformers' numbers of 13 tiny decoders whose weights follow a recipe.
"""

import json

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import jax
from model_loaders import refused, same
from safetensors.numpy import load_file, save_file
from tiny_decoders import GOLDEN, config_of, tensors, write

from kd_jax.models import llama, serialization
from kd_jax.pretrained import layer_selection
from kd_jax.pretrained import llama as decoder
from kd_jax.runtime import compilation
from kd_jax.training.state import stateless

TEXTS = [ids[:length] for ids, length in zip(GOLDEN["ids"], GOLDEN["lengths"])]
WIDTH = max(GOLDEN["lengths"])
FAMILIES = pytest.mark.parametrize("name", GOLDEN["families"])


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """{family: (network, params)}, each loaded once."""
    folder = tmp_path_factory.mktemp("families")
    return {name: decoder.load(write(folder / name, name)) for name in GOLDEN["families"]}


def batch(texts, width, before):
    """ids and mask of texts with padding: `before` gives how much of it stands before each."""
    ids, mask = np.full((len(texts), width), 7), np.zeros((len(texts), width), bool)
    for row, text in enumerate(texts):
        first = before(width - len(text))
        ids[row, first : first + len(text)], mask[row, first : first + len(text)] = text, True
    return ids, mask


def compiled(function):
    return jax.jit(function, compiler_options=compilation.quick_options())


@FAMILIES
def test_logits_are_those_of_each_text_alone_wherever_it_is_padded(loaded, name):
    net, params = loaded[name]
    sides = [batch(TEXTS, WIDTH, before) for before in (lambda n: 0, lambda n: n, lambda n: n // 2)]
    ids, mask = (np.concatenate(each) for each in zip(*sides))
    apply = compiled(lambda *each: llama.decoder(net).apply(*each)[0][0])
    found = apply(stateless(params), {"ids": ids, "mask": mask})
    for row, expected in enumerate(3 * GOLDEN["families"][name]["logits"]):
        np.testing.assert_allclose(found[row][mask[row]], expected, atol=1e-4)


@FAMILIES
def test_with_a_cache_logits_and_14_greedy_tokens_are_the_same(loaded, name):
    """Two places at a time; each greedy token stands behind a place without a token."""
    net, params = loaded[name]
    texts, width = [*TEXTS, GOLDEN["prompt"]], WIDTH + 1
    ids, mask = batch(texts, width, lambda n: n)

    @compiled
    def step(params, ids, mask, cache):
        hidden, cache = net.apply({"params": params}, ids, mask, cache)
        return llama.logits(params, hidden[-1], net.variant.logits_cap), cache

    cache, found = llama.cached_decoder(net).empty(len(texts), width + 2 * 14), []
    for n in range(0, width, 2):
        logits, cache = step(params, ids[:, n : n + 2], mask[:, n : n + 2], cache)
        found.append(logits)
    found = np.concatenate(found, axis=1)
    for row, expected in enumerate(GOLDEN["families"][name]["logits"]):
        np.testing.assert_allclose(found[row][mask[row]], expected, atol=1e-4)

    written = []
    for _ in range(14):
        written.append(np.asarray(logits)[:, -1].argmax(-1))
        pair = np.stack([np.zeros_like(written[-1]), written[-1]], axis=1)
        logits, cache = step(params, pair, np.array([[False, True]] * len(texts)), cache)
    assert [int(tokens[-1]) for tokens in written] == GOLDEN["families"][name]["greedy"]


@FAMILIES
def test_it_goes_there_and_back_under_the_names_of_its_family(loaded, name, tmp_path):
    net, params = loaded[name]
    decoder.save(tmp_path, net, params)
    assert same(decoder.load(tmp_path), (net, params))
    saved, expected = load_file(tmp_path / "model.safetensors"), tensors(name)
    assert saved.keys() == expected.keys()
    for part in saved:
        np.testing.assert_array_equal(saved[part], expected[part])
    said = json.loads((tmp_path / "config.json").read_text())
    assert said["model_type"] == config_of(name)["model_type"]
    described = json.loads(json.dumps(serialization.describe(net)))
    assert serialization.build(described) == net


def older(config):
    """The same settings as libraries before rope_parameters wrote them."""
    found = dict(config)
    rope = found.pop("rope_parameters")
    if "full_attention" in rope:
        found["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
    rope = dict(rope)
    found["rope_theta"] = rope.pop("rope_theta")
    scaled = rope["rope_type"] != "default"
    return found | {"rope_scaling": rope if scaled else None}


@FAMILIES
def test_older_settings_of_rotations_say_the_same(loaded, name, tmp_path):
    write(tmp_path, name)
    (tmp_path / "config.json").write_text(json.dumps(older(config_of(name))))
    net, _ = decoder.load(tmp_path)
    assert net == loaded[name][0]


def test_what_is_not_stated_is_as_the_family_has_it(loaded, tmp_path):
    """layer_types, no_rope_layers and others are newer than some folders."""
    for name, left_out in {
        "mistral_sliding": ["tie_word_embeddings", "rope_parameters"],
        "qwen2": ["layer_types", "sliding_window", "max_window_layers", "use_sliding_window"],
        "gemma2": ["layer_types", "tie_word_embeddings", "rope_parameters", "hidden_activation"],
        "gemma3": ["tie_word_embeddings", "rope_parameters", "_sliding_window_pattern"],
        "smollm3": ["layer_types", "tie_word_embeddings", "rope_parameters"],
        "phi3": ["sliding_window", "rms_norm_eps", "original_max_position_embeddings"],
    }.items():
        write(tmp_path, name)
        config = {n: x for n, x in config_of(name).items() if n not in left_out}
        (tmp_path / "config.json").write_text(json.dumps(config))
        net, _ = decoder.load(tmp_path)
        assert net == loaded[name][0], name


# what the folders of these models on the hub say besides their sizes and what is tested above
PUBLISHED = {
    "llama3_rope": {  # Llama-3.2-1B
        "rope_parameters": None, "pretraining_tp": 1, "bos_token_id": 128000,
        "rope_theta": 500000.0, "rope_scaling": {
            "factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
            "original_max_position_embeddings": 16, "rope_type": "llama3",
        },
    },
    "qwen3": {"max_window_layers": 28, "rope_scaling": None, "rope_theta": 10000},  # Qwen3-0.6B
    "smollm3": {"max_window_layers": 28, "pretraining_tp": 2, "rope_scaling": None},  # SmolLM3-3B
    "olmo2": {"rope_scaling": None, "rope_theta": 10000},  # OLMo-2-0425-1B
    "gemma2": {  # gemma-2-9b
        "cache_implementation": "hybrid", "hidden_act": "gelu_pytorch_tanh",
        "sliding_window_size": 5, "rope_theta": 10000.0,
    },
    "gemma3": {  # gemma-3-1b-it
        "rope_parameters": None, "rope_local_base_freq": 10000, "rope_scaling": None,
        "rope_theta": 1000000, "cache_implementation": "hybrid", "sliding_window_pattern": 6,
    },
    "phi3": {  # Phi-3-mini-4k-instruct
        "attention_bias": False, "embd_pdrop": 0.0, "resid_pdrop": 0.0, "rope_scaling": None,
        "auto_map": {
            "AutoConfig": "configuration_phi3.Phi3Config",
            "AutoModelForCausalLM": "modeling_phi3.Phi3ForCausalLM",
        },
    },
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_published_folders_say_besides_is_harmless(loaded, name, tmp_path):
    assert network(tmp_path, name, **PUBLISHED[name]) == loaded[name][0]


def test_a_padding_token_is_that_of_the_tokenizer_s_folder_or_none(loaded, tmp_path):
    """Libraries have ids of their own for what is not said, beyond a small vocabulary."""
    net, params = loaded["phi3"]
    words = tmp_path / "words"
    words.mkdir()
    (words / "tokenizer.json").write_text("{}")
    for config, expected in (({}, None), ({"pad_token_id": 3, "eos_token_id": [4, 5]}, 3)):
        (words / "config.json").write_text(json.dumps(config))
        decoder.save(tmp_path / "student", net, params, tokenizer=words)
        said = json.loads((tmp_path / "student" / "config.json").read_text())
        assert said["pad_token_id"] == expected
        assert said.get("eos_token_id") == config.get("eos_token_id")


def network(folder, name, **changes):
    return decoder.load(write(folder, name, **changes))[0]


def test_windows_are_read_from_what_each_family_says(tmp_path):
    more = {"layer_types": None, "use_sliding_window": True, "sliding_window": 3}
    upper = network(tmp_path, "qwen3", **more, max_window_layers=1)
    assert upper.variant.windows == (0, 3, 3)
    assert network(tmp_path, "qwen3", **more, max_window_layers=3).variant.windows == ()
    assert network(tmp_path, "smollm3", **more).variant.windows == (0, 3, 0)
    types = ["full_attention", "full_attention", "sliding_attention"]
    found = network(tmp_path, "qwen2", **more | {"layer_types": types})
    assert found.variant.windows == (0, 0, 3)
    more = {"layer_types": None, "_sliding_window_pattern": None, "sliding_window_pattern": 3}
    assert network(tmp_path, "gemma3", **more).variant.windows == (5, 5, 0)
    assert network(tmp_path, "mistral_sliding", sliding_window=None).variant.windows == ()
    assert network(tmp_path, "phi3", sliding_window=9).variant.windows == (9, 9, 9)


def test_a_cut_decoder_keeps_what_its_layers_see(loaded):
    net, params = loaded["gemma3"]
    short = layer_selection.shortened(net, [0, 1])
    assert short.layers == 2 and short.variant.windows == (5, 0)
    assert [each.theta for each in short.variant.rotations] == [1e4, 1e6]
    plain = layer_selection.shortened(loaded["llama"][0], [0, 2])
    assert plain.layers == 2 and plain.variant == loaded["llama"][0].variant


@pytest.mark.parametrize(
    "name, changes, said",
    [
        ("llama", {"model_type": "gemma3"}, "'gemma3', expected llama, mistral, qwen2, qwen3, "),
        ("llama", {"model_type": "gemma3"}, "the nearest is gemma3_text"),
        ("llama3_rope", {"rope_parameters": {"rope_type": "llama3", "factor": 8.0}},
         "rope_parameters: low_freq_factor is None, expected more than 0"),
        ("llama", {"rope_parameters": {
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 1.0,
        }}, "high_freq_factor is 1, expected more than 1"),
        ("llama", {"rope_parameters": {
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        }}, "original_max_position_embeddings is None, expected 1 or more"),
        ("llama", {"rope_parameters": {"rope_type": "linear", "factor": 0.5}},
         "factor is 0.5, expected 1 or more"),
        ("llama", {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "beta_fast": 3}},
         "the setting beta_fast (3) is not known"),
        ("llama", {"rope_parameters": {"rope_type": "yarn", "factor": 2.0, "beta_slow": 40}},
         "beta_fast is 32, expected more than 40"),
        ("llama", {"rope_parameters": {"rope_type": "yarn", "factor": 2.0, "mscale": 1.0}},
         "mscale and mscale_all_dim are to stand there together"),
        ("llama", {"rope_parameters": {"rope_type": "yarn", "factor": 2.0, "rope_theta": 1.0}},
         "rope_theta is 1, expected more than 1 with yarn"),
        ("llama", {
            "rope_parameters": {"rope_type": "yarn", "factor": 2.0}, "max_position_embeddings": None
        }, "original_max_position_embeddings is None, expected 1 or more"),
        ("llama", {"rope_parameters": {"rope_type": "longrope", "factor": 2.0}},
         "rotations are scaled by 'longrope', expected default, linear, llama3, yarn"),
        ("llama", {"rope_parameters": {"rope_type": ["yarn"]}}, "rotations are scaled by"),
        ("llama_linear_rope", {"rope_scaling": {"type": "linear", "factor": 2.0}},
         "rope_parameters and rope_scaling: libraries differ"),
        ("llama_yarn", {"original_max_position_embeddings": 32},
         "original_max_position_embeddings is 16, and 32 outside: libraries differ"),
        ("llama", {"mlp_bias": True}, "no tensor 'model.layers.0.mlp.gate_proj.bias'"),
        ("llama", {"layer_types": ["sliding_attention"] * 3}, "layer_types is"),
        ("mistral_sliding", {"attention_bias": True}, "attention_bias is True, expected False"),
        ("mistral_sliding", {"sliding_window": "5"}, "sliding_window is '5', expected 1 or more"),
        ("mistral_sliding", {"sliding_window": 0}, "sliding_window is 0, expected 1 or more"),
        ("mistral_sliding", {"use_sliding_window": False}, "use_sliding_window (False) is not"),
        ("mistral_sliding", {"layer_types": ["full_attention"] * 3}, "has layers of one kind"),
        ("qwen2", {"use_sliding_window": True}, "sliding_window is missing"),
        ("qwen2", {"layer_types": ["sliding_attention"] * 3}, "expected 3 times full_attention"),
        ("qwen3", {"layer_types": ["full_attention"] * 2}, "expected 3 times full_attention"),
        ("qwen3", {"max_window_layers": -1}, "max_window_layers is -1, expected 0 or more"),
        ("qwen3", {"attention_bias": True}, "no tensor 'model.layers.0.self_attn.q_proj.bias'"),
        ("smollm3", {"no_rope_layers": [1, 0]}, "no_rope_layers is [1, 0], expected 3 times 1"),
        ("smollm3", {"no_rope_layers": [1, 2, 1]}, "no_rope_layers is [1, 2, 1]"),
        ("smollm3", {"no_rope_layers": [], "no_rope_layer_interval": 0}, "interval is 0"),
        ("gemma2", {"hidden_act": "gelu"}, "hidden_act is gelu, expected gelu_pytorch_tanh"),
        ("gemma2", {"hidden_activation": "gelu"}, "hidden_activation is gelu, expected"),
        ("gemma2", {"attn_logit_softcapping": 0}, "attn_logit_softcapping is 0, expected more"),
        ("gemma2", {"sliding_window": None}, "sliding_window is None, expected 1 or more"),
        ("gemma2", {"sliding_window_size": 6}, "sliding_window_size is 6, expected 5"),
        ("gemma2", {"use_bidirectional_attention": True}, "use_bidirectional_attention is True"),
        ("gemma3", {"rope_local_base_freq": 9.0}, "rope_local_base_freq = 9"),
        ("gemma3", {"rope_theta": 9.0}, "rope_theta = 9, full_attention.rope_theta = 1e+06"),
        ("gemma3", {"rope_parameters": {"full_attention": {"rope_type": "x"}}}, "'x', expected"),
        ("gemma3", {"rope_parameters": {
            "full_attention": {}, "sliding_attention": {"rope_type": "linear", "factor": 2.0},
        }}, "rotations within a window are scaled"),
        ("gemma3", {"rope_parameters": {"full_attention": {}, "factor": 2.0}}, "factor (2.0)"),
        ("gemma3", {"attn_logit_softcapping": 50.0}, "attn_logit_softcapping is 50.0, expected"),
        ("gemma3", {"query_pre_attn_scalar": 0}, "query_pre_attn_scalar is 0, expected more"),
        ("phi3", {"auto_map": {"AutoModelForCausalLM": "own.Own"}}, "auto_map is"),
        ("phi3", {"num_key_value_heads": 4}, "qkv_proj.weight' has shape (64, 32), config.json"),
        ("phi3", {"rope_scaling": {"type": "su", "long_factor": [1.0]}}, "scaled by 'su'"),
        ("olmo2", {"clip_qkv": 8.0}, "the setting clip_qkv (8.0) is not known"),
    ],
)  # fmt: skip
def test_wrong_half_known_or_contradictory_settings_are_one_line(tmp_path, name, changes, said):
    write(tmp_path, name)
    (tmp_path / "config.json").write_text(json.dumps(config_of(name) | changes))
    assert said in refused(tmp_path, decoder.load)


@pytest.mark.parametrize("name, part", [("phi3", "self_attn.q_proj"), ("olmo2", "input_layernorm")])
def test_tensors_of_another_family_are_refused(tmp_path, name, part):
    write(tmp_path, name)
    path = tmp_path / "model.safetensors"
    extra = {f"model.layers.0.{part}.weight": np.ones(32, np.float32)}
    save_file(load_file(path) | extra, path)
    assert f"{part}.weight' is not used" in refused(tmp_path, decoder.load)


def test_what_a_family_cannot_say_is_not_saved(loaded, tmp_path):
    net, params = loaded["gemma2"]
    other = net.clone(variant=net.variant._replace(family="llama"))
    assert "settings of a llama cannot say" in refused(
        tmp_path, lambda folder: decoder.save(folder, other, params)
    )
