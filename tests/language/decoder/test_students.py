"""Packed rows teach what texts one by one do; logits in chunks change nothing; answers written."""

import functools

import jax
import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from tiny_llama import NET, PARAMS, random_params

from kd_jax import losses
from kd_jax.data.padding import Tokens
from kd_jax.language import objectives, student_loss, teacher_outputs, tokens
from kd_jax.language.decoder import measure, packing
from kd_jax.pretrained.chat import Encoded
from kd_jax.training.state import Batch, stateless

IDS = [3, 1, 4, 1, 5], [9, 2, 6], [5, 3, 5, 8, 9, 7, 9], [2, 3], [8, 4]
COUNTED = "00110", "011", "0010011", "01", "11"
TEXTS = [Encoded(list(ids), [c == "1" for c in on]) for ids, on in zip(IDS, COUNTED)]
STUDENT, READ = random_params(NET, 9), teacher_outputs.read_out(PARAMS)
KL = objectives.Objective("forward KL", objectives.divergence(losses.forward_kl))


def hidden(texts):
    blocks = teacher_outputs.hidden(NET, PARAMS, texts, 3)
    return np.concatenate([each["hidden"] for each in blocks])


def learnt(rows, chunks=1):
    loss_fn = student_loss.loss(NET, KL, token_chunks=chunks)

    def loss(params):
        batch = Batch(rows, shared={"teacher": READ})
        return loss_fn(stateless(params), batch, jax.random.key(0)).loss

    return jax.jit(jax.value_and_grad(loss))(STUDENT)


@functools.cache
def packed_rows():
    packed = packing.packed(TEXTS, 8)
    return {"texts": packed, "hidden": hidden(packed)}


def test_packed_rows_have_the_loss_and_gradient_of_the_texts_one_by_one():
    alone = packing.packed(TEXTS, 8, alone=True)
    (value, gradient), (other, theirs) = (
        learnt(packed_rows()), learnt({"texts": alone, "hidden": hidden(alone)}),
    )  # fmt: skip
    np.testing.assert_allclose(value, other, rtol=1e-5)
    assert float(value) > 0.1
    close = functools.partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-5)
    jax.tree.map(close, gradient, theirs)


def test_logits_in_chunks_of_tokens_change_nothing():
    answers = packed_rows()["texts"].answers
    assert tokens.token_chunks(answers, 3 * 2) == 4  # of 8 tokens of 3 rows 2 at a time
    assert tokens.token_chunks(answers, 1) == 8 and tokens.token_chunks(answers, 99) == 1
    whole, chunked = learnt(packed_rows()), learnt(packed_rows(), 4)
    close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6)
    jax.tree.map(close, whole, chunked)


def test_sums_by_text_are_those_of_its_tokens():
    """Against tokens.sums of the whole, and the count of each text."""
    rows = packed_rows()
    found = measure.evaluator(NET)(STUDENT, rows["texts"], rows["hidden"], READ, 2)
    assert found["tokens"].tolist() == [2, 2, 3, 1, 1]
    whole = student_loss.evaluator(NET)(STUDENT, rows["texts"], rows["hidden"], READ, 3)
    means = measure.means(found)
    for name in ("nll", "kl", "reverse_kl", "agreement", "tokens"):
        assert means[name] == pytest.approx(whole[name], rel=1e-4), name
    own = measure.of_teacher(rows["texts"], rows["hidden"], READ, 2)
    np.testing.assert_allclose(own["kl"], 0, atol=1e-5)
    np.testing.assert_allclose(own["acceptance"], own["tokens"], rtol=1e-5)


def test_acceptance_is_what_both_distributions_share():
    z, v = np.log([[0.5, 0.25, 0.25], [1, 1e-9, 1e-9]]), np.log([[0.25, 0.5, 0.25], [1e-9, 1, 1]])
    found = measure.metrics(z, v, np.array([0, 0]), np.array([True, False]))
    assert found["acceptance"].tolist() == [pytest.approx(0.75), 0]
    assert found["agreement"].tolist() == [0, 0]


def test_a_text_s_last_answer_follows_all_before_it():
    found = tokens.prompts_and_answers([([1, 2, 3, 4, 5, 6], [0, 1, 0, 1, 1, 0]), ([7, 8], [0, 1])])
    assert found.prompts.lists() == [[1, 2, 3], [7]] and found.answers.lists() == [[4, 5], [8]]
    assert isinstance(found.answers, Tokens) and found.prompts.mask[:, -1].all()
