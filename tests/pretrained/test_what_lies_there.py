"""Files of a model's folder that are none, and an index that is of other files, are named."""

import json
import os

import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("jinja2", reason="needs the extra text")

import tiny_folders as tiny
from model_loaders import refused
from safetensors.numpy import load_file, save_file
from tiny_sentences import sentence_encoder

from kd_jax.pretrained import encoder, llama, load

INDEX = "model.safetensors.index.json"
ODD = {
    "a folder": os.mkdir, "a pipe": os.mkfifo, "a link to nothing": lambda p: os.symlink("no", p)
}  # fmt: skip
OF_A_CHAT = [
    "chat_template.jinja", "chat_template.json", "tokenizer_config.json", "generation_config.json",
    "special_tokens_map.json", "added_tokens.json", INDEX, "x.safetensors",
]  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("name", OF_A_CHAT)
def test_what_is_no_file_is_not_passed_over(tmp_path, name, kind):
    tiny.words(tiny.write(tmp_path, tiny.LLAMA))
    (tmp_path / name).unlink(missing_ok=True)
    if name == "special_tokens_map.json":  # a template may ask for them
        (tmp_path / "chat_template.jinja").write_text("{{ bos_token }}")
    ODD[kind](tmp_path / name)
    assert f"{tmp_path / name} is no file: expected one" in refused(str(tmp_path), load.load)


OF_AN_ENCODER = [
    "modules.json", "tokenizer_config.json", "sentence_bert_config.json",
    "config_sentence_transformers.json",
]  # fmt: skip


@pytest.mark.parametrize("name", OF_AN_ENCODER)
def test_what_is_no_file_of_an_encoder_is_not_passed_over(tmp_path, name):
    sentence_encoder(tmp_path)
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    assert f"{tmp_path / name} is no file: expected one" in refused(tmp_path, encoder.Encoder)


def test_an_index_of_other_files_is_refused(tmp_path):
    tiny.write(tmp_path, tiny.LLAMA)
    whole = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    one, two = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    names = sorted(whole)
    where = {name: (one, two)[n % 2] for n, name in enumerate(names)}
    for file in (one, two):
        save_file({name: whole[name] for name in names if where[name] == file}, tmp_path / file)

    def said(**changed):
        (tmp_path / INDEX).write_text(json.dumps({"weight_map": where | changed}))
        return refused(tmp_path, llama.load)

    first = names[0]
    assert f"'{first}' is in {two}, but it lies in {one}: the index is of" in said(**{first: two})
    assert f"'more' is in {one}, but it is in none of its files" in said(more=one)
    assert "model-9.safetensors is missing" in said(**{first: "model-9.safetensors"})
    save_file({first: whole[first], names[1]: whole[names[1]]}, tmp_path / two)
    assert f"'{first}' lies in {one} and in {two}: expected it once" in said()
