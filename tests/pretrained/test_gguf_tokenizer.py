"""Tokenizers of GGUF files: what is cut, what stays in answers and ends them, what is refused."""

import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("gguf", reason="needs the extra text")

from model_loaders import refused
from tiny_gguf import MARKS, TOKENS, WORDS, write

from kd_jax.pretrained import decoder_folder, gguf, gguf_writer, load


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "tiny.gguf")


def test_its_tokenizer_cuts_digits_and_keeps_marks(path):
    words = gguf.tokenizer(path)
    text = "<|im_start|>say hi 42<|im_end|>"
    found = [TOKENS[n] for n in words.encode(text).ids]
    assert found == [MARKS[1], "s", "a", "y", "Ġhi", "Ġ", "4", "2", MARKS[2]]
    assert words.decode(words.encode(text).ids, skip_special_tokens=False) == text
    assert words.decode(words.encode(text).ids) == "say hi 42"


def kinds(**of):
    """The kinds of tokens, those of some tokens changed."""
    found = list(WORDS["tokenizer.ggml.token_type"])
    for token, kind in of.items():
        found[TOKENS.index(token)] = kind
    return {"tokenizer.ggml.token_type": found}


def test_a_user_s_own_tokens_are_found_in_texts_and_stay_in_answers(tmp_path):
    """Kind 4, like <think>; control tokens, kind 3, vanish from what was written."""
    own = MARKS[0]
    words = gguf.tokenizer(write(tmp_path / "own.gguf", **kinds(**{own: 4})))
    ids = words.encode(f"<|im_start|>a{own}b<|im_end|>").ids
    assert [TOKENS[n] for n in ids] == [MARKS[1], "a", own, "b", MARKS[2]]
    assert words.decode(ids, skip_special_tokens=True) == f"a{own}b"
    unused = gguf.tokenizer(write(tmp_path / "unused.gguf", **kinds(Ġhi=5)))
    assert unused.get_vocab_size() == len(TOKENS)


def test_a_user_s_own_tokens_stay_in_answers_of_what_is_written_again(tmp_path):
    own, text = MARKS[0], f"<|im_start|>a{MARKS[0]}b<|im_end|>"
    first = load.load(str(write(tmp_path / "own.gguf", **kinds(**{own: 4}))))
    decoder_folder.save(tmp_path / "folder", first.net, first.params, first)
    gguf_writer.save(tmp_path / "again.gguf", first.net, first.params, first)
    for name in ("own.gguf", "folder", "again.gguf"):
        words = load.load(str(tmp_path / name)).tokenizer
        assert words.encode(text).ids == first.tokenizer.encode(text).ids
        assert words.decode(words.encode(text).ids, skip_special_tokens=True) == f"a{own}b"


@pytest.mark.parametrize(
    "change, said",
    [
        ({"tokenizer.ggml.pre": None}, "has no tokenizer.ggml.pre"),
        ({"tokenizer.ggml.pre": "default"}, "cuts words as 'default', expected smollm, gpt-2"),
        ({"tokenizer.ggml.pre": "llama-bpe"}, "cuts words as 'llama-bpe'"),
        ({"tokenizer.ggml.model": None}, "tokenizer is 'None', expected gpt2"),
        ({"tokenizer.ggml.token_type": None}, "has no tokenizer.ggml.token_type of 101 tokens"),
        ({"tokenizer.ggml.token_type": [3, 3, 3]}, "has no tokenizer.ggml.token_type of 101"),
        (kinds(a=6), "token 'a' is of kind 6, expected 1, 3, 4 or 5"),
        (kinds(a=2), "token 'a' is of kind 2"),
        ({"tokenizer.ggml.tokens": [*TOKENS, "more"],
          "tokenizer.ggml.token_type": [1] * 102}, "token 'more' is number 101, but the model has"),
        ({"tokenizer.ggml.add_bos_token": True}, "add_bos_token is True, expected False"),
        ({"tokenizer.ggml.add_space_prefix": True}, "add_space_prefix is True, expected False"),
        ({"tokenizer.ggml.normalizer.lowercase": True}, "normalizer.lowercase (True) is not"),
        ({"tokenizer.ggml.merges": ["Ġ"]}, "is damaged"),
    ],
)  # fmt: skip
def test_tokenizers_that_are_not_implemented_are_refused(tmp_path, change, said):
    assert said in refused(write(tmp_path / "other.gguf", **change), gguf.tokenizer)


def test_an_answer_ends_with_any_token_that_the_file_names(tmp_path):
    more = {"tokenizer.ggml.eos_token_id": 0, "tokenizer.ggml.eot_token_id": 2}
    template = {
        "tokenizer.chat_template": "{% for m in messages %}{{ m['content'] }}<|im_end|>\n"
        "{% endfor %}"
    }
    found = load.load(str(write(tmp_path / "ends.gguf", **more, **template)))
    assert found.stop == (2, 0)  # <|im_end|>, then those of the file
    more["tokenizer.ggml.eos_token_id"] = len(TOKENS)
    bad = write(tmp_path / "bad.gguf", **more)
    other = write(tmp_path / "other.gguf", **{"tokenizer.chat_template": "[INST] {{ eos_token }}"})
    assert load.load(str(other)).stop == ()  # the template ends answers with no special token
    names = {"tokenizer.ggml.eos_token_id": 0, "tokenizer.chat_template": "{{ eos_token }}"}
    named = write(tmp_path / "named.gguf", **names)
    assert load.load(str(named)).chat().template.render([]) == "<|endoftext|>"
    assert "eos_token_id is 101" in refused(bad, lambda path: load.load(str(path)))
