"""Encoders of six families give transformers' hidden states; what they lack is refused by name."""

import json

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import tiny_encoders as tiny
from model_loaders import refused, same

from kd_jax.models import serialization
from kd_jax.models.bert import relative_buckets
from kd_jax.pretrained import bert, encoder, layer_selection, modernbert

FAMILIES = pytest.mark.parametrize("name", tiny.FAMILIES)


@FAMILIES
def test_hidden_states_are_those_of_transformers_alone_and_padded_on_either_side(tmp_path, name):
    network, params = encoder.load(tiny.write(tmp_path, name))
    family = tiny.FAMILIES[name]
    texts = [row[:n] for row, n in zip(family["ids"], family["lengths"])]
    assert len(texts[0]) == tiny.LENGTH  # which is alone; the others have padding beside them
    for text, expected in zip(texts, family["hidden"]):
        for left in (False, True):
            found = tiny.states(network, params, text, left)[-1]
            np.testing.assert_allclose(found, expected, atol=1e-4)
    assert network.longest == {"roberta": 38, "xlm_roberta": 38, "mpnet": 38}.get(name, 40)


@FAMILIES
def test_a_folder_saved_is_the_same_network_again(tmp_path, name):
    found = encoder.load(tiny.write(tmp_path / "a", name))
    save = modernbert.save if name == "modernbert" else bert.save
    save(tmp_path / "b", *found)
    assert same(encoder.load(tmp_path / "b"), found)
    assert serialization.build(serialization.describe(found[0])) == found[0]
    kind = json.loads((tmp_path / "b" / "config.json").read_text())["model_type"]
    assert kind == {"xlm_roberta": "roberta"}.get(name, name)


def test_positions_count_the_tokens_that_are_no_padding(tmp_path):
    """The padding's token inside a RoBERTa's text has the position of padding, in float64 NumPy."""
    network, params = encoder.load(tiny.write(tmp_path, "roberta"))
    ids = np.array([5, 1, 9, 7, 5, 1, 9, 7, 5, 1, 9])
    found = tiny.states(network, params, ids)[0]
    of = {key: np.float64(params["embeddings"][key]) for key in ("word", "position", "type")}
    positions = [2, 1, 3, 4, 5, 1, 6, 7, 8, 1, 9]
    x = of["word"][ids] + of["position"][positions] + of["type"][0]
    norm = params["embeddings"]["norm"]
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
    np.testing.assert_allclose(found, x * norm["scale"] + norm["bias"], atol=1e-5)


def test_buckets_are_those_of_the_formula():
    """8 + ⌊8 log(d/8) / log(128/8)⌋, at most 15, from distance d = 8 on; 16 more behind a token."""
    found = relative_buckets(200)
    distance = np.arange(1, 200)
    far = 8 + np.floor(8 * np.log(np.maximum(distance, 8) / 8) / np.log(16) + 1e-9)
    expected = np.where(distance < 8, distance, np.minimum(far, 15))
    np.testing.assert_array_equal(found[1:, 0], expected)
    np.testing.assert_array_equal(found[0, 1:], expected + 16)
    assert not np.diag(found).any()


NAMES_BEFORE = {
    "bert": "bert.", "roberta": "roberta.", "xlm_roberta": "roberta.", "mpnet": "mpnet.",
    "distilbert": "distilbert.", "modernbert": "model.",
}  # fmt: skip
HEADS = {
    "bert": ["cls.predictions.bias"], "roberta": ["lm_head.dense.weight", "lm_head.bias"],
    "xlm_roberta": ["classifier.out_proj.weight"], "mpnet": ["lm_head.layer_norm.weight"],
    "distilbert": ["vocab_projector.bias"], "modernbert": ["head.norm.weight", "decoder.bias"],
}  # fmt: skip


@FAMILIES
def test_a_task_s_head_is_left_out_and_other_tensors_are_refused(tmp_path, name):
    plain = tiny.tensors(name)
    expected = encoder.load(tiny.write(tmp_path, name))
    with_head = {NAMES_BEFORE[name] + key: array for key, array in plain.items()}
    with_head |= {head: np.ones(3, np.float32) for head in HEADS[name]}
    assert same(encoder.load(tiny.write(tmp_path, name, with_head)), expected)
    tiny.write(tmp_path, name, plain | {"layers.0.new.weight": np.ones(3, np.float32)})
    assert "tensor 'layers.0.new.weight' is not used" in refused(tmp_path, encoder.load)


