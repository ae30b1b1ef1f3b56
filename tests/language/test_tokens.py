"""Which tokens count, micro-batches, caches and a student's own texts, on a tiny decoder."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from scipy import special
from tiny_llama import APPLY, NET, PARAMS, random_params

from kd_jax import losses
from kd_jax.data import padding
from kd_jax.language import objectives, student_loss, teacher_cache, teacher_outputs, tokens
from kd_jax.language.tokens import Texts
from kd_jax.models import llama
from kd_jax.pretrained import layer_selection
from kd_jax.training.state import Batch, stateless

PROMPTS = [3, 1, 4], [9], [2, 6, 5, 3, 5], [8, 8]
ANSWERS = [1, 5], [2, 7, 1, 8, 2, 8], [3], [4, 10, 6]  # 2, 6, 1 and 3 tokens count
TEXTS = Texts(
    padding.padded(list(map(list, PROMPTS)), left=True), padding.padded(list(map(list, ANSWERS)))
)
STUDENT = random_params(NET, 9)


def whole(blocks):
    """The arrays of all blocks that caches yield."""
    return jax.tree.map(lambda *parts: np.concatenate(parts), *blocks)


HIDDEN = whole(teacher_outputs.hidden(NET, PARAMS, TEXTS, 3))["hidden"]
TOP = teacher_outputs.read_out(PARAMS)
KL = objectives.Objective("forward KL", objectives.divergence(losses.forward_kl))
ROWS = {"texts": TEXTS, "hidden": HIDDEN}
END = 99  # no token: nothing ends before its length


@functools.partial(jax.jit, static_argnums=0)
def predictions(net, params, texts):
    return llama.logits(params, tokens.answer_states(net, params, texts))


@functools.cache
def loss_of(objective, parts=1, on_policy=None):
    loss_fn = student_loss.loss(NET, objective, parts, on_policy)

    def loss(params, batch, key):
        found = loss_fn(stateless(params), batch, key)
        return found.loss, found.metrics

    return jax.jit(jax.value_and_grad(loss, has_aux=True))


def learnt(objective, rows, parts=1, on_policy=None, teacher=TOP):
    return loss_of(objective, parts, on_policy)(
        STUDENT, Batch(rows, shared={"teacher": teacher}), jax.random.key(0)
    )


def test_an_answer_s_token_is_read_off_the_token_before_it():
    """Against each text alone, without padding: token n of it off position n − 1."""
    found = predictions(NET, PARAMS, TEXTS)
    for row, (prompt, answer) in enumerate(zip(PROMPTS, ANSWERS)):
        ids = np.zeros((1, 12), int)
        ids[0, : len(prompt + answer)] = prompt + answer
        whole, _ = APPLY(PARAMS, {"ids": ids, "mask": np.arange(12)[None] < len(prompt + answer)})
        for n in range(len(answer)):
            before = np.asarray(whole[0, len(prompt) + n - 1])
            np.testing.assert_allclose(found[row, n], before, rtol=1e-4, atol=1e-5)


def test_the_loss_is_the_mean_over_the_answers_tokens_alone():
    z = np.asarray(predictions(NET, STUDENT, TEXTS), np.float64)
    wanted = [
        -special.log_softmax(z[row, n])[token]
        for row, answer in enumerate(ANSWERS)
        for n, token in enumerate(answer)
    ]
    (found, more), _ = learnt(objectives.Objective("SFT", objectives.labels), ROWS)
    np.testing.assert_allclose(found, np.mean(wanted), rtol=1e-5)
    assert int(more["tokens"]) == len(wanted) == 12


def test_what_stands_in_the_padding_changes_nothing():
    spoiled = [np.where(part.mask, part.ids, 7) for part in TEXTS]
    texts = Texts(*(padding.Tokens(ids, part.mask) for ids, part in zip(spoiled, TEXTS)))
    hidden = np.where(TEXTS.answers.mask[..., None], HIDDEN, 1e3).astype(np.float32)
    found = learnt(KL, {"texts": texts, "hidden": hidden})
    jax.tree.map(np.testing.assert_array_equal, found, learnt(KL, ROWS))


def test_loss_and_gradient_do_not_depend_on_the_micro_batches():
    (whole, _), gradient = learnt(KL, ROWS)
    (found, _), other = learnt(KL, ROWS, 4)
    np.testing.assert_allclose(found, whole, rtol=1e-5)
    assert float(whole) > 0.1
    close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6)
    jax.tree.map(close, other, gradient)


def test_sums_are_those_of_the_tokens_one_by_one():
    z, v = (np.asarray(predictions(NET, p, TEXTS), np.float64) for p in (STUDENT, PARAMS))
    log_q, log_p = special.log_softmax(z, -1), special.log_softmax(v, -1)
    mask = TEXTS.answers.mask
    wanted = {
        "nll": -np.take_along_axis(log_q, TEXTS.answers.ids[..., None], -1)[..., 0][mask].mean(),
        "kl": (np.exp(log_p) * (log_p - log_q)).sum(-1)[mask].mean(),
        "reverse_kl": (np.exp(log_q) * (log_q - log_p)).sum(-1)[mask].mean(),
        "agreement": (z.argmax(-1) == v.argmax(-1))[mask].mean(),
        "tokens": 12,
    }
    # of 4 texts 3 at a time: the last batch is filled
    found = student_loss.evaluator(NET)(STUDENT, TEXTS, HIDDEN, TOP, 3)
    assert found == pytest.approx(wanted, rel=1e-4)
    own = student_loss.evaluate_teacher(TEXTS, HIDDEN, TOP, 3)
    assert own["agreement"] == 1 and own["kl"] == pytest.approx(0, abs=1e-6)


def test_the_cached_states_give_the_teacher_s_logits_and_its_likeliest_tokens():
    v = np.asarray(predictions(NET, PARAMS, TEXTS))
    np.testing.assert_allclose(llama.logits(TOP, HIDDEN), v, rtol=1e-4, atol=1e-5)
    top = whole(teacher_outputs.top_tokens(PARAMS, HIDDEN, 4, 3))
    assert top["tokens"].shape == (4, 8, 4) and top["log_p"].dtype == np.float32
    mask = TEXTS.answers.mask
    np.testing.assert_array_equal(top["tokens"][mask], np.argsort(-v, -1)[mask][:, :4])
    z = predictions(NET, STUDENT, TEXTS)
    found = jax.jit(objectives.cached_top_k)(z, {"texts": TEXTS, **top}, None)
    wanted = jax.jit(functools.partial(losses.top_k, k=4))(z, v, where=mask)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert not np.asarray(found)[~mask].any()


def test_a_decoder_s_soft_cap_is_on_all_logits_that_are_read():
    """c tanh(z / c) of the logits z without it, for c = 2, in float64."""
    net = NET.clone(variant=NET.variant._replace(logits_cap=2.0))
    plain = np.float64(predictions(NET, PARAMS, TEXTS))
    v, mask = 2 * np.tanh(plain / 2), TEXTS.answers.mask
    read = teacher_outputs.read_out(PARAMS, net.variant.logits_cap)
    np.testing.assert_allclose(llama.logits(read, HIDDEN), v, rtol=1e-4, atol=1e-5)
    top = whole(teacher_outputs.top_tokens(PARAMS, HIDDEN, 4, 3, cap=2.0))
    falling = -np.sort(-special.log_softmax(v, -1), -1)[..., :4]
    np.testing.assert_allclose(top["log_p"][mask], falling[mask], rtol=1e-4, atol=1e-5)
    found = student_loss.evaluator(net)(PARAMS, TEXTS, HIDDEN, read, 4)
    nll = -np.take_along_axis(special.log_softmax(v, -1), TEXTS.answers.ids[..., None], -1)
    assert found["nll"] == pytest.approx(nll[..., 0][mask].mean(), rel=1e-4)
    assert found["kl"] == pytest.approx(0, abs=1e-6)


def test_an_answer_of_its_own_ends_with_its_stop_token():
    free = whole(teacher_outputs.answers(NET, PARAMS, TEXTS, jax.random.key(1), END, 4))
    assert free["ids"].shape == (4, 8) and free["mask"].all()
    stop = int(free["ids"][0, 2])
    found = whole(teacher_outputs.answers(NET, PARAMS, TEXTS, jax.random.key(1), stop, 4))
    for ids, mask, all_of_it in zip(found["ids"], found["mask"], free["ids"]):
        said = all_of_it.tolist()
        length = said.index(stop) + 1 if stop in said else 8
        assert ids[mask].tolist() == said[:length] and mask.sum() == length


@jax.jit
def own_rows(share, key):
    """What a student learns from on-policy in a share of the steps."""
    return student_loss.on_policy(NET, NET, share, END)(STUDENT, PARAMS, ROWS, key)


def test_on_policy_the_student_writes_and_the_teacher_reads_its_share():
    key = jax.random.key(3)
    jax.tree.map(np.testing.assert_array_equal, own_rows(0.0, key), ROWS)
    own = own_rows(1.0, key)
    assert own["texts"].answers.mask.all() and (own["texts"].prompts.ids == TEXTS.prompts.ids).all()
    read = whole(teacher_outputs.hidden(NET, PARAMS, own["texts"], 4))["hidden"]
    np.testing.assert_allclose(own["hidden"], read, rtol=1e-4, atol=1e-5)
    masks = [own_rows(0.5, k)["texts"].answers.mask for k in jax.random.split(key, 20)]
    assert 4 <= sum(np.all(mask) for mask in masks) <= 16


def test_on_policy_the_gradient_is_that_of_the_texts_as_if_they_were_given():
    share = student_loss.on_policy(NET, NET, 1.0, END)
    (found, _), gradient = learnt(KL, ROWS, 2, share, PARAMS)
    (wanted, _), other = learnt(KL, own_rows(1.0, jax.random.key(0)))
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    close = functools.partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-5)
    jax.tree.map(close, gradient, other)


def test_half_precision_states_are_kept_as_they_are():
    half = NET.clone(dtype=jnp.bfloat16)
    states = whole(teacher_outputs.hidden(half, PARAMS, TEXTS, 4))["hidden"]
    assert states.dtype == np.float32
    mask = TEXTS.answers.mask
    assert 0 < np.abs(states - HIDDEN)[mask].max() < 0.1 * np.abs(HIDDEN[mask]).max()


def test_a_teacher_is_asked_once_for_each_answer(tmp_path, monkeypatch):
    teacher = teacher_cache.DecoderTeacher(NET, PARAMS, "0123456789abcdef" * 4, END)
    cache = teacher_cache.TeacherCache(teacher, tmp_path, 4)
    top = objectives.Objective("top 3", objectives.cached_top_k, top_k=3)
    own = objectives.Objective("SeqKD", objectives.labels, teacher_texts=True)
    key = jax.random.key(3)
    first = [cache.rows(each, TEXTS, key) for each in (KL, top, own)]
    np.testing.assert_allclose(first[0]["hidden"], HIDDEN, rtol=1e-5, atol=1e-6)
    assert first[1].keys() == {"texts", "log_p", "tokens"}  # nothing else is left to learn from
    assert teacher_cache.size_of(first[1]) == {"bytes_per_token": 3 * 8, "bytes": 4 * 8 * 3 * 8}
    assert first[2]["texts"].answers.mask.all()
    monkeypatch.setattr(tokens, "in_batches", lambda *_: pytest.fail("asked again"))
    cache = teacher_cache.TeacherCache(teacher, tmp_path, 4)
    again = [cache.rows(each, TEXTS, key) for each in (KL, top, own)]
    jax.tree.map(np.testing.assert_array_equal, first, again)
    other = teacher_cache.DecoderTeacher(NET, PARAMS, "f" * 64, END)
    with pytest.raises(pytest.fail.Exception, match="asked again"):
        teacher_cache.TeacherCache(other, tmp_path, 4).hidden(TEXTS)


def test_samples_of_another_key_are_others(tmp_path):
    teacher = teacher_cache.DecoderTeacher(NET, PARAMS, "0123456789abcdef" * 4, END)
    cache = teacher_cache.TeacherCache(teacher, tmp_path, 4)
    one, two = (jax.random.key(n) for n in (3, 4))
    first, more = (cache.samples(TEXTS, count, 1.0, one) for count in (1, 2))
    np.testing.assert_array_equal(first[0].ids, more[0].ids)
    (other,) = cache.samples(TEXTS, 1, 1.0, two)
    assert (other.ids != first[0].ids).any() and (more[1].ids != first[0].ids).any()
    own = objectives.Objective("SeqKD", objectives.labels, teacher_texts=True)
    written = [cache.rows(own, TEXTS, key)["texts"].answers.ids for key in (one, two)]
    assert (written[0] != written[1]).any()


def test_spaced_layers_have_both_ends():
    assert layer_selection.spaced(30, 10) == [0, 3, 6, 10, 13, 16, 19, 23, 26, 29]
    assert layer_selection.spaced(4, 2) == [0, 3] and layer_selection.spaced(6, 6) == list(range(6))
