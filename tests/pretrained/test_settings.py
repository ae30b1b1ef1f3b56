"""Every setting of a model folder is implemented, neutral, harmless, or refused by name."""

import json

import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import tiny_folders as tiny
from model_loaders import CONFIGS, KINDS, READERS, refused, same

from kd_jax.pretrained import bert, llama, safetensors_files

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
        assert same(READERS[kind](tmp_path), expected)


def test_a_file_that_cannot_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    tiny.write(tmp_path, tiny.LLAMA)

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(safetensors_files, "safe_open", denied)
        said = refused(tmp_path, READERS["llama"])
    assert "model.safetensors cannot be read" in said and "again" not in said
    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.read_bytes", denied)
        assert "config.json cannot be read ([Errno 13]" in refused(tmp_path, READERS["llama"])


@KINDS
def test_an_adapter_is_not_forgotten(tmp_path, kind):
    tiny.write(tmp_path, CONFIGS[kind])
    (tmp_path / "adapter_config.json").write_text("{}")
    assert "an adapter is to be added to these weights" in refused(tmp_path, READERS[kind])


def test_a_distilbert_may_give_its_sizes_under_both_names(tmp_path):
    config = tiny.DISTILBERT | {"hidden_size": 8, "num_attention_heads": 2}
    net, _ = bert.load(tiny.write(tmp_path, config))
    assert net.width == 8
    tiny.write(tmp_path, config | {"num_attention_heads": 4})
    assert "num_attention_heads is 4, expected 2" in refused(tmp_path, READERS["distilbert"])


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
    {"use_sliding_window": True},
    {"use_sliding_window": "false"},
    {"layer_types": ["full_attention", "sliding_attention"]},
    {"tie_word_embeddings": "false"},
    {"tie_word_embeddings": 1},
    {"partial_rotary_factor": 0.5},
    {"rope_scaling": {"type": "linear", "factor": 0.5}},
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
    {"rope_theta": 1e-20},
    {"rope_theta": 0.5},
    {"rope_theta": 1e20},
    {"rms_norm_eps": None},
    {"rms_norm_eps": 1e20},
    {"rms_norm_eps": 1},
    {"layer_types": []},
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
    ("llama", {"sliding_window": 16}),
    ("qwen2", {"mlp_bias": True}),
    ("bert", {"hidden_act": "gelu_new"}),
    ("bert", {"layer_norm_eps": "1e-12"}),
    ("bert", {"layer_norm_eps": 1e20}),
    ("distilbert", {"activation": "relu"}),
    ("distilbert", {"layer_norm_eps": 1e-5}),  # its own is fixed
]


@pytest.mark.parametrize("kind", READERS)
def test_settings_that_are_not_implemented_are_refused_by_name(tmp_path, kind):
    tiny.write(tmp_path, CONFIGS[kind])
    for change in [change for of, change in REFUSED if of == kind]:
        (tmp_path / "config.json").write_text(json.dumps(CONFIGS[kind] | change))
        said = refused(tmp_path, READERS[kind])
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
    assert same(llama.load(tmp_path), expected)


def test_a_setting_that_stands_twice_is_refused(tmp_path):
    tiny.write(tmp_path, tiny.LLAMA)
    text = json.dumps(tiny.LLAMA)
    (tmp_path / "config.json").write_text(text[:-1] + ', "rope_theta": 9.0}')
    assert "'rope_theta' stands there twice" in refused(tmp_path, READERS["llama"])
