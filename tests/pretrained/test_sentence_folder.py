"""Each module and setting of a sentence encoder's folder is implemented or refused by name."""

import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from model_loaders import refused
from tiny_sentences import DENSE, MODULES, POOLING, put, sentence_encoder

import kd_jax as kd
from kd_jax.errors import InputError
from kd_jax.pretrained import sentence_folder, sentence_pooling


@pytest.fixture
def folder(tmp_path):
    return sentence_encoder(tmp_path / "encoder")


@pytest.mark.parametrize(
    "said, names",
    [
        ({"pooling_mode": "lasttoken"}, ["last"]),
        ({"pooling_mode": ["max", "cls"]}, ["largest", "first"]),
        ({"pooling_mode_weightedmean_tokens": True}, ["weighted_mean"]),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, ["mean_by_root"]),
        ({}, ["mean"]),
    ],
)
def test_poolings_of_older_and_newer_spelling(folder, said, names):
    put(folder / "modules.json", MODULES[:2])
    put(folder / "1_Pooling" / "config.json", {"embedding_dimension": 32} | said)
    head = sentence_folder.read(folder).head
    assert [pooling.__name__ for pooling in head.poolings] == names and not head.steps
    put(folder / "1_Pooling" / "config.json", sentence_pooling.settings(32, head.poolings, True))
    assert sentence_folder.read(folder).head == head


def module(number, **changes):
    return [part | changes if n == number else part for n, part in enumerate(MODULES)]


DENSE_FILE, READ = "2_Dense/config.json", "sentence_bert_config.json"
POOLING_FILE, PROMPTS = "1_Pooling/config.json", "config_sentence_transformers.json"
REFUSED = [
    ("modules.json", module(2, type="sentence_transformers.models.LSTM"), "models.LSTM"),
    ("modules.json", module(1, type="own.Pooling"), "module 1 is own.Pooling"),
    ("modules.json", module(0, type="sentence_transformers.models.BoW"), "expected Transformer"),
    ("modules.json", module(3, kwargs=["task"]), "kwargs"),
    ("modules.json", module(3, path="../other"), "module 3 lies in ../other"),
    ("modules.json", module(3, path=None), "module 3 lies in None"),
    ("modules.json", module(3, new=1), "the setting new"),
    ("modules.json", MODULES[:1], "names 1 modules"),
    ("modules.json", {}, "expected a list of JSON objects"),
    (POOLING_FILE, POOLING | {"pooling_mode_new": True}, "pooling_mode_new"),
    (POOLING_FILE, POOLING | {"pooling_mode_cls_token": "yes"}, "pooling_mode_cls_token is 'yes'"),
    (POOLING_FILE, POOLING | {"pooling_mode": "attention"}, "pooling_mode is attention"),
    (POOLING_FILE, POOLING | {"pooling_mode": "mean"}, "older settings ask for cls, max, mean"),
    (POOLING_FILE, POOLING | {"pooling_mode": []}, "pooling_mode is []"),
    (POOLING_FILE, {k: "mode" not in k and v for k, v in POOLING.items()}, "pooling_mode is None"),
    (
        POOLING_FILE, {"word_embedding_dimension": 32, "pooling_mode_cls_token": True},
        "pooling_mode_mean_tokens is missing",
    ),
    (POOLING_FILE, POOLING | {"embedding_dimension": 16}, "word_embedding_dimension is 32"),
    (POOLING_FILE, {"embedding_dimension": 96}, "the pooling is of 96 numbers, the network of 32"),
    (DENSE_FILE, DENSE | {"activation_function": "own.Swish"}, "activation_function is own.Swish"),
    (DENSE_FILE, DENSE | {"activation_function": None}, "activation_function is None"),
    (DENSE_FILE, DENSE | {"in_features": 32}, "in_features is 32, but vectors have 96 numbers"),
    (DENSE_FILE, DENSE | {"out_features": 4}, "'linear.weight' has shape (5, 96)"),
    (DENSE_FILE, DENSE | {"bias": False}, "tensor 'linear.bias' is not used"),
    (DENSE_FILE, DENSE | {"use_residual": True}, "use_residual is True"),
    (DENSE_FILE, DENSE | {"module_input_name": "token_embeddings"}, "module_input_name"),
    (DENSE_FILE, DENSE | {"new": 1}, "the setting new"),
    ("3/config.json", {"module_input_name": "token_embeddings"}, "module_input_name"),
    ("3/config.json", {"p": 1}, "the setting p"),
    (READ, {"max_seq_length": 0}, "max_seq_length is 0"),
    (READ, {"do_lower_case": "false"}, "do_lower_case is 'false'"),
    (READ, {"model_args": {"attn": "own"}}, "model_args"),
    (READ, {"query_length": 32}, "the setting query_length"),
    ("sentence_roberta_config.json", {}, "keep one of them"),
    (PROMPTS, {"prompts": ["query: "]}, "prompts is ['query: ']"),
    (PROMPTS, {"prompts": {"a": "b"}, "default_prompt_name": "c"}, "default_prompt_name is c"),
    (PROMPTS, {"model_type": "SparseEncoder"}, "model_type is SparseEncoder"),
    (PROMPTS, {"truncate_dim": 16}, "truncate_dim is 16"),
    (PROMPTS, {"new": 1}, "the setting new"),
]  # fmt: skip


@pytest.mark.parametrize("file, content, said", REFUSED)
def test_modules_and_settings_that_are_unknown_are_refused_by_name(folder, file, content, said):
    put(folder / file, content)
    assert said in refused(folder, kd.Encoder if "network" in said else sentence_folder.read)


def test_a_vector_that_is_no_mean_is_none_for_bert_alone(folder):
    with pytest.raises(InputError, match="more than the mean of its tokens'"):
        sentence_folder.require_mean(folder)
    put(folder / "modules.json", [MODULES[0], MODULES[1], MODULES[3]])
    put(folder / POOLING_FILE, {"word_embedding_dimension": 32})
    sentence_folder.require_mean(folder)
    (folder / "modules.json").unlink()
    sentence_folder.require_mean(folder)  # it says nothing
