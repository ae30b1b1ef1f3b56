"""Texts in two tokenizers: places off which both predict the same, rows beside rows, sums."""

import functools

import jax
import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("jinja2", reason="needs the extra text")

from scipy import special
from tiny_llama import NET, PARAMS, outputs, random_params

from kd_jax.data.padding import Tokens
from kd_jax.errors import InputError
from kd_jax.language import teacher_outputs, tiny_teacher
from kd_jax.language.decoder import across, encoding, measure, measure_across, packing, starts
from kd_jax.language.decoder.conversations import Example
from kd_jax.language.tokens import Packed
from kd_jax.pretrained.chat import Encoded
from kd_jax.pretrained.chat_template import ChatTemplate

# words of one letter's tokens, and of pairs of letters
LETTERS = tiny_teacher.chat_model(jax.random.key(0), [])
PAIRS = tiny_teacher.chat_model(jax.random.key(0), ["abcd" * 9])
TURNS = "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{{ eos_token }}{% endfor %}"
TURNS += "{% if add_generation_prompt %}[assistant]{% endif %}"
OTHER = PAIRS._replace(template=ChatTemplate(TURNS, (("eos_token", "<|im_end|>"),)))
CHAT = Example("line 1", [
    {"role": "user", "content": "ab"}, {"role": "assistant", "content": "abcd"},
    {"role": "user", "content": "d"}, {"role": "assistant", "content": "é"},
])  # fmt: skip


def said(model, ids):
    return model.tokenizer.decode(ids, skip_special_tokens=False)


def pairs(own, teacher, examples):
    """For each of the student's tokens that count, (all before it, the same of the teacher's)."""
    (text,) = encoding.whole(own, encoding.written(own, examples))
    ((other, places),) = across.beside(own, teacher, examples)
    return [
        (
            said(own, text.ids[:n]),
            said(teacher, other.ids[: places[n] + 1]) if places[n] >= 0 else 0,
        )
        for n, on in enumerate(text.counted)
        if on
    ]


def test_both_predict_the_same_where_they_have_read_the_same_of_an_answer():
    found = pairs(LETTERS, OTHER, [CHAT])
    assert [theirs for _, theirs in found] == [  # before a, b, c, d, the end; two of é, the end
        "[user]ab<|im_end|>[assistant]", 0, 0, 0, "[user]ab<|im_end|>[assistant]abcd",
        "[user]ab<|im_end|>[assistant]abcd<|im_end|>[user]d<|im_end|>[assistant]", 0,
        "[user]ab<|im_end|>[assistant]abcd<|im_end|>[user]d<|im_end|>[assistant]é",
    ]  # fmt: skip
    ours, _ = found[4]
    assert ours.endswith("<|im_start|>assistant\nabcd")
    back = [ours for ours, _ in pairs(OTHER, LETTERS, [CHAT])]
    assert back[:2] == ["[user]ab<|im_end|>[assistant]", "[user]ab<|im_end|>[assistant]abcd"]


def test_plain_texts_begin_with_the_first_token_that_both_have_read():
    ((other, places),) = across.beside(LETTERS, PAIRS, [Example("line 1", text="abcdab")])
    tokens = [PAIRS.tokenizer.id_to_token(n) for n in other.ids]
    assert tokens == ["abcd", "ab", "<|im_end|>"]
    assert places == [-1, -1, -1, -1, 0, -1, 1]  # before the fifth letter, and before the end


def test_a_model_beside_itself_is_read_token_by_token():
    letters = CHAT._replace(messages=CHAT.messages[:3] + [CHAT.messages[1]])  # without é
    (text,) = encoding.whole(PAIRS, encoding.written(PAIRS, [letters]))
    ((other, places),) = across.beside(PAIRS, PAIRS, [letters])
    assert other == text
    assert [places[n] for n, on in enumerate(text.counted) if on] == [
        n - 1 for n, on in enumerate(text.counted) if on
    ]


def test_templates_that_split_a_conversation_in_other_ways_are_one_line():
    last = "m.role == 'user' or loop.last"
    shortened = TURNS.replace("m['content'] }}", f"(m['content'] if {last} else '') }}}}")
    other = OTHER._replace(template=ChatTemplate(shortened, OTHER.template.marks))
    with pytest.raises(InputError, match="line 1: the chat templates of student and teacher write"):
        across.beside(LETTERS, other, [CHAT])


