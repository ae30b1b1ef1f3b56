"""Tokenizers fit their model and always give the same tokens; which tokens end an answer."""

import json
import os
import pathlib
import subprocess
import sys
import types

import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import tiny_folders as tiny
from model_loaders import refused as refused_by

from kd_jax.errors import InputError
from kd_jax.pretrained import load, tokenizer
from kd_jax.runtime.signals import Interrupted

ROOT = pathlib.Path(__file__).parents[2]


def refused(folder, read=tokenizer.load):
    return refused_by(folder, read)


def test_a_tokenizer_has_no_token_that_its_model_lacks(tmp_path):
    tiny.words(tiny.write(tmp_path, tiny.LLAMA))
    assert tokenizer.load(tmp_path).get_vocab_size() == 13
    (tmp_path / "config.json").write_text(json.dumps(tiny.LLAMA | {"vocab_size": 12}))
    assert "token '<|im_end|>' is number 12, but the model has 12 tokens" in refused(tmp_path)
    (tmp_path / "config.json").unlink()
    assert tokenizer.load(tmp_path).get_vocab_size() == 13  # there is nothing to compare with


def test_what_is_put_around_every_text_is_of_the_model_too(tmp_path):
    part = {"SpecialToken": {"id": "[X]", "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    template = {
        "type": "TemplateProcessing", "single": [part, text], "pair": [part, text],
        "special_tokens": {"[X]": {"id": "[X]", "ids": [13], "tokens": ["[X]"]}},
    }  # fmt: skip
    tiny.words(tiny.write(tmp_path, tiny.LLAMA), post_processor=template)
    assert "token 'around every text' is number 13, but the model has 13" in refused(tmp_path)


def test_cutting_and_padding_that_a_file_asks_for_are_left_to_callers(tmp_path):
    cut = {"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    pad = {"strategy": {"Fixed": 9}, "direction": "Left", "pad_to_multiple_of": None,
           "pad_id": 0, "pad_type_id": 0, "pad_token": "a"}  # fmt: skip
    tiny.words(tmp_path, truncation=cut, padding=pad)
    assert tokenizer.load(tmp_path).encode("abcab").ids == [0, 1, 2, 0, 1]


READ = """
import pathlib, sys
from kd_jax.pretrained import tokenizer
print(tokenizer.load(pathlib.Path(sys.argv[1])).encode("abcab").ids)
"""


def test_a_folder_whose_name_the_locale_cannot_write_is_read(tmp_path):
    """Its name is no UTF-8 for Python then; nothing in it is damaged."""
    (tmp_path / "out ü").mkdir()
    tiny.words(tmp_path / "out ü")
    world = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    world |= {"PYTHONPATH": str(ROOT)}
    for cwd, name in ((tmp_path, "out ü"), ("/", str(tmp_path / "out ü"))):
        ended = subprocess.run(
            [sys.executable, "-c", READ, name], cwd=cwd, env=world, capture_output=True, text=True
        )
        assert (ended.stdout, ended.returncode) == ("[0, 1, 2, 0, 1]\n", 0), ended.stderr


LONGER = {"type": "Replace", "pattern": {"Regex": "a"}, "content": "a" * 1000}
BROKEN = [
    ({"model": {"merges": ["a b"], "continuing_subword_prefix": "####"}}, "its merges lack"),
    ({"model": {"merges": [["a", "b"]], "continuing_subword_prefix": "bb"}}, "its merges lack"),
    # this one ends the process where nobody looks first
    (
        {"model": {"vocab": {"a": 0, "éb": 1, "ab": 2}, "merges": ["a éb"],
                   "continuing_subword_prefix": "x"}},
        "its merges lack",
    ),
    ({"model": {"merges": ["a é"], "continuing_subword_prefix": "é"}}, "its merges lack"),
    ({"model": {"merges": ["a"]}}, "is damaged"),
    ({"model": {"merges": ["a q"]}}, "is damaged"),
    ({"model": {"vocab": {"a": 2**40}}}, "is damaged"),
    ({"model": {"dropout": 0.1}}, "dropout is 0.1, expected 0"),
    ({"model": {"type": "New"}}, "is damaged"),
    ({"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}}, "is damaged"),
    ({"pre_tokenizer": {"type": "FixedLength", "length": 0}}, "is damaged"),
    ({"pre_tokenizer": {"type": "New"}}, "is damaged"),
    ({"normalizer": {"type": "Sequence", "normalizers": [LONGER] * 2}}, "1,000,000 times as long"),
    ({"normalizer": LONGER | {"pattern": {"String": "z"}, "content": "a" * 10**6}}, "1,000,000"),
    ({"decoder": {"type": "Sequence", "decoders": [LONGER] * 2}}, "1,000,000 times as long"),
    ({"normalizer": ["full"]}, "normalizer is ['full'], expected an object"),  # else a Prepend
    ({"decoder": {"prefix": "a"}}, "decoder is {'prefix': 'a'}, expected an object"),
]  # fmt: skip


@pytest.mark.parametrize("changes, said", BROKEN)
def test_a_broken_tokenizer_is_one_line_and_no_panic(tmp_path, changes, said):
    tiny.words(tmp_path, **json.loads(json.dumps(changes)))
    assert said in refused(tmp_path)


def test_what_the_library_would_skip_is_refused_by_name(tmp_path):
    tiny.words(tmp_path)
    content = (tmp_path / "tokenizer.json").read_text()

    def changed(change):
        found = json.loads(content)
        change(found)
        (tmp_path / "tokenizer.json").write_text(json.dumps(found))
        return refused(tmp_path)

    said = changed(lambda x: x["model"].update(unk_tokens="a"))
    assert "the setting model.unk_tokens is not known" in said
    said = changed(lambda x: x["pre_tokenizer"].update(add_prefix_spaces=True))
    assert "the setting pre_tokenizer.add_prefix_spaces is not known" in said
    said = changed(lambda x: x["added_tokens"][0].update(id=5))  # taken: it would be 11
    assert "the setting added_tokens.<|im_start|>.id is not known" in said

    def twice(found):
        found["model"]["vocab"]["b"], found["added_tokens"] = 0, []

    assert "two tokens have one number" in changed(twice)


def test_older_spellings_are_read(tmp_path):
    """Of a Metaspace, as T5 and the first Llamas have it: "▁" before the text, and for spaces."""
    older = {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True, "str_rep": "▁"}
    tiny.words(tmp_path, pre_tokenizer=older, model={"vocab": {"▁": 0, "a": 1, "▁a": 2},
               "merges": ["▁ a"]}, added_tokens=[])  # fmt: skip
    content = json.loads((tmp_path / "tokenizer.json").read_text())
    content["model"]["vocab"] = {"▁": 0, "a": 1, "▁a": 2}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    assert tokenizer.load(tmp_path).encode("a aa").ids == [2, 2, 1]


def test_merges_with_a_prefix_are_read_where_they_are_sound(tmp_path):
    model = {"vocab": {"a": 0, "##b": 1, "ab": 2}, "merges": ["a ##b"],
             "continuing_subword_prefix": "##"}  # fmt: skip
    tiny.words(tmp_path, **{"model": model})
    content = json.loads((tmp_path / "tokenizer.json").read_text())
    content["model"]["vocab"] = model["vocab"]
    content["added_tokens"] = []
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    assert tokenizer.load(tmp_path).encode("ab").ids == [2]


def test_tokenizer_config_must_agree(tmp_path):
    marks = {"11": {"content": "<|im_start|>", "special": True, "lstrip": False}}
    agreeing = {"add_prefix_space": False, "model_max_length": 32, "added_tokens_decoder": marks}
    tiny.words(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps(agreeing | {"eos_token": "<|im_end|>", "chat_template": "x"}))
    assert tokenizer.load(tmp_path).encode("a").ids == [0]
    for change, said in (
        ({"add_prefix_space": True}, "add_prefix_space is True, expected False"),
        ({"split_special_tokens": True}, "split_special_tokens is True, expected False"),
        ({"added_tokens_decoder": {"12": marks["11"]}}, "token 12 is"),
        ({"added_tokens_decoder": {"13": {"content": "<new>"}}}, "token 13 is"),
        ({"added_tokens_decoder": {"11": marks["11"] | {"special": False}}}, "token 11 is"),
        ({"added_tokens_decoder": [1]}, "added_tokens_decoder is [1]"),
    ):
        path.write_text(json.dumps(agreeing | change))
        assert said in refused(tmp_path)
    lower = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
             "strip_accents": None, "lowercase": True}  # fmt: skip
    tiny.words(tmp_path, normalizer=lower)
    path.write_text(json.dumps({"do_lower_case": True, "strip_accents": None}))
    assert tokenizer.load(tmp_path).encode("A").ids == [0]
    for name, value in (("do_lower_case", False), ("strip_accents", True)):
        path.write_text(json.dumps({name: value}))
        assert f"{name} is {value}" in refused(tmp_path)


def test_the_older_list_of_added_tokens_must_agree(tmp_path):
    tiny.words(tmp_path)
    path = tmp_path / "added_tokens.json"
    path.write_text(json.dumps({"<|im_end|>": 12}))
    tokenizer.load(tmp_path)
    for list_of in ({"<|im_end|>": 13}, {"<think>": 13}, {"\ud800": 13}):
        path.write_text(json.dumps(list_of))
        assert "tokenizer.json says" in refused(tmp_path)


def test_a_chat_template_is_found_in_each_of_its_files(tmp_path):
    tiny.words(tiny.write(tmp_path, tiny.LLAMA))
    assert load.load(str(tmp_path)).template is None
    several = [{"name": "tools", "template": "c"}, {"name": "default", "template": "b"}]
    for name, content, text in (
        ("tokenizer_config.json", {"chat_template": "a", "eos_token": {"content": "e"}}, "a"),
        ("chat_template.json", {"chat_template": several}, "b"),
        ("chat_template.jinja", "[INST] {{ x }}", "[INST] {{ x }}"),
    ):
        given = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / name).write_text(given)
        found = load.load(str(tmp_path)).template
        assert found.text == text and found.marks == (("eos_token", "e"),)
    (tmp_path / "chat_template.jinja").write_text("{% for %}")
    assert "is no chat template" in refused(tmp_path, lambda x: load.load(str(x)))
    (tmp_path / "chat_template.jinja").write_bytes(b"\xff")
    assert "chat_template.jinja is unreadable" in refused(tmp_path, lambda x: load.load(str(x)))


def test_an_answer_ends_with_any_token_that_the_files_name(tmp_path):
    tiny.words(tiny.write(tmp_path, tiny.LLAMA))
    assert load.load(str(tmp_path)).stop == (12,)  # <|im_end|>
    for config, generation, stop in (
        ({"eos_token_id": 3}, None, (12, 3)),
        ({"eos_token_id": 3}, {"eos_token_id": [12, 0, 5]}, (12, 0, 5)),  # instead of config.json's
        ({"eos_token_id": [4, 4]}, {"temperature": 0.7}, (12, 4)),
        ({}, {"eos_token_id": None}, (12,)),
    ):
        (tmp_path / "config.json").write_text(json.dumps(tiny.LLAMA | config))
        path = tmp_path / "generation_config.json"
        path.unlink(missing_ok=True)
        if generation is not None:
            path.write_text(json.dumps(generation))
        assert load.load(str(tmp_path)).stop == stop
    for value in (13, -1, True, "2", [2, None], {"a": 1}, 2.0):
        (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": value}))
        assert "the end token eos_token_id is" in refused(tmp_path, lambda x: load.load(str(x)))
    (tmp_path / "generation_config.json").write_text("[")
    assert "generation_config.json is no JSON" in refused(tmp_path, lambda x: load.load(str(x)))


def test_a_text_that_a_tokenizer_has_no_tokens_for_is_one_line(tmp_path):
    """Its token for what is unknown is none: GPT-2's says "" and never needs it."""
    tiny.words(tiny.write(tmp_path, tiny.LLAMA), model={"unk_token": "none"})
    known = tokenizer.load(tmp_path)
    assert tokenizer.encode(known, ["abc"], 3).ids.tolist() == [[0, 1, 2]]
    with pytest.raises(InputError, match="cannot write a text in its tokens .Unk token `none` not"):
        tokenizer.encode(known, ["abc", "xyz"], 9)
    said = refused(str(tmp_path), load.load)  # the end of an answer
    assert "cannot write a text in its tokens" in said


@pytest.mark.parametrize("error", [Interrupted(2), KeyboardInterrupt(), SystemExit()])
def test_an_interruption_is_none_of_the_file_s(tmp_path, error):
    """Nobody is told to get a sound file again because a signal came while it was read."""

    def fails(*_):
        raise error

    with pytest.raises(type(error)):
        tokenizer.built(fails, tmp_path)
    text = types.SimpleNamespace(encode_batch=lambda *_, **__: fails())
    with pytest.raises(type(error)):
        tokenizer.encodings(text, ["a"])


def test_a_panic_of_the_library_is_one_line(tmp_path):
    panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})

    def fails(*_):
        raise panic("attempt to add with overflow")

    with pytest.raises(InputError, match="is damaged .attempt to add"):
        tokenizer.built(fails, tmp_path)


@pytest.mark.parametrize("error", [MemoryError(), Exception("Too many open files (os error 24)")])
def test_what_the_system_refuses_is_none_of_the_file_s(tmp_path, error):
    def fails():
        raise error

    with pytest.raises(InputError, match="cannot be read .*nothing says that it is damaged"):
        tokenizer.built(fails, tmp_path)
