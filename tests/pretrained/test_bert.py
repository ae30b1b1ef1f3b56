"""Pretrained encoders: another library's numbers, every bad folder, the questions of BANKING77."""

import importlib
import json

import numpy as np
import pytest
from published import SHARED, needed

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import jax
from safetensors.numpy import save_file
from tiny_bert import by_hand, outputs
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from kd_jax.data import padding
from kd_jax.errors import InputError
from kd_jax.pretrained import bert as encoder
from kd_jax.pretrained import gguf, sentence_embeddings, tokenizer

SIZES = {
    "vocab_size": 11, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 12, "max_position_embeddings": 9, "type_vocab_size": 2,
}  # fmt: skip


def tensors(prefix=""):
    """A tiny BERT's tensors under the names and in the orientation of PyTorch."""
    random = np.random.default_rng(0)
    shapes = {
        "embeddings.word_embeddings.weight": (11, 8),
        "embeddings.position_embeddings.weight": (9, 8),
        "embeddings.token_type_embeddings.weight": (2, 8),
        "embeddings.LayerNorm.weight": (8,),
        "embeddings.LayerNorm.bias": (8,),
    }
    for n in range(2):
        layer = f"encoder.layer.{n}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= {f"{layer}.attention.{name}.weight": (8, 8)}
            shapes |= {f"{layer}.attention.{name}.bias": (8,)}
        for name, shape in (("intermediate", (12, 8)), ("output", (8, 12))):
            shapes |= {
                f"{layer}.{name}.dense.weight": shape,
                f"{layer}.{name}.dense.bias": shape[:1],
            }
        for name in ("attention.output", "output"):
            shapes |= {f"{layer}.{name}.LayerNorm.{part}": (8,) for part in ("weight", "bias")}
    return {prefix + n: random.normal(size=s).astype(np.float32) / 2 for n, s in shapes.items()}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", **SIZES}))
    save_file(tensors(), tmp_path / "model.safetensors")
    words = {
        w: n for n, w in enumerate("[PAD] [UNK] how why is my card lost late here now".split())
    }
    found = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    found.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_a_folder_becomes_the_network_that_its_tensors_say(folder):
    net, params = encoder.load(folder)
    assert (net.width, net.layers, net.heads, net.epsilon) == (8, 2, 2, 1e-12)
    kernel = tensors()["encoder.layer.1.intermediate.dense.weight"].T
    np.testing.assert_array_equal(params["layers"]["inner"]["kernel"][1], kernel)
    ids = np.array([[4, 7, 2]])
    _, features = outputs(net)(params, {"ids": ids, "mask": ids > 0})
    expected = by_hand(params, ids[0], ids[0] > 0)
    np.testing.assert_allclose(features["hidden"][:, 0], expected, rtol=1e-4, atol=1e-5)


def test_names_may_stand_behind_that_of_the_model(folder):
    _, plain = encoder.load(folder)
    save_file(tensors("bert."), folder / "model.safetensors")
    jax.tree.map(np.testing.assert_array_equal, encoder.load(folder)[1], plain)


def test_a_folder_of_the_package_s_name_is_not_the_package(tmp_path, monkeypatch):
    """Python finds a folder without __init__.py too, as a namespace that lies nowhere."""
    for name, packaged in (("weightless_a", sentence_embeddings), ("weightless_b", gguf)):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(packaged, "PACKAGE", name)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="package weightless_a is not installed.*the encoder's"):
        sentence_embeddings.packaged()
    with pytest.raises(InputError, match="package weightless_b is not installed.*the decoder's"):
        gguf.packaged()
    (tmp_path / "weightless_b" / "__init__.py").touch()
    importlib.invalidate_caches()
    with pytest.raises(InputError, match="weightless_b holds no .gguf file: install"):
        gguf.packaged()


