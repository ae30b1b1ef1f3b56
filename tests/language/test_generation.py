"""Generation with a cache against the full computation again for every token."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_llama import APPLY, NET, PARAMS, random_params

from kd_jax.errors import InputError
from kd_jax.language import generation
from kd_jax.models import llama

PROMPTS = [3, 1, 4, 1, 5], [9], [2, 6]
IDS = np.array([[0] * (5 - len(p)) + p for p in map(list, PROMPTS)])
MASK = np.array([[False] * (5 - len(p)) + [True] * len(p) for p in PROMPTS])
WRITER = llama.cached_decoder(NET)


@functools.partial(jax.jit, static_argnames="tokens")
def greedily_written(tokens=7, stop=(99, 99)):
    key = jax.random.key(0)
    return generation.generate(WRITER, PARAMS, IDS, MASK, key, tokens=tokens, stop=stop)


@jax.jit
def sampled(temperature, key):
    choose = generation.sampled(temperature)
    return generation.generate(WRITER, PARAMS, IDS, MASK, key, tokens=7, choose=choose)


def last_logits(ids):
    """Logits after a text, without a cache, and all texts in one shape."""
    padded = np.zeros((1, 12), int)
    padded[0, : len(ids)] = ids
    logits, _ = APPLY(PARAMS, {"ids": padded, "mask": np.arange(12)[None] < len(ids)})
    return np.asarray(logits[0, len(ids) - 1])


def greedily(prompt, tokens):
    ids = list(prompt)
    for _ in range(tokens):
        ids.append(int(last_logits(ids).argmax()))
    return ids[len(prompt) :]


def test_greedy_is_what_the_full_computation_gives():
    found = greedily_written()
    for row, prompt in enumerate(PROMPTS):
        assert found.ids[row].tolist() == greedily(prompt, 7)
    assert found.lengths.tolist() == [7, 7, 7] and found.ids.dtype == np.int32


def test_the_cache_gives_the_logits_of_the_full_computation():
    step = jax.jit(WRITER.step)
    logits, cache = step(PARAMS, IDS, MASK, WRITER.empty(3, 9))
    texts = [list(prompt) for prompt in PROMPTS]
    for new in ([7, 8, 9], [1, 2, 3], [4, 4, 4]):
        for row, text in enumerate(texts):
            np.testing.assert_allclose(logits[row], last_logits(text), rtol=1e-4, atol=1e-5)
            text.append(new[row])
        logits, cache = step(PARAMS, np.array(new)[:, None], np.ones((3, 1), bool), cache)
    assert int(cache.used) == 8 and cache.mask.sum(1).tolist() == [8, 4, 5]


def test_a_text_ends_with_its_stop_token():
    free = greedily_written().ids
    stop = int(free[0, 2])  # what the first text would say third
    found = greedily_written(stop=(stop, 99))
    for row in range(3):
        said = free[row].tolist()
        length = said.index(stop) + 1 if stop in said else 7
        assert int(found.lengths[row]) == length
        assert found.ids[row].tolist() == said[:length] + [0] * (7 - length)
    assert int(found.lengths[0]) <= 3


def test_samples_follow_the_softmax_and_the_key():
    many = jax.random.split(jax.random.key(1), 2000)
    logits = np.array([[0.0, 1.0, 2.0]])
    drawn = jax.vmap(lambda key: generation.sampled(2.0)(logits, key)[0])(many)
    share = np.bincount(drawn, minlength=3) / 2000
    expected = np.exp([0, 0.5, 1]) / np.exp([0, 0.5, 1]).sum()
    np.testing.assert_allclose(share, expected, atol=0.04)  # 4 standard errors
    first, again, other = (sampled(1.5, jax.random.key(n)).ids for n in (0, 0, 1))
    assert (first == again).all() and (first != other).any()
    cold = sampled(1e-4, jax.random.key(0)).ids  # temperature is traced: the same program
    assert (cold == greedily_written().ids).all()


def test_one_token_needs_no_step():
    assert (greedily_written(tokens=1).ids == greedily_written().ids[:, :1]).all()


def test_members_write_as_each_alone():
    members = jax.tree.map(lambda a, b: np.stack([a, b]), PARAMS, random_params(NET, 5))

    def writes(params):
        key = jax.random.key(0)
        return generation.generate(WRITER, params, IDS, MASK, key, tokens=7, stop=(99, 99)).ids

    together = jax.jit(jax.vmap(writes))(members)
    assert (together[0] == greedily_written().ids).all()
    assert (together[1] != together[0]).any()


def test_the_nucleus_is_the_fewest_likeliest_tokens():
    p = np.array([[0.5, 0.1, 0.3, 0.1], [0.05, 0.9, 0.03, 0.02]])
    kept = {
        0.45: [[0], [1]],  # 0.5 and 0.9 are enough alone
        0.6: [[0, 2], [1]],  # 0.5 is not, with 0.3 it is
        0.88: [[0, 1, 2], [1]],  # of two equals the first is enough
        0.92: [[0, 1, 2, 3], [0, 1]],
        1e-30: [[0], [1]],
    }
    for top_p, tokens in kept.items():
        found = np.isfinite(jax.jit(generation.nucleus)(np.log(p), top_p))
        assert [np.flatnonzero(row).tolist() for row in found] == tokens
    draw = jax.jit(jax.vmap(generation.sampled(1.0, 0.6), in_axes=(None, 0)))
    draws = draw(np.log(p[:1]), jax.random.split(jax.random.key(0), 60))
    assert set(np.asarray(draws).ravel().tolist()) == {0, 2}


def test_the_nucleus_of_equals_is_not_all_of_them():
    found = np.isfinite(generation.nucleus(jnp.zeros((1, 8)), 0.5))  # 4 × 1/8
    assert found.tolist() == [[True] * 4 + [False] * 4]


@pytest.mark.parametrize("half", [jnp.float16, jnp.bfloat16])
def test_the_nucleus_of_halves_is_summed_in_single(half):
    # 1,000 equal tokens: 900 have 9/10; summed in eight bits they would stay at 1/4
    kept = np.isfinite(jax.jit(generation.nucleus)(jnp.zeros((1, 1000), half), 0.9))
    assert abs(int(kept.sum()) - 900) <= 1 and kept[0, :899].all()
    # 8 and 7.9 at T = 1e-4 are 80,000 and 79,000, which no float16 is
    choose = generation.sampled(1e-4)
    assert choose(jnp.array([[7.9, 8.0, 1.0]], half), jax.random.key(0)).tolist() == [1]


HOSTILE = jnp.array([
    [0, np.nan, 9, 1], [-np.inf] * 4, [9, np.inf, 0, np.inf], [np.nan, np.inf, 0, 0], [0, 0, 0, 9],
])  # fmt: skip


@pytest.mark.parametrize("top_p", [1.0, 0.9, 0.3])
def test_no_token_is_drawn_where_none_is_possible(top_p):
    draw = jax.jit(jax.vmap(generation.sampled(1.0, top_p), in_axes=(None, 0)))
    drawn = np.asarray(draw(HOSTILE, jax.random.split(jax.random.key(3), 40)))
    sure = {1} if top_p == 0.3 else {1, 3}  # each of the two has ½
    assert [set(row.tolist()) for row in drawn.T] == [{-1}, {-1}, sure, {-1}, {3}]
    assert generation.greedy(HOSTILE, None).tolist() == [-1, -1, 1, -1, 3]
    kept = np.asarray(generation.nucleus(HOSTILE, 0.5))
    assert np.isnan(kept[[0, 3]]).any(1).all() and (kept[1] == -np.inf).all()


@pytest.mark.parametrize("temperature", [0, 0.0, -1.0, np.nan, np.inf, 1e39, 1e-310])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises(InputError, match="temperature is .*expected.*generation.greedy"):
        generation.sampled(temperature)


@pytest.mark.parametrize("top_p", [0, -0.5, 1.5, np.nan])
def test_a_share_that_is_none_is_refused(top_p):
    with pytest.raises(InputError, match="top_p is .*expected above 0"):
        generation.sampled(1.0, top_p)


class Failing:
    """A writer whose logits say token 1, and are NaN in the second row from the third on."""

    def empty(self, batch, size):
        return jnp.int32(0)

    def prepare(self, params, cache):
        return params, cache

    def step(self, params, ids, mask, cache):
        lost = (jnp.arange(len(ids)) == 1) & (cache >= 2)
        return jnp.where(lost[:, None], jnp.nan, jnp.array([0.0, 1.0, 0.5])), cache + 1


@pytest.mark.parametrize("choose", [generation.greedy, generation.sampled(1e-3)])
def test_a_text_ends_where_logits_are_no_numbers(choose):
    ids = np.ones((2, 1), int)
    write = jax.jit(functools.partial(generation.generate, Failing(), tokens=4, choose=choose))
    found = write({}, ids, ids > 0, jax.random.key(0))
    assert found.ids.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]] and found.lengths.tolist() == [4, 2]
