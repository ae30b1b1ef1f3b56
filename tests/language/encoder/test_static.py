"""A static student: the teacher's vectors of single tokens, by PCA and Zipf; its folder."""

import json

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from refusals import refused
from sklearn.decomposition import PCA
from tiny_sentences import WORDS, sentence_encoder

import kd_jax as kd
from kd_jax.language.encoder import static


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    return kd.Encoder(sentence_encoder(tmp_path_factory.mktemp("teacher")))


@pytest.fixture(scope="module")
def student(teacher):
    return static.student(teacher, 3)


def test_principal_directions_are_scikit_learns():
    vectors = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
    found, wanted = static.principal(vectors, 4), PCA(4).fit_transform(np.float64(vectors))
    np.testing.assert_allclose(abs(found), abs(wanted), atol=1e-10)


def test_weights_of_three_tokens_by_hand():
    """1/2, 1/3, 1/4 sum to 13/12: p = 6/13, 4/13, 3/13; a/(a + p) with a = 0.0001."""
    wanted = [1e-4 / (1e-4 + p) for p in (6 / 13, 4 / 13, 3 / 13)]
    np.testing.assert_allclose(static.zipf_weights(3), wanted, rtol=1e-12)


def test_a_text_is_the_mean_of_its_tokens_rows_at_length_1(teacher, student):
    table = np.float64(student.params["embeddings"]["word"])
    assert table.shape == (teacher.network.vocabulary, 3)
    words = "late card how".split()
    mean = table[[WORDS.index(word) for word in words]].mean(0)
    np.testing.assert_allclose(
        student.embed(" ".join(words)), mean / np.linalg.norm(mean), atol=1e-5
    )
    assert not student.embed("").any()


def test_rows_are_the_teachers_vectors_of_tokens_alone(teacher, student):
    """Of words that texts have: PCA by scikit-learn of what embed gives, up to the signs."""
    known = WORDS[4:]
    every = [n for token, n in teacher.tokenizer.get_vocab().items() if token in WORDS]
    table = np.float64(student.params["embeddings"]["word"])[sorted(every)]
    words = [WORDS[n] for n in sorted(every)]
    vectors = static.of_tokens(teacher)[sorted(every)]
    rows = [words.index(word) for word in known]
    np.testing.assert_allclose(vectors[rows], teacher.embed(known), atol=1e-5)
    wanted = PCA(3).fit_transform(np.float64(vectors)) * static.zipf_weights(len(words))[:, None]
    np.testing.assert_allclose(abs(table), abs(wanted), rtol=1e-3, atol=1e-7)


def test_its_folder_is_read_again_and_has_what_sentence_transformers_reads(student, tmp_path):
    student.save(tmp_path / "static")
    again, texts = kd.Encoder(tmp_path / "static"), ["how is my card", "", "late " * 50]
    np.testing.assert_allclose(again.embed(texts), student.embed(texts), atol=1e-6)
    assert again.static and again.prompts == student.prompts and again.dimension == 3
    again.save(tmp_path / "copy")
    np.testing.assert_array_equal(kd.Encoder(tmp_path / "copy").embed(texts), again.embed(texts))
    modules = json.loads((tmp_path / "static" / "modules.json").read_text())
    assert [x["type"].rpartition(".")[2] for x in modules] == ["StaticEmbedding", "Normalize"]
    assert not (tmp_path / "static" / "1_Pooling").exists()


def test_bad_input_is_one_line(teacher, student, tmp_path):
    refused("--static=6: expected at most the teacher's 5", static.student, teacher, 6)
    student.save(tmp_path)
    modules = json.loads((tmp_path / "modules.json").read_text())
    (tmp_path / "modules.json").write_text(json.dumps([*modules, modules[0]]))
    refused("module 2 is .*StaticEmbedding, expected Dense or Normalize", kd.Encoder, tmp_path)
    (tmp_path / "modules.json").write_text("[]")
    refused("names 0 modules", kd.Encoder, tmp_path)


def test_vectors_of_tokens_are_computed_once_below_a_folder_of_runs(teacher, tmp_path, monkeypatch):
    wanted = static.of_tokens(teacher)
    np.testing.assert_array_equal(static.cached(teacher, tmp_path), wanted)
    computed = static.of_tokens
    monkeypatch.setattr(static, "of_tokens", lambda teacher: pytest.fail("computed again"))
    monkeypatch.setattr(static.fingerprint, "code", lambda f, code=static.fingerprint.code: (
        code(computed) if f is static.of_tokens else code(f)
    ))  # fmt: skip
    np.testing.assert_array_equal(static.cached(teacher, tmp_path), wanted)
    with pytest.raises(pytest.fail.Exception):
        static.cached(teacher, tmp_path, again=True)
