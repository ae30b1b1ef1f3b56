"""Encoders of every family as ONNX give kd.Encoder's vectors, whatever batch and padding."""

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("onnxruntime", reason="needs the extra export")

import onnxruntime
import tiny_encoders
from tiny_sentences import TEXTS, sentence_encoder

import kd_jax as kd
from kd_jax.export import encoder_onnx
from kd_jax.export.formats import NotConverted
from kd_jax.models import sentence
from kd_jax.models.static import StaticEmbedding
from kd_jax.pretrained import encoder as encoders


def session(path, *what):
    encoder_onnx.write(path, *what)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def outputs(found, ids, mask):
    feeds = {"input_ids": np.int64(ids), "attention_mask": np.int64(mask)}
    return dict(zip(("hidden", "vector"), found.run(None, feeds)))


@pytest.mark.parametrize("name", tiny_encoders.FAMILIES)
def test_hidden_states_of_every_family_are_those_of_transformers(name, tmp_path):
    """Of texts of 11, 7 and 4 tokens in one batch, padded on either side; local windows have 5."""
    family = tiny_encoders.FAMILIES[name]
    network, params = encoders.load(tiny_encoders.write(tmp_path / name, name))
    found = session(tmp_path / "a.onnx", network, params, sentence.Head(), ())
    longest = max(family["lengths"])
    for places in [
        [slice(0, n) for n in family["lengths"]],
        [slice(longest - n, longest) for n in family["lengths"]],
    ]:
        ids, mask = np.zeros((2, len(places), longest), int)
        for row, place in enumerate(places):
            ids[row, place], mask[row, place] = family["ids"][row][: family["lengths"][row]], 1
        both = outputs(found, ids, mask)
        for row, place in enumerate(places):
            wanted = np.array(family["hidden"][row])
            np.testing.assert_allclose(both["hidden"][row, place], wanted, atol=1e-4)
            np.testing.assert_allclose(both["vector"][row], wanted.mean(0), atol=1e-4)


def test_vectors_with_poolings_a_dense_layer_and_length_1(tmp_path):
    encoder = kd.Encoder(sentence_encoder(tmp_path / "encoder"))
    what = encoder.network, encoder.params, encoder.head, encoder.head_params
    tokens = encoder.tokens(TEXTS)
    found = outputs(session(tmp_path / "a.onnx", *what), *tokens)["vector"]
    np.testing.assert_allclose(found, encoder.embed(TEXTS), atol=1e-5)
    np.testing.assert_array_equal(encoder_onnx.vectors(tmp_path / "a.onnx", *tokens), found)


def test_poolings_are_the_formulas(tmp_path):
    """Of a static encoder, whose hidden states are the rows of a table."""
    table = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    network, params = StaticEmbedding(6, 3), {"embeddings": {"word": table}}
    poolings = (sentence.mean, sentence.mean_by_root, sentence.weighted_mean, sentence.largest,
                sentence.first, sentence.last)  # fmt: skip
    head = sentence.Head(poolings)
    found = session(tmp_path / "a.onnx", network, params, head, ())
    ids, mask = np.array([[1, 4, 2, 0], [3, 0, 0, 0]]), np.array([[1, 1, 1, 0], [1, 0, 0, 0]])
    a, b, c = np.float64(table[[1, 4, 2]])
    wanted = [(a + b + c) / 3, (a + b + c) / 3**0.5, (a + 2 * b + 3 * c) / 6,
              np.max([a, b, c], 0), a, c]  # fmt: skip
    one = outputs(found, ids, mask)["vector"]
    np.testing.assert_allclose(one[0], np.concatenate(wanted), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(one[1], np.tile(table[3], 6), rtol=1e-5)


def test_what_has_no_form_is_said(tmp_path):
    with pytest.raises(NotConverted, match="a Head has no form"):
        encoder_onnx.write(tmp_path / "a.onnx", sentence.Head(), {}, sentence.Head(), ())
    assert not (tmp_path / "a.onnx").exists()
