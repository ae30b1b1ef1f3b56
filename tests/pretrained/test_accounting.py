"""Every setting and tensor of a model folder is used, neutral, harmless, or refused by name."""

import json
import struct

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import jax
import tiny_folders as tiny
from safetensors.numpy import load_file, save_file

from kd_jax.errors import InputError
from kd_jax.pretrained import bert, llama, safetensors_files, sentence_pooling

READERS = {"llama": llama.load, "qwen2": llama.load, "bert": bert.load, "distilbert": bert.load}
CONFIGS = {
    "llama": tiny.LLAMA,
    "qwen2": tiny.QWEN2,
    "bert": tiny.BERT,
    "distilbert": tiny.DISTILBERT,
}
KINDS = pytest.mark.parametrize("kind", READERS)


def refused(folder, kind):
    with pytest.raises(InputError) as caught:
        READERS[kind](folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def same(found, expected):
    assert found[0] == expected[0]
    jax.tree.map(np.testing.assert_array_equal, found[1], expected[1])


# what the folders of these models on the hub say besides their sizes
PUBLISHED = {
    "llama": [
        {  # SmolLM2-135M-Instruct
            "architectures": ["LlamaForCausalLM"], "attention_bias": False,
            "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2,
            "initializer_range": 0.041666666666666664, "is_llama_config": True, "mlp_bias": False,
            "pad_token_id": 2, "pretraining_tp": 1, "rope_interleaved": False,
            "rope_scaling": None, "torch_dtype": "bfloat16",
            "transformers.js_config": {"kv_cache_dtype": {"q4f16": "float16"}},
            "transformers_version": "4.42.3", "use_cache": True,
        },
        {  # as transformers 5 writes it
            "dtype": "float32", "is_decoder": False, "id2label": {"0": "LABEL_0"},
            "output_hidden_states": False, "return_dict": True, "chunk_size_feed_forward": 0,
            "rope_theta": None, "problem_type": None, "is_encoder_decoder": False,
            "rope_parameters": {"rope_theta": 500.0, "rope_type": "default"},
        },
    ],
    "qwen2": [
        {  # Qwen2.5-0.5B-Instruct
            "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1,
            "eos_token_id": 2, "initializer_range": 0.02, "max_window_layers": 21,
            "sliding_window": 16, "use_sliding_window": False, "use_mrope": False,
            "torch_dtype": "bfloat16", "use_cache": True,
            "layer_types": ["full_attention", "full_attention"],
        },
    ],
    "bert": [
        {  # all-MiniLM-L6-v2
            "_name_or_path": "x", "architectures": ["BertModel"], "gradient_checkpointing": False,
            "attention_probs_dropout_prob": 0.1, "hidden_dropout_prob": 0.1, "pad_token_id": 0,
            "initializer_range": 0.02, "position_embedding_type": "absolute", "use_cache": True,
            "transformers_version": "4.8.2", "classifier_dropout": None,
        },
        {  # bert-base-multilingual-cased
            "directionality": "bidi", "pooler_fc_size": 768, "pooler_num_attention_heads": 12,
            "pooler_num_fc_layers": 3, "pooler_size_per_head": 128,
            "pooler_type": "first_token_transform",
        },
    ],
    "distilbert": [
        {  # distilbert-base-uncased
            "architectures": ["DistilBertForMaskedLM"], "attention_dropout": 0.1, "dropout": 0.1,
            "initializer_range": 0.02, "pad_token_id": 0, "qa_dropout": 0.1,
            "seq_classif_dropout": 0.2, "sinusoidal_pos_embds": False, "tie_weights_": True,
        },
    ],
}  # fmt: skip


@KINDS
def test_what_published_folders_say_besides_is_harmless(tmp_path, kind):
    expected = READERS[kind](tiny.write(tmp_path, CONFIGS[kind]))
    for more in PUBLISHED[kind]:
        (tmp_path / "config.json").write_text(json.dumps(CONFIGS[kind] | more))
        same(READERS[kind](tmp_path), expected)


def test_a_file_that_cannot_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    tiny.write(tmp_path, tiny.LLAMA)

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(safetensors_files, "safe_open", denied)
        said = refused(tmp_path, "llama")
    assert "model.safetensors cannot be read" in said and "again" not in said
    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.read_bytes", denied)
        assert "config.json cannot be read ([Errno 13]" in refused(tmp_path, "llama")


@KINDS
def test_an_adapter_is_not_forgotten(tmp_path, kind):
    tiny.write(tmp_path, CONFIGS[kind])
    (tmp_path / "adapter_config.json").write_text("{}")
    assert "an adapter is to be added to these weights" in refused(tmp_path, kind)


def test_a_distilbert_may_give_its_sizes_under_both_names(tmp_path):
    config = tiny.DISTILBERT | {"hidden_size": 8, "num_attention_heads": 2}
    net, _ = bert.load(tiny.write(tmp_path, config))
    assert net.width == 8
    tiny.write(tmp_path, config | {"num_attention_heads": 4})
    assert "num_attention_heads is 4, expected 2" in refused(tmp_path, "distilbert")


def test_a_sentence_encoder_whose_vector_is_no_mean_is_refused(tmp_path):
    """As all-MiniLM-L6-v2 and bge-small-en-v1.5 write it."""
    parts = [{"type": f"sentence_transformers.models.{name}", "path": path} for name, path in (
        ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize"))]  # fmt: skip
    sentence_pooling.require_mean(tmp_path)  # it says nothing
    (tmp_path / "modules.json").write_text(json.dumps(parts))
    (tmp_path / "1_Pooling").mkdir()
    pooling = tmp_path / "1_Pooling" / "config.json"
    mean = {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True,
            "pooling_mode_cls_token": False, "pooling_mode_max_tokens": False}  # fmt: skip
    pooling.write_text(json.dumps(mean))
    sentence_pooling.require_mean(tmp_path)
    for change in (
        {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True},
        {"pooling_mode_max_tokens": True},
        {"pooling_mode_new": True},
    ):
        pooling.write_text(json.dumps(mean | change))
        with pytest.raises(InputError, match="pooling_mode"):
            sentence_pooling.require_mean(tmp_path)
    parts[2]["type"] = "sentence_transformers.models.Dense"
    pooling.write_text(json.dumps(mean))
    (tmp_path / "modules.json").write_text(json.dumps(parts))
    with pytest.raises(InputError, match="a sentence's vector goes through Dense, expected"):
        sentence_pooling.require_mean(tmp_path)


EVERYWHERE = [
    {"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}},
    {"compression_config": {"format": "int-quantized"}},
    {"auto_map": {"AutoModel": "modeling.Own"}},
    {"is_encoder_decoder": True},
    {"add_cross_attention": True},
    {"pruned_heads": {"0": [1]}},
    {"vocab_sice": 13},
    {"attention_multiplier": 0.5},
    {"per_layer_config": {"1": {"hidden_act": "relu"}}},
]
DECODERS = [
    {"attn_logit_softcapping": 50.0},
    {"final_logit_softcapping": 30.0},
    {"logits_scaling": 8.0},
    {"embedding_multiplier": 12},
    {"hidden_act": "gelu"},
    {"mlp_bias": True},
    {"use_sliding_window": True},
    {"use_sliding_window": "false"},
    {"layer_types": ["full_attention", "sliding_attention"]},
    {"tie_word_embeddings": "false"},
    {"tie_word_embeddings": 1},
    {"partial_rotary_factor": 0.5},
    {"rope_scaling": {"type": "linear", "factor": 2.0}},
    {"rope_scaling": {"factor": 2.0}},
    {"rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0}},
    {"rope_scaling": {"type": "dynamic", "factor": 1.0}},
    {"rope_scaling": {"type": "yarn", "rope_type": "default"}},
    {"rope_scaling": {"mrope_section": [1, 1], "type": "default"}},
    {"rope_scaling": {"type": "linear"}, "rope_parameters": {"rope_type": "default"}},
    {"rope_parameters": {"rope_theta": 600.0}},
    {"rope_parameters": {"full_attention": {"rope_theta": 500.0}}},
    {"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}},
    {"rope_interleaved": True},
    {"rope_theta": "500"},
    {"rms_norm_eps": None},
    {"layer_norm_epsilon": 1e-3},
    {"num_experts": 4},
    {"num_hidden_layers": 10**12},
]
ENCODERS = [
    {"position_embedding_type": "relative_key"},
    {"is_decoder": True},
    {"embedding_size": 4},
]
REFUSED = [
    *[(kind, each) for kind in READERS for each in EVERYWHERE],
    *[(kind, each) for kind in ("llama", "qwen2") for each in DECODERS],
    *[(kind, each) for kind in ("bert", "distilbert") for each in ENCODERS],
    ("llama", {"attention_bias": True}),
    ("llama", {"sliding_window": 16}),
    ("bert", {"hidden_act": "gelu_new"}),
    ("bert", {"layer_norm_eps": "1e-12"}),
    ("distilbert", {"activation": "relu"}),
    ("distilbert", {"layer_norm_eps": 1e-5}),  # its own is fixed
]


@pytest.mark.parametrize("kind", READERS)
def test_settings_that_are_not_implemented_are_refused_by_name(tmp_path, kind):
    tiny.write(tmp_path, CONFIGS[kind])
    for change in [change for of, change in REFUSED if of == kind]:
        (tmp_path / "config.json").write_text(json.dumps(CONFIGS[kind] | change))
        said = refused(tmp_path, kind)
        names = [*change, "model.layers.2." if "num_hidden_layers" in change else "hidden_act"]
        assert any(name in said for name in names), (change, said)


@pytest.mark.parametrize(
    "change",
    [
        {"rope_scaling": {"type": "linear", "factor": 1.0}},
        {"rope_scaling": {"rope_type": "default", "original_max_position_embeddings": 32}},
        {"rope_parameters": {"rope_theta": 500, "partial_rotary_factor": 1.0}},
        {"rope_theta": 500},
        {"hidden_act": "swish"},
        {"tie_word_embeddings": None},
        {"use_sliding_window": False, "sliding_window": 16, "max_window_layers": 1},
        {"sliding_window": 32},  # as many as there are positions
    ],
)
def test_neutral_values_are_read(tmp_path, change):
    expected = llama.load(tiny.write(tmp_path, tiny.LLAMA))
    (tmp_path / "config.json").write_text(json.dumps(tiny.LLAMA | change))
    same(llama.load(tmp_path), expected)


def test_a_setting_that_stands_twice_is_refused(tmp_path):
    tiny.write(tmp_path, tiny.LLAMA)
    text = json.dumps(tiny.LLAMA)
    (tmp_path / "config.json").write_text(text[:-1] + ', "rope_theta": 9.0}')
    assert "'rope_theta' stands there twice" in refused(tmp_path, "llama")


@KINDS
def test_a_tensor_that_nothing_uses_is_refused_by_name(tmp_path, kind):
    tiny.write(tmp_path, CONFIGS[kind])
    first = (
        "model.layers.0.self_attn.o_proj" if "rms_norm_eps" in CONFIGS[kind] else "layer.0.extra"
    )
    for name in (f"{first}.bias", f"{first}.weight_scale", "new.weight", "score.weight"):
        tiny.changed(tmp_path, **{name: np.ones(12, np.float32)})
        assert f"tensor '{name}' is not used" in refused(tmp_path, kind)
        tiny.changed(tmp_path, **{name: None})
    READERS[kind](tmp_path)


@KINDS
def test_a_layer_more_than_the_config_says_is_refused(tmp_path, kind):
    name = "n_layers" if kind == "distilbert" else "num_hidden_layers"
    tiny.write(tmp_path, CONFIGS[kind] | {name: 1}, tiny.arrays(CONFIGS[kind]))
    assert "is not used by this architecture" in refused(tmp_path, kind)


def test_buffers_of_a_llama_may_be_there_if_they_hold_what_follows(tmp_path):
    expected = llama.load(tiny.write(tmp_path, tiny.LLAMA))
    name = "model.layers.0.self_attn.rotary_emb.inv_freq"
    # θ^(−2i/4) for i = 0, 1: 1 and 1/√500 = 0.0447
    tiny.changed(tmp_path, **{name: np.array([1, 0.0447], np.float16)})
    same(llama.load(tmp_path), expected)
    tiny.changed(tmp_path, **{name: np.array([1, 0.01], np.float32)})  # those of θ = 10000
    assert name in refused(tmp_path, "llama")


def test_a_head_beside_tied_embeddings_must_be_the_same(tmp_path):
    tiny.write(tmp_path, tiny.QWEN2)
    expected, table = llama.load(tmp_path), tiny.arrays(tiny.QWEN2)["model.embed_tokens.weight"]
    same(llama.load(tiny.changed(tmp_path, **{"lm_head.weight": table})), expected)
    tiny.changed(tmp_path, **{"lm_head.weight": table + 1})
    assert "tensor 'lm_head.weight' is not used" in refused(tmp_path, "qwen2")


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
    same(bert.load(tiny.write(tmp_path, tiny.BERT, renamed | head)), expected)
    turned = {"bert.embeddings.position_ids": np.arange(9)[None, ::-1].copy()}
    tiny.write(tmp_path, tiny.BERT, renamed | turned)
    assert "position_ids' is not used" in refused(tmp_path, "bert")
    tiny.write(tmp_path, tiny.BERT, plain | {"embeddings.LayerNorm.gamma": np.ones(8, np.float32)})
    assert "'embeddings.LayerNorm.weight' under two names" in refused(tmp_path, "bert")


@pytest.mark.parametrize("kind", ["llama", "bert"])
def test_quantized_weights_are_refused(tmp_path, kind):
    folder = tiny.write(tmp_path, CONFIGS[kind])
    name = next(n for n in sorted(tiny.arrays(CONFIGS[kind])) if "embed" in n and "weight" in n)
    whole = tiny.arrays(CONFIGS[kind])
    for dtype in (np.int8, np.uint8, np.int32, bool):
        tiny.write(folder, CONFIGS[kind], whole | {name: whole[name].astype(dtype)})
        said = refused(folder, kind)
        assert f"tensor '{name}' holds {np.dtype(dtype)}" in said and "unquantized" in said
    for short in ("F8_E4M3", "F8_E5M2"):  # a byte a number, written by hand
        header = json.dumps({name: {"dtype": short, "shape": [4], "data_offsets": [0, 4]}}).encode()
        content = struct.pack("<Q", len(header)) + header + bytes(4)
        (folder / "model.safetensors").write_bytes(content)
        assert f"tensor '{name}' holds {short}" in refused(folder, kind)


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
    same(llama.load(tmp_path), (net, new))
    assert {p.name: p.read_bytes() for p in tmp_path.glob("model-*")} == before  # somebody's files
    (tmp_path / "model.safetensors.index.json").unlink()
    llama.save(tmp_path, net, new)  # over shards whose index is lost
    same(llama.load(tmp_path), (net, new))
    assert not list(tmp_path.glob("*partial")) and not list(tmp_path.glob(".*"))


def test_two_models_in_one_folder_are_refused(tmp_path):
    tiny.write(tmp_path, tiny.LLAMA)
    whole = load_file(tmp_path / "model.safetensors")
    save_file({"lm_head.weight": whole["lm_head.weight"] + 1}, tmp_path / "other.safetensors")
    said = refused(tmp_path, "llama")
    assert "'lm_head.weight' lies in model.safetensors and in other.safetensors" in said
    (tmp_path / "other.safetensors").unlink()
    sharded(tmp_path, tiny.LLAMA)
    said = refused(tmp_path, "llama")
    assert "holds model.safetensors and the files of model.safetensors.index.json" in said
    for path in tmp_path.glob("model-*"):  # the index alone was left behind
        path.unlink()
    net, params = llama.load(tmp_path)
    np.testing.assert_array_equal(params["embedding"], whole["model.embed_tokens.weight"])
