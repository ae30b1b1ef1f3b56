"""Starts of students: sizes that follow, tokens that must be alike, and what is refused."""

import jax
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from kd_jax.errors import InputError
from kd_jax.language import tiny_teacher
from kd_jax.language.decoder import starts, student_sizes
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


def test_tokens_of_its_own_are_the_teacher_s_special_ones_and_merges_of_the_texts():
    sizes = student_sizes.sizes(["hidden:16", "layers:1", "vocabulary:260"])
    examples = [Example("1", text="abab abab"), Example("2", [{"role": "user", "content": "ab"}])]
    found = starts.new(TEACHER, sizes, jax.random.key(0), examples)
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
    sizes = student_sizes.sizes(["hidden:16", "layers:1", f"vocabulary:{size}"])
    with pytest.raises(InputError, match=f"--random=vocabulary:{size}: {said}"):
        starts.new(TEACHER, sizes, jax.random.key(0), [Example("1", text="a")])
