"""kd.Encoder: the vectors that a folder says, whatever texts; modules unknown are refused."""

import json
import pathlib
import re

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import tiny_encoders as tiny
from model_loaders import refused
from published import SHARED, needed
from safetensors.numpy import save_file
from scipy import special
from tokenizers import Tokenizer, models, pre_tokenizers, processors

import kd_jax as kd
from kd_jax.errors import InputError
from kd_jax.pretrained import encoder as encoders
from kd_jax.pretrained import (
    layer_selection,
    sentence_embeddings,
    sentence_folder,
    sentence_pooling,
)

WORDS = ["<s>", "<pad>", "</s>", "<unk>", *"how why is my card lost late here query: How".split()]
MODULES = [
    {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{name}"}
    for n, (name, path) in enumerate(
        [("Transformer", ""), ("Pooling", "1_Pooling"), ("Dense", "2_Dense"), ("Normalize", "3")]
    )
]
POOLING = {
    "word_embedding_dimension": 32, "pooling_mode_cls_token": True,
    "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True,
    "pooling_mode_mean_sqrt_len_tokens": False, "pooling_mode_weightedmean_tokens": False,
    "pooling_mode_lasttoken": False, "include_prompt": True,
}  # fmt: skip
DENSE = {
    "in_features": 96, "out_features": 5, "bias": True,
    "activation_function": "torch.nn.modules.activation.GELU",
}  # fmt: skip
TEXTS = ["how is my card", "late", " card lost here \n", "", "my card is late " * 9]
IDS = [[0, 4, 6, 7, 8, 2], [0, 10, 2], [0, 8, 9, 11, 2], [0, 2], [0, *[7, 8, 6, 10] * 2, 2]]
RANDOM = np.random.default_rng(1)
LINEAR = {
    "linear.weight": RANDOM.normal(size=(5, 96)).astype(np.float32) / 3,
    "linear.bias": RANDOM.normal(size=5).astype(np.float32),
}


def put(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


def sentence_encoder(folder):
    """A tiny RoBERTa's folder with all modules, lengths and prompts."""
    tiny.write(folder, "roberta")
    words = Tokenizer(models.WordLevel({w: n for n, w in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    ends = [("<s>", 0), ("</s>", 2)]
    words.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    words.save(str(folder / "tokenizer.json"))
    put(folder / "modules.json", MODULES)
    put(folder / "1_Pooling" / "config.json", POOLING)
    put(folder / "2_Dense" / "config.json", DENSE)
    save_file(LINEAR, folder / "2_Dense" / "model.safetensors")
    put(folder / "sentence_bert_config.json", {"max_seq_length": 10, "do_lower_case": False})
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": None}
    versions = {"__version__": {"sentence_transformers": "5.0.0"}, "similarity_fn_name": "cosine"}
    put(folder / "config_sentence_transformers.json", prompts | versions)
    return folder


@pytest.fixture
def folder(tmp_path):
    return sentence_encoder(tmp_path / "encoder")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """An encoder, and its last hidden states [n, 32] of each of IDS."""
    found = kd.Encoder(sentence_encoder(tmp_path_factory.mktemp("encoder")))
    hidden = (tiny.states(found.network, found.params, ids)[-1] for ids in IDS)
    return found, [np.float64(tokens) for tokens in hidden]


def test_vectors_are_what_the_modules_say_in_float64(loaded):
    found, hidden = loaded
    expected = []
    for tokens in hidden:
        pooled = np.concatenate([tokens[0], tokens.max(0), tokens.mean(0)])
        wide = LINEAR["linear.weight"] @ pooled + LINEAR["linear.bias"]
        wide = wide * special.ndtr(wide)
        expected.append(wide / np.linalg.norm(wide))
    vectors = found.embed(TEXTS)
    assert vectors.dtype == np.float32 and vectors.shape == (5, 5) and found.dimension == 5
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    np.testing.assert_allclose(found.embed(text for text in TEXTS[1:2])[0], expected[1], atol=1e-5)
    np.testing.assert_allclose(found.embed(TEXTS[1]), expected[1], atol=1e-5)  # one vector
    assert found.embed([]).shape == (0, 5)
    assert found.max_length == 10 and "3 layers of 32" in repr(found)


def test_the_packaged_encoder_s_vectors_are_those_of_transformers():
    path = needed(SHARED / "conformance" / "minilm.json")
    pytest.importorskip(sentence_embeddings.PACKAGE, reason="needs a package of weights")
    golden = json.loads(path.read_text())
    found = kd.Encoder(sentence_embeddings.packaged())
    expected = golden["embedding_l2_normalised_mean_pooled"]
    np.testing.assert_allclose(found.embed(golden["sentences"]), expected, atol=1e-6)
    assert (found.max_length, found.dimension) == (256, 384)


def test_many_texts_are_embedded_in_their_order(loaded, monkeypatch):
    found, _ = loaded
    expected = found.embed(TEXTS)
    monkeypatch.setattr(encoders, "TOKENIZED", 3)
    monkeypatch.setattr(encoders, "TOKENS", 16)
    np.testing.assert_allclose(found.embed(TEXTS), expected, atol=1e-5)


def test_prompts_are_put_before_texts_or_refused(loaded, monkeypatch):
    found, _ = loaded
    asked = found.embed(["query: how"])
    np.testing.assert_allclose(found.embed(["how"], prompt_name="query"), asked, atol=1e-6)
    with pytest.raises(InputError, match="prompt_name is 'passage', the folder has: query"):
        found.embed(["how"], prompt_name="passage")
    monkeypatch.setattr(found, "_said", found._said._replace(default_prompt="query"))
    np.testing.assert_allclose(found.embed(["how"]), asked, atol=1e-6)
    monkeypatch.setattr(found, "_said", found._said._replace(pools_prompts=False))
    with pytest.raises(InputError, match="include_prompt of the pooling is false"):
        found.embed(["how"])


@pytest.mark.parametrize("wrong", [None, 3, float("nan"), b"how", ["how"], "how\ud800"])
def test_what_is_no_text_is_refused_by_its_place(loaded, wrong):
    with pytest.raises(InputError, match=r"texts\[1\] is .*, expected a text in Unicode"):
        loaded[0].embed(["how", wrong])


def test_lengths_and_lower_case_are_the_folder_s(folder):
    def tokens(text):
        return kd.Encoder(folder).tokens([text]).lists()[0]

    assert tokens("How") == [0, 13, 2] and len(tokens("how " * 50)) == 10
    put(folder / "sentence_bert_config.json", {"do_lower_case": True})
    assert tokens("HOW") == [0, 4, 2] and len(tokens("how " * 50)) == 38  # the network's positions
    put(folder / "tokenizer_config.json", {"model_max_length": 20})
    assert len(tokens("how " * 50)) == 20
    put(folder / "tokenizer_config.json", {"truncation_side": "left"})
    assert "truncation_side is left" in refused(folder, kd.Encoder)


def test_a_folder_without_modules_is_mean_pooled_and_says_so(folder, capsys, loaded):
    (folder / "modules.json").unlink()
    found = kd.Encoder(folder)
    assert "has no modules.json: a text's vector is the mean of its" in capsys.readouterr().err
    means = [tokens.mean(0) for tokens in loaded[1][:4]]
    np.testing.assert_allclose(found.embed(TEXTS[:4]), means, atol=1e-5)  # not of length 1


def test_what_is_saved_gives_the_same_vectors_and_a_student_fewer_layers(loaded, tmp_path):
    found, _ = loaded
    found.save(tmp_path / "a")
    again = kd.Encoder(tmp_path / "a")
    np.testing.assert_array_equal(again.embed(TEXTS), found.embed(TEXTS))
    assert again.prompts == {"query": "query: "} and again.max_length == 10
    modules = json.loads((tmp_path / "a" / "modules.json").read_text())
    assert [(part["path"], part["type"].split(".")[-1]) for part in modules] == [
        ("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense"),
        ("3_Normalize", "Normalize"),
    ]  # fmt: skip
    settings = json.loads((tmp_path / "a" / "2_Dense" / "config.json").read_text())
    assert settings == DENSE
    found.save(tmp_path / "b", *layer_selection.student(found.network, found.params, [2]))
    assert kd.Encoder(tmp_path / "b").network.layers == 1


def test_the_programs_of_the_docs_run(folder, monkeypatch):
    folder.rename(folder.parent / "teacher")
    monkeypatch.chdir(folder.parent)
    page = pathlib.Path(__file__).parents[2] / "docs" / "encoders.md"
    names: dict = {}
    for program in re.findall("```python\n(.*?)```", page.read_text(), re.DOTALL):
        exec(compile(program, "a program of the docs", "exec"), names)
    assert names["vectors"].shape == (2, 5) and names["one"].shape == (5,)
    assert kd.Encoder("student").network.layers == 2


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
    (POOLING_FILE, POOLING | {"pooling_mode_cls_token": "yes"}, "pooling_mode_cls_token is yes"),
    (POOLING_FILE, POOLING | {"pooling_mode": "attention"}, "pooling_mode is attention"),
    (POOLING_FILE, POOLING | {"pooling_mode": "mean"}, "older settings ask for cls, max, mean"),
    (POOLING_FILE, POOLING | {"pooling_mode": []}, "pooling_mode is []"),
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
    (READ, {"do_lower_case": "false"}, "do_lower_case is false"),
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
