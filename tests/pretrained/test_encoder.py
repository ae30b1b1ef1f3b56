"""kd.Encoder: the vectors that a folder says, of whatever texts, and what is saved of it."""

import json
import pathlib
import re
import shutil

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import tiny_encoders
from model_loaders import refused
from published import SHARED, needed
from scipy import special
from tiny_sentences import DENSE, IDS, LINEAR, TEXTS, put, sentence_encoder
from tokenizers import Tokenizer

import kd_jax as kd
from kd_jax.errors import InputError
from kd_jax.export import folders
from kd_jax.models.sentence import Head, mean
from kd_jax.models.static import StaticEmbedding
from kd_jax.pretrained import encoder as encoders
from kd_jax.pretrained import layer_selection, sentence_embeddings


@pytest.fixture
def folder(tmp_path):
    return sentence_encoder(tmp_path / "encoder")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """An encoder, and its last hidden states [n, 32] of each of IDS."""
    found = kd.Encoder(sentence_encoder(tmp_path_factory.mktemp("encoder")))
    hidden = (tiny_encoders.states(found.network, found.params, ids)[-1] for ids in IDS)
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
    one = layer_selection.student(found.network, found.params, [0])
    assert "1 layer of 32" in repr(found.replaced(*one))


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


def test_what_was_saved_is_replaced_whole_and_nothing_of_anybody_else(loaded, folder, tmp_path):
    found, _ = loaded
    found.save(tmp_path / "a")
    one = layer_selection.student(found.network, found.params, [2])
    static = found.replaced(
        StaticEmbedding(found.network.vocabulary, found.network.width),
        {"embeddings": {"word": np.asarray(found.params["embeddings"]["word"])}},
        Head((mean,)),
    )
    for encoder, layers in ((found.replaced(*one), 1), (static, 0), (found, 3)):
        encoder.save(tmp_path / "a")
        again = kd.Encoder(tmp_path / "a")
        assert again.network.layers == layers
        np.testing.assert_allclose(again.embed(TEXTS), encoder.embed(TEXTS), atol=1e-6)
    again.save(tmp_path / "a", *one)  # the folder that it was read from
    assert kd.Encoder(tmp_path / "a").network.layers == 1
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="holds other files .*: expected a new folder, or an"):
        found.save(folder)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (tmp_path / "a" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"a holds other files \(notes.txt\)"):
        found.save(tmp_path / "a")


def test_the_folder_of_a_run_is_no_folder_of_save(loaded, tmp_path):
    """In that lie encoders of other depths, the card and the records of the run."""
    found, _ = loaded
    with folders.written_whole(tmp_path / "out") as out:
        for place in (out, out / "2_layers"):
            found.write(place)
        (out / "records.jsonl").write_text("{}")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="out was written by a run's --out: kd.Encoder.save repl"):
        found.save(tmp_path / "out")
    assert before == {path: path.read_bytes() for path in before}
    with pytest.raises(InputError, match="2_layers holds other files"):
        found.save(tmp_path / "out" / "2_layers")
    found.save(tmp_path / "own")
    found.save(tmp_path / "own")


def test_what_is_saved_is_of_the_folder_that_was_read_wherever_the_program_goes(
    folder, tmp_path, monkeypatch
):
    monkeypatch.chdir(folder.parent)
    found = kd.Encoder(folder.name)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    found.save("a")
    shutil.copytree(folder, folder.name)  # another one of this name
    pathlib.Path(folder.name, "tokenizer.json").write_text("theirs")
    found.save("b")
    for name in "ab":
        np.testing.assert_array_equal(kd.Encoder(name).embed(TEXTS), found.embed(TEXTS))
    shutil.rmtree(folder)
    line = f"there is no folder {folder}, whose tokenizer's files are to be copied: put it back"
    with pytest.raises(InputError, match=re.escape(line)):
        found.save("c")
    assert found.embed(TEXTS).shape == (5, 5) and not pathlib.Path("c").exists()


def test_a_save_that_fails_leaves_what_was_there(loaded, tmp_path, monkeypatch):
    found, _ = loaded
    found.save(tmp_path / "a")
    monkeypatch.setattr(encoders.sentence_folder, "write", None)
    with pytest.raises(TypeError):
        found.save(tmp_path / "a", *layer_selection.student(found.network, found.params, [2]))
    assert kd.Encoder(tmp_path / "a").network.layers == 3


def test_the_tokenizer_that_is_saved_cuts_as_the_folder_says_and_pads_nothing(folder, tmp_path):
    """As for a program that reads an ONNX file and tokenizer.json alone."""
    path = folder / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_padding(length=16)
    tokenizer.enable_truncation(16)
    tokenizer.save(str(path))
    kd.Encoder(folder).save(tmp_path / "saved")
    saved = Tokenizer.from_file(str(tmp_path / "saved" / "tokenizer.json"))
    assert [saved.encode(text).ids for text in TEXTS] == IDS


def test_the_programs_of_the_docs_run(folder, monkeypatch):
    folder.rename(folder.parent / "teacher")
    monkeypatch.chdir(folder.parent)
    page = pathlib.Path(__file__).parents[2] / "docs" / "encoders.md"
    names: dict = {}
    programs = re.findall("```python\n(.*?)```", page.read_text(), re.DOTALL)
    for program in programs[:-2]:  # the last are of tests/command/encoder/test_docs.py
        exec(compile(program, "a program of the docs", "exec"), names)
    assert names["vectors"].shape == (2, 5) and names["one"].shape == (5,)
    assert kd.Encoder("student").network.layers == 2


@pytest.mark.parametrize("given", [None, 3, 1.5])
def test_what_is_no_text_is_one_line(tmp_path, given):
    encoder = kd.Encoder(sentence_encoder(tmp_path))
    with pytest.raises(InputError, match="expected one text, or texts"):
        encoder.embed(given)