def test_all_minilm_is_what_transformers_computes():
    path = needed(SHARED / "conformance" / "minilm.json")
    pytest.importorskip(sentence_embeddings.PACKAGE, reason="needs a package of weights")
    golden = json.loads(path.read_text())
    net, params = encoder.load(sentence_embeddings.packaged())
    words = tokenizer.load(sentence_embeddings.packaged())
    tokens = tokenizer.encode(words, golden["sentences"], 128)
    width = len(golden["input_ids"][0])
    assert tokens.ids[:, :width].tolist() == golden["input_ids"]
    vectors, features = outputs(net)(params, tokens._asdict())
    expected = np.array(golden["embedding_l2_normalised_mean_pooled"])
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    norms = golden["hidden_state_norms_by_layer (valid tokens, per sentence)"]
    found = np.sqrt((np.square(features["hidden"]) * tokens.mask[:, :, None]).sum((2, 3)))
    np.testing.assert_allclose(found, norms, rtol=1e-4)
    each = sentence_embeddings.embed(net, params, tokens)
    np.testing.assert_allclose(each, vectors, atol=1e-6)  # by length, in the texts' order


def test_texts_are_cut_padded_and_batched_by_length(folder):
    words = tokenizer.load(folder)
    tokens = tokenizer.encode(words, ["how is my card", "late", "card " * 20, ""], 12)
    assert tokens.ids.shape == (4, 12)  # not 16: the network may have 12 positions
    assert tokens.ids[0].tolist() == [2, 4, 5, 6] + [0] * 8
    assert tokens.mask.sum(1).tolist() == [4, 1, 12, 0]
    batches = list(padding.by_length(tokens, 2))
    assert [rows.tolist() for rows, _ in batches] == [[3, 1], [0, 2]]
    assert [batch.ids.shape for _, batch in batches] == [(2, 8), (2, 12)]
    batches = list(padding.by_length(tokens, 3))
    assert [rows.tolist() for rows, _ in batches] == [[3, 1, 0], [2]]
    assert batches[1][1].mask.any(1).tolist() == [True, False, False]  # rows that only fill
    assert padding.padded([]).ids.shape == (0, 8)
    assert words.truncation is None  # which another use of the tokenizer would find
    words.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    assert tokenizer.encode(words, ["card card"], 3).ids.tolist() == [[1, 6, 2]]
    with pytest.raises(InputError, match="cut to 2 tokens: expected more than the 2 special"):
        tokenizer.encode(words, ["card card"], 2)


def refused(folder):
    with pytest.raises(InputError) as caught:
        encoder.load(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_bad_folder_is_one_line(folder, tmp_path):
    assert "has no config.json" in refused(tmp_path / "absent")
    config = folder / "config.json"
    for change, said in (
        (
            {"model_type": "gpt2"},
            "model_type is 'gpt2', expected bert, roberta, ",
        ),
        ({"hidden_size": "8"}, "hidden_size is '8', expected 1 or more"),
        ({"num_hidden_layers": 3}, "no tensor 'encoder.layer.2.attention.self.query.weight'"),
        ({"vocab_size": 12}, "has shape (11, 8), config.json says (12, 8)"),
        ({"num_attention_heads": 3}, "width 8 is no multiple of 3 heads"),
        ({"hidden_act": "relu"}, "hidden_act is relu, expected gelu"),
    ):
        config.write_text(json.dumps({"model_type": "bert", **SIZES, **change}))
        assert said in refused(folder)
    config.write_text("[1]")
    assert "holds no settings" in refused(folder)
    config.write_text("{")
    assert "is no JSON" in refused(folder)
    config.write_text(json.dumps({"model_type": "bert", **SIZES}))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-40])
    assert "model.safetensors is damaged" in refused(folder)
    weights.unlink()
    assert "has no .safetensors file" in refused(folder)
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(InputError, match="tokenizer.json is no JSON"):
        tokenizer.load(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(InputError, match="has no tokenizer.json"):
        tokenizer.load(folder)