# what the folders of these models on the hub say besides their sizes
PUBLISHED = {
    "roberta": {"architectures": ["RobertaForMaskedLM"], "gradient_checkpointing": False},
    "xlm_roberta": {"output_past": True, "position_embedding_type": "absolute"},
    "mpnet": {"architectures": ["MPNetForMaskedLM"], "tokenizer_class": "MPNetTokenizer"},
    "modernbert": {  # ModernBERT-base, of an older library
        "global_rope_theta": 160000.0, "local_rope_theta": 10000.0, "rope_parameters": ...,
        "layer_types": ..., "layer_norm_eps": 1e-5, "position_embedding_type": "absolute",
        "reference_compile": True, "repad_logits_with_grad": False, "gradient_checkpointing": False,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_published_folders_say_besides_is_harmless(tmp_path, name):
    expected = encoder.load(tiny.write(tmp_path / "a", name))
    assert same(encoder.load(tiny.write(tmp_path / "b", name, **PUBLISHED[name])), expected)


def test_camembert_is_roberta_under_another_name(tmp_path):
    expected = encoder.load(tiny.write(tmp_path / "a", "roberta"))
    assert same(
        encoder.load(tiny.write(tmp_path / "b", "roberta", model_type="camembert")), expected
    )


def test_layers_and_windows_of_a_modernbert_are_those_of_its_config(tmp_path):
    kinds = ["sliding_attention", "full_attention", "full_attention"]
    tiny.write(tmp_path, "modernbert", layer_types=kinds, local_attention=7, rope_parameters=...)
    network, params = encoder.load(tmp_path)
    assert (network.local, network.window) == ((True, False, False), 3)
    assert (network.theta, network.local_theta) == (160000, 10000)
    modernbert.save(tmp_path / "again", network, params)  # no n-th layer: newer libraries alone
    assert "global_attn_every_n_layers" not in json.loads(
        (tmp_path / "again" / "config.json").read_text()
    )
    assert encoder.load(tmp_path / "again")[0].local == network.local
    tiny.write(tmp_path, "modernbert", layer_types=..., global_attn_every_n_layers=...)
    assert encoder.load(tmp_path)[0].local == (False, True, True)


def test_a_cut_keeps_the_kinds_of_its_layers(tmp_path):
    network, params = encoder.load(tiny.write(tmp_path, "modernbert"))
    student, start = layer_selection.student(network, params, [0, 1])
    assert student.local == (False, True) and student.layers == 2
    assert start["layers"]["qkv"]["kernel"].shape == (2, 32, 96)
    network, params = encoder.load(tiny.write(tmp_path, "mpnet"))
    student, start = layer_selection.student(network, params, [2])
    assert student.layers == 1 and "relative" in start["embeddings"]
    kernel = params["layers"]["query"]["kernel"][2:]
    np.testing.assert_array_equal(start["layers"]["query"]["kernel"], kernel)


ROTATION = {"full_attention": {"rope_type": "default", "rope_theta": 160000.0}}
REFUSED = [
    *[(name, {"vocab_sice": 67}) for name in tiny.FAMILIES],
    *[(name, {"quantization_config": {"bits": 4}}) for name in tiny.FAMILIES],
    *[(name, {"is_decoder": True}) for name in tiny.FAMILIES],
    *[(name, {"hidden_act": "relu"}) for name in ("roberta", "xlm_roberta", "mpnet")],
    *[(name, {"position_embedding_type": "relative_key"}) for name in tiny.FAMILIES],
    ("roberta", {"pad_token_id": "1"}),
    ("roberta", {"pad_token_id": 39}),
    ("mpnet", {"pad_token_id": 0}),
    ("mpnet", {"relative_attention_num_buckets": 64}),
    ("mpnet", {"type_vocab_size": 2}),
    ("modernbert", {"hidden_activation": "silu"}),
    ("modernbert", {"attention_bias": True}),
    ("modernbert", {"mlp_bias": True}),
    ("modernbert", {"norm_bias": True}),
    ("modernbert", {"local_attention": 0}),
    ("modernbert", {"layer_types": ["full_attention"]}),
    ("modernbert", {"layer_types": ["full_attention"] * 2 + ["chunked_attention"]}),
    ("modernbert", {"num_attention_heads": 32}),
    ("modernbert", {"num_hidden_layers": 10**12}),
    ("modernbert", {"rope_parameters": {"rope_theta": 1e4}}),
    ("modernbert", {"rope_parameters": {"full_attention": {"rope_type": "yarn"}}}),
    ("modernbert", {"rope_parameters": ROTATION, "global_rope_theta": 1e4}),
    ("modernbert", {"rope_parameters": ..., "local_rope_theta": None}),
    ("modernbert", {"rope_scaling": {"type": "linear", "factor": 2.0}}),
]


@FAMILIES
def test_settings_that_are_not_implemented_are_refused_by_name(tmp_path, name):
    for change in [change for of, change in REFUSED if of == name]:
        tiny.write(tmp_path, name, **change)
        said = refused(tmp_path, encoder.load)
        names = {"pad_token_id": "max_position_embeddings", "num_attention_heads": "width 32"}
        assert any(key in said or names.get(key, key) in said for key in change), (change, said)


def test_an_unknown_family_is_named_with_the_nearest_known(tmp_path):
    tiny.write(tmp_path, "bert", model_type="xlm-roberta-xl")
    said = refused(tmp_path, encoder.load)
    assert "model_type is 'xlm-roberta-xl'" in said and said.endswith("nearest is xlm-roberta")
    tiny.write(tmp_path, "bert", model_type="gpt2")
    assert refused(tmp_path, encoder.load).endswith("distilbert, modernbert")
