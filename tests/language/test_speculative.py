"""Speculative sampling writes by the teacher's distribution and accepts what theory says."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_llama import APPLY, NET, PARAMS, random_params

from kd_jax.language import speculative
from kd_jax.language.speculative import Side

V, N = 3, 2  # words and drafts of the enumeration
PREFIXES = [word for n in range(N + 1) for word in itertools.product(range(V), repeat=n)]
STUDENT = random_params(NET, 5)
IDS, MASK = np.array([[0, 3, 1], [4, 1, 5]]), np.array([[False, True, True], [True] * 3])


def tables(seed):
    """A distribution of the next word after each prefix; the first has a word of probability 0."""
    random = np.random.default_rng(seed)
    found = {prefix: random.dirichlet(np.full(V, 3.0)) for prefix in PREFIXES}
    found[()][seed] = 0
    found[()] /= found[()].sum()
    return found


P, Q = tables(0), tables(1)


def before(table, drafts, count):
    with np.errstate(divide="ignore"):
        return np.log(np.float32([table[drafts[:n]] for n in range(count)]))


def outcomes():
    """(probability, accepted drafts, probabilities of the token after them) of all drafts."""
    for drafts in itertools.product(range(V), repeat=N):
        drawn = np.prod([Q[drafts[:n]][drafts[n]] for n in range(N)])
        log_p, log_q = before(P, drafts, N + 1), before(Q, drafts, N)
        if drawn > 0:
            kept = np.float64(speculative.chances(log_p[:-1], log_q, np.array(drafts)))
            instead = [*np.float64(speculative.residual(log_p[:-1], log_q)), P[drafts]]
            for accepted in range(N + 1):
                refused = 1 - kept[accepted] if accepted < N else 1
                chance = drawn * np.prod(kept[:accepted]) * refused
                yield chance, drafts[:accepted], instead[accepted]


def test_all_outcomes_together_are_the_teacher_s_distribution():
    """Of three words: those of one call, and by the teacher's own hand what is missing."""
    found = dict.fromkeys(itertools.product(range(V), repeat=N + 1), 0.0)
    for chance, accepted, instead in outcomes():
        for text in found:
            if text[: len(accepted)] == accepted:
                rest = range(len(accepted) + 1, N + 1)
                own = np.prod([P[text[:n]][text[n]] for n in rest])
                found[text] += chance * instead[text[len(accepted)]] * own
    for text, chance in found.items():
        expected = np.prod([P[text[:n]][text[n]] for n in range(N + 1)])
        assert chance == pytest.approx(expected, abs=1e-6), text


def test_what_is_drawn_has_these_frequencies():
    """Within four standard deviations in 20,000 draws; the first draft is kept with Σ min(p, q)."""
    draws = 20_000
    drafting, verifying = jax.random.split(jax.random.key(0))

    def log_of(table, drafts, count):
        rows = [jnp.log(jnp.array(table[()]))]
        for n in range(1, count):
            flat = jnp.array([table[p] for p in itertools.product(range(V), repeat=n)])
            number = sum(drafts[m] * V ** (n - 1 - m) for m in range(n))
            rows.append(jnp.log(flat[number]))
        return jnp.stack(rows)

    def one(drafting, verifying):
        drafts: list = []
        for n in range(N):
            log_q = log_of(Q, drafts, n + 1)[n]
            drafts.append(jax.random.categorical(jax.random.fold_in(drafting, n), log_q))
        new = jnp.stack(drafts)
        log_p, log_q = log_of(P, drafts, N + 1), log_of(Q, drafts, N)
        return speculative.verified(verifying, log_p, log_q, new)

    each = jax.jit(jax.vmap(one))(
        jax.random.split(drafting, draws), jax.random.split(verifying, draws)
    )
    for accepted in range(N + 1):
        expected = sum(c * x for c, kept, x in outcomes() if len(kept) == accepted)
        counts = np.bincount(each.token[each.accepted == accepted], minlength=V)
        close = 4 * np.sqrt(expected * (1 - expected) / draws) + 1e-6
        assert (np.abs(counts / draws - expected) <= close).all()
    first = np.mean(np.asarray(each.accepted) > 0)
    share = np.minimum(P[()], Q[()]).sum()
    assert abs(first - share) < 4 * np.sqrt(share * (1 - share) / draws)


def written(student, key, ids=IDS, mask=MASK, **options):
    def run(params, drafter, key):
        return speculative.sample(Side(NET, params), Side(NET, drafter), ids, mask, key, **options)

    return jax.jit(run)(PARAMS, student, key)


def teacher_s(texts):
    """The teacher's distribution of the next word after texts of one length, without a cache."""
    padded = np.zeros((len(texts), 8), int)
    padded[:, : len(texts[0])] = texts
    mask = np.arange(8)[None] < len(texts[0])
    logits, _ = APPLY(PARAMS, {"ids": padded, "mask": np.repeat(mask, len(texts), 0)})
    return np.exp(jax.nn.log_softmax(np.asarray(logits, np.float64)[:, len(texts[0]) - 1]))


def test_two_decoders_write_by_the_teacher_s_distribution():
    """The third word after a prompt, which is read after drafts were refused: 4,000 texts."""
    draws, prompt = 4000, [4, 1, 5]
    ids = np.tile(prompt, (draws, 1))
    found = written(STUDENT, jax.random.key(1), ids, np.ones_like(ids, bool), tokens=3, drafts=2)
    assert (found.lengths == 3).all() and 0.05 < found.accepted.sum() / found.tested.sum() < 0.95
    first = teacher_s([prompt])[0]
    second = teacher_s([[*prompt, a] for a in range(11)])
    third = teacher_s([[*prompt, a, b] for a in range(11) for b in range(11)]).reshape(11, 11, 11)
    texts = first[:, None, None] * second[:, :, None] * third
    for n in range(3):
        expected = texts.sum(tuple(m for m in range(3) if m != n))
        counts = np.bincount(found.ids[:, n], minlength=11)
        close = 4 * np.sqrt(expected * (1 - expected) / draws) + 1e-4
        assert (np.abs(counts / draws - expected) <= close).all(), n
    both = np.bincount(np.asarray(found.ids[:, 1]) * 11 + found.ids[:, 2], minlength=121)
    expected = texts.sum(0).ravel()
    assert (np.abs(both / draws - expected) <= 5 * np.sqrt(expected / draws) + 1e-3).all()


def test_a_teacher_accepts_all_its_own_drafts_and_texts_end():
    found = written(PARAMS, jax.random.key(2), tokens=9, drafts=2)
    assert found.accepted.tolist() == found.tested.tolist() == [6, 6]
    assert found.calls.tolist() == [3, 3] and found.lengths.tolist() == [9, 9]
    stop = int(found.ids[0, 4])  # the second draft of the second call
    ended = written(PARAMS, jax.random.key(2), tokens=9, drafts=2, stop=(stop,))
    first = found.ids[0].tolist().index(stop)
    assert ended.ids[0].tolist() == found.ids[0].tolist()[: first + 1] + [0] * (8 - first)
    assert ended.lengths[0] == first + 1