STUDENT = random_params(NET, 9)
OWN = [Encoded([3, 1, 4, 1, 5], [False, False, True, True, True]), Encoded([2, 6], [False, True])]
THEIRS = [
    across.Beside(Encoded([7, 8, 9], [False, True, True]), [-1, 0, 1, -1, 2]),
    across.Beside(Encoded([5, 10, 2], [False, True, True]), [-1, 1]),
]


@functools.cache
def rows():
    together = packing.rows([5, 2], 8)
    return packing.packed(OWN, 8), across.rows(OWN, THEIRS, together)


def test_rows_of_both_have_the_same_answers():
    ours, theirs = rows()
    assert theirs.tokens.ids.tolist() == [[7, 8, 9, 5, 10, 0, 0, 0]]  # the last text to its place
    assert theirs.tokens.mask.tolist() == [[1, 1, 1, 2, 2, 0, 0, 0]]
    np.testing.assert_array_equal(ours.answers.ids, theirs.answers.ids)
    np.testing.assert_array_equal(ours.numbers, theirs.numbers)
    assert ours.answers.mask[0, :5].tolist() == [True, True, True, True, False]
    assert theirs.answers.mask[0, :5].tolist() == [True, False, True, True, False]
    assert theirs.places[0, [0, 2, 3]].tolist() == [1, 2, 4]
    assert across.cut(OWN[0], THEIRS[0]) is THEIRS[0].text
    shorter = Encoded([3, 1, 4], [False, False, True])
    assert across.cut(shorter, THEIRS[0]) == Encoded([7, 8], [False, True])


def log_softmax(params, ids):
    found, _ = outputs(NET)(params, Tokens(np.array([ids]), np.ones((1, len(ids)), bool))._asdict())
    return special.log_softmax(np.float64(found[0]), -1)


def test_sums_of_a_student_are_numpy_s():
    ours, theirs = rows()
    read = teacher_outputs.read_out(PARAMS)
    hidden = np.concatenate([x["hidden"] for x in teacher_outputs.hidden(NET, PARAMS, theirs, 1)])
    found = measure_across.evaluator(NET)(STUDENT, ours, theirs, hidden, read, 1)
    of_student = [log_softmax(STUDENT, each.ids) for each in OWN]
    of_teacher = [log_softmax(PARAMS, each.text.ids) for each in THEIRS]
    nll = [-of_student[0][[1, 2, 3], [4, 1, 5]].sum(), -of_student[1][0, 6]]
    np.testing.assert_allclose(found["nll"], nll, rtol=1e-4)

    def distance(text, place, other):
        sides = np.exp(of_student[text][place]), np.exp(of_teacher[text][other])
        return np.abs(np.subtract(*(np.sort(x) for x in sides))).sum()

    uld = [distance(0, 1, 1) + distance(0, 3, 2), distance(1, 0, 1)]
    np.testing.assert_allclose(found["uld"], uld, rtol=1e-4)
    assert found["tokens"].tolist() == [3, 1] and found["pairs"].tolist() == [2, 1]
    means = measure.means(found)
    assert means["uld"] == pytest.approx(sum(uld) / 3) and means["nll"] == pytest.approx(
        sum(nll) / 4, rel=1e-4
    )


def test_the_teacher_s_likelihood_is_of_its_own_tokens_by_the_student_s_number():
    ours, theirs = rows()
    own = packing.packed([each.text for each in THEIRS], 8)
    read = teacher_outputs.read_out(PARAMS)
    hidden = np.concatenate([x["hidden"] for x in teacher_outputs.hidden(NET, PARAMS, own, 1)])
    both = across.Across(theirs, theirs, own, [])
    found = measure_across.of_teacher(both, ours, hidden, read, 1)
    log_q = [log_softmax(PARAMS, each.text.ids) for each in THEIRS]
    wanted = [-log_q[0][[0, 1], [8, 9]].sum(), -log_q[1][[0, 1], [10, 2]].sum()]
    np.testing.assert_allclose(found["nll"], wanted, rtol=1e-4)
    assert found["tokens"].tolist() == [3, 1] and found["pairs"].tolist() == [2, 1]
    assert isinstance(own, Packed)


def test_only_objectives_that_compare_no_tokens_are_of_a_student_with_its_own():
    start = starts.given(LETTERS, PAIRS._replace(source="small"))
    assert start.tokens is not None and starts.given(PAIRS, PAIRS).tokens is None
    starts.require_across("--student=small", ["universal_logit", "sft_universal_logit"])
    with pytest.raises(
        InputError, match="--student=small: the student's tokens are not .*e=jsd,seq_kd learns"
    ):
        starts.require_across("--student=small", ["universal_logit", "jsd", "seq_kd"])
