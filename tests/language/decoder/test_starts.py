"""Starts of students: sizes that follow, tokens that must be alike, and what is refused."""

import dataclasses

import jax
import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from kd_jax.errors import InputError
from kd_jax.language import tiny_teacher
from kd_jax.language.decoder import own_tokens, starts, student_sizes
from kd_jax.language.decoder.conversations import Example

TEACHER = tiny_teacher.chat_model(jax.random.key(0), [])  # 4 layers of 32: 4 heads of 8, 2 of keys


def test_a_new_student_is_shaped_like_its_teacher():
    sizes = student_sizes.sizes(["hidden:16", "layers:2"])
    net = starts.new(TEACHER, sizes, jax.random.key(0)).net
    assert (net.width, net.layers, net.vocabulary) == (16, 2, 400)
    assert (net.heads, net.num_kv_heads, net.head_dim) == (2, 1, 8)  # two queries to a key
    assert net.intermediate_size == 24  # 48 / 32 of 16
    more = student_sizes.sizes(
        ["hidden:16", "layers:1", "heads:3", "kv_heads:3", "intermediate:40"]
    )
    found = starts.new(TEACHER, more, jax.random.key(0))
    assert (found.net.heads, found.net.num_kv_heads, found.net.intermediate_size) == (3, 3, 40)
    assert found.params["layers"]["query"]["kernel"].shape == (1, 16, 24)


@pytest.mark.parametrize(
    "flags, said",
    [
        (["hidden:16"], "expected hidden and layers, like"),
        (["hidden:16", "layers"], "--random=layers: expected sizes like hidden:256"),
        (["hidden:16", "layers:0"], "--random=layers:0: expected sizes"),
        (["width:16", "layers:2"], "--random=width:16: expected sizes .* of hidden, layers, heads"),
        (["hidden:16", "layers:5"], "expected at most the teacher's 4 layers"),
        (["hidden:16", "layers:1", "heads:3", "kv_heads:2"], "3 heads are no multiple of 2"),
        (["hidden:16", "layers:1", "hidden:8"], "hidden stands there twice"),
        (["hidden:999999", "layers:4", "intermediate:999999"], "at most the teacher's 56,608"),
        (["hidden:16", "layers:1", "head_dim:7"], "--random=head_dim:7: expected an even number"),
    ],
)
def test_sizes_that_do_not_fit_are_one_line(flags, said):
    with pytest.raises(InputError, match=said):
        starts.new(TEACHER, student_sizes.sizes(flags), jax.random.key(0))


def test_layers_are_cut_evenly_and_a_given_student_has_the_same_tokens():
    cut = starts.cut(TEACHER, 2)
    assert cut.words == "layers 0, 3 of the teacher" and cut.net.layers == 2
    same = TEACHER._replace(net=cut.net, params=cut.params, source="small")
    assert starts.given(TEACHER, same).net is cut.net


def test_rows_that_pad_an_embedding_do_not_part_models_of_one_tokenizer():
    """Of the larger one what no token has is left out; its logits of all tokens stay."""
    net, params = TEACHER.net, TEACHER.params
    rows = np.random.default_rng(2).normal(size=(5, net.width)).astype(np.float32)
    padded = TEACHER._replace(
        net=dataclasses.replace(net, vocabulary=net.vocabulary + 5),
        params=params | {
            "embedding": np.concatenate([params["embedding"], rows]),
            "head": np.concatenate([params["head"], rows.T], 1),
        },
        source="padded",
    )  # fmt: skip
    for pair in ((TEACHER, padded), (padded, TEACHER)):
        assert starts.given(*pair).tokens is not None
        found = starts.without_padding(*pair)
        assert starts.given(*found).tokens is None
        for each in found:
            assert each.net == net
            for name in ("embedding", "head"):
                np.testing.assert_array_equal(each.params[name], params[name])
    own = own_tokens.learned(TEACHER, [Example("1", text="ab")], 258)
    assert starts.without_padding(TEACHER, own) == (TEACHER, own)  # other tokens: nothing is done


def test_tokens_of_its_own_are_the_teacher_s_special_ones_and_merges_of_the_texts():
    sizes = student_sizes.sizes(["hidden:16", "layers:1"])
    examples = [Example("1", text="abab abab"), Example("2", [{"role": "user", "content": "ab"}])]
    found = starts.new(
        TEACHER, sizes, jax.random.key(0), own_tokens.learned(TEACHER, examples, 260)
    )
    own = found.tokens
    assert found.params["embedding"].shape == (260, 16) and found.net.vocabulary == 260
    ids = own.tokenizer.encode("abab<|im_end|>").ids
    assert len(ids) == 2 and ids[-1:] == [*own.stop]
    assert own.tokenizer.decode(ids, skip_special_tokens=False) == "abab<|im_end|>"
    assert own.template == TEACHER.template and "260 tokens of its own" in found.words


@pytest.mark.parametrize(
    "size, said", [(257, "expected at least 258"), (300, "the texts have no more than 258 tokens")]
)
def test_too_few_and_too_many_tokens_are_one_line(size, said):
    with pytest.raises(InputError, match=f"--vocabulary={size}: {said}"):
        own_tokens.learned(TEACHER, [Example("1", text="a")], size)


def test_tokens_of_a_cut_begin_as_the_mean_of_the_teacher_s_of_the_same_text():
    """The teacher's tokens are letters and marks; of its own, the student has "ab" and "abab"."""
    own = own_tokens.learned(TEACHER, [Example("1", text="abab abab")], 260)
    found = starts.cut(TEACHER, 2, own)
    assert found.tokens is own and found.words == (
        "layers 0, 3 of the teacher with 260 tokens of its own"
    )
    table, own_table = TEACHER.params["embedding"], found.params["embedding"]
    heads = TEACHER.params["head"].T, found.params["head"].T
    ids = {text: TEACHER.tokenizer.token_to_id(text) for text in ("a", "b", "<|im_end|>", "Ã")}
    letters = np.float64([table[ids["a"]], table[ids["b"]]])
    for text in ("ab", "abab"):
        number = own.tokenizer.token_to_id(text)
        np.testing.assert_allclose(own_table[number], letters.mean(0), rtol=1e-5, atol=1e-7)
        of_head = np.float64([heads[0][ids["a"]], heads[0][ids["b"]]]).mean(0)
        np.testing.assert_allclose(heads[1][number], of_head, rtol=1e-5, atol=1e-7)
    for text in ("a", "<|im_end|>", "Ã"):  # the last is a byte, the first half of é
        number = own.tokenizer.token_to_id(text)
        np.testing.assert_array_equal(own_table[number], table[ids[text]])
    assert own_table.shape == (260, 32) and found.net.vocabulary == 260


def test_a_token_that_the_teacher_s_tokenizer_writes_otherwise_is_found_by_its_text():
    """As "▁the" of SentencePiece is " the"; what has no text at all is the mean of all tokens."""
    words = Tokenizer(models.WordLevel({"?": 0, "▁": 1, "▁a": 2}, unk_token="?"))
    words.pre_tokenizer, words.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    other = TEACHER._replace(tokenizer=words)
    own = own_tokens.learned(TEACHER, [Example("1", text="a")], 258)
    table = np.arange(6.0).reshape(3, 2)
    found = own_tokens.transferred({"embedding": table}, other, own)["embedding"]
    np.testing.assert_array_equal(found[own.tokenizer.token_to_id("a")], table[2])
    assert found.shape == (258, 2)
