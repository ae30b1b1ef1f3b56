"""Identities of the papers, and NumPy or SciPy in float64 as a second opinion."""

import functools

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import kd_jax.losses

from .quick import Compiled, quick_jit

losses = Compiled()
SHAPE = (3, 6)
scores = arrays(np.float64, SHAPE, elements=st.floats(-12, 12, width=32))
labels = arrays(np.int64, SHAPE[:1], elements=st.integers(0, SHAPE[1] - 1))
fractions = st.sampled_from([0.0, 0.05, 0.1, 0.5, 0.9, 1.0])
temperatures = st.sampled_from([0.5, 1.0, 4.0])
generated = hypothesis.settings(max_examples=8, derandomize=True, deadline=None, database=None)


@pytest.fixture(autouse=True, scope="module")
def _double():
    with jax.enable_x64(True):
        yield


def log_softmax(x, temperature=1.0):
    return scipy.special.log_softmax(x / temperature, -1)


def kl(log_p, log_q):
    return np.sum(scipy.special.rel_entr(np.exp(log_p), np.exp(log_q)), -1)


def near(got, want, rtol=1e-9, atol=1e-11):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=atol)


@generated
@hypothesis.given(z=scores, v=scores, y=labels, t=temperatures)
def test_distillation_is_its_two_decoupled_parts(z, v, y, t):
    # KD = TCKD + (1 − p_y) NCKD (Zhao et al. 2022, equation 6), each with T².
    p_label = np.take_along_axis(scipy.special.softmax(v / t, -1), y[:, None], -1)[:, 0]
    target = losses.decoupled(z, v, y, alpha=1.0, beta=0.0, temperature=t)
    others = losses.decoupled(z, v, y, alpha=0.0, beta=1.0, temperature=t)
    near(target + (1 - p_label) * others, losses.soft_targets(z, v, temperature=t), 1e-7)
    near(losses.decoupled(z, v, y, alpha=2.0, beta=3.0, temperature=t), 2 * target + 3 * others)


@generated
@hypothesis.given(z=scores, v=scores, y=labels, t=temperatures)
def test_normalized_by_hand(z, v, y, t):
    def others(x):
        rest = np.stack([np.delete(row, label) for row, label in zip(x, y)])
        return log_softmax(rest, t)

    rows = np.arange(len(y))
    label = -np.exp(log_softmax(v)[rows, y]) * log_softmax(z)[rows, y]
    want = label - 1.5 * t**2 * np.sum(np.exp(others(v)) * others(z), -1)
    near(losses.normalized(z, v, y, gamma=1.5, temperature=t), want)


@quick_jit
def hot_slope(z, v):
    return jax.grad(lambda x: jnp.sum(kd_jax.losses.soft_targets(x, v, temperature=1e4)))(z)


@generated
@hypothesis.given(z=scores, v=scores)
def test_hot_distillation_matches_logits(z, v):
    # T² KL is ½ mean of the squared difference of centered logits, up to terms in |z|³/T: at
    # T = 10⁴ and |z| ≤ 12, with a difference of up to 24, about 24² · 12 / 10⁴ < 1.
    hot = losses.soft_targets(z, v, temperature=1e4)
    near(hot, losses.logit_matching(z, v), rtol=1e-2, atol=1e-6)
    slope = hot_slope(z, v)
    want = ((z - v) - np.mean(z - v, -1, keepdims=True)) / SHAPE[1]
    near(slope, want, rtol=1e-2, atol=2e-3)


def test_distillation_at_100_is_close_to_matching_logits():
    rng = np.random.default_rng(0)
    z, v = rng.normal(size=(2, 8, 10))
    near(losses.soft_targets(z, v, temperature=100.0), losses.logit_matching(z, v), rtol=0.02)


@generated
@hypothesis.given(z=scores, v=scores, t=temperatures)
def test_divergences_against_scipy(z, v, t):
    log_p, log_q = log_softmax(v, t), log_softmax(z, t)
    near(losses.forward_kl(z, v, temperature=t), kl(log_p, log_q), atol=1e-10)
    near(losses.reverse_kl(z, v, temperature=t), kl(log_q, log_p), atol=1e-10)
    near(losses.soft_targets(z, v, temperature=t), t**2 * kl(log_p, log_q), atol=1e-9)
    # SciPy's distance is the root of the divergence at ½.
    root = scipy.spatial.distance.jensenshannon(np.exp(log_p), np.exp(log_q), axis=-1)
    near(losses.jensen_shannon(z, v, temperature=t), root**2, rtol=1e-7, atol=1e-10)


@functools.cache
def known_jensen_shannon(beta):
    return quick_jit(functools.partial(kd_jax.losses.jensen_shannon, beta=beta))


@generated
@hypothesis.given(z=scores, v=scores, beta=fractions)
def test_jensen_shannon(z, v, beta):
    p, q = np.exp(log_softmax(v)), np.exp(log_softmax(z))
    value = losses.jensen_shannon(z, v, beta=beta)
    if beta in (0, 1):
        near(value, (losses.forward_kl if beta == 0 else losses.reverse_kl)(z, v))
    else:
        m = beta * p + (1 - beta) * q
        divergence = scipy.special.rel_entr
        want = beta * divergence(p, m) + (1 - beta) * divergence(q, m)
        near(value, np.sum(want, -1), atol=1e-10)
        near(losses.jensen_shannon(v, z, beta=1 - beta), value)
        assert np.all(value <= np.log(2) + 1e-12)
    near(known_jensen_shannon(beta)(z, v), value)


@generated
@hypothesis.given(z=scores, v=scores, alpha=fractions)
def test_skewed_divergences(z, v, alpha):
    p, q = np.exp(log_softmax(v)), np.exp(log_softmax(z))
    forward, reverse = (f(z, v, alpha=alpha) for f in (losses.skew_kl, losses.skew_reverse_kl))
    near(forward, np.sum(scipy.special.rel_entr(p, alpha * p + (1 - alpha) * q), -1), atol=1e-10)
    near(reverse, np.sum(scipy.special.rel_entr(q, (1 - alpha) * p + alpha * q), -1), atol=1e-10)
    near(losses.skew_reverse_kl(v, z, alpha=alpha), forward)
    if alpha:
        assert np.all(forward <= -np.log(alpha) + 1e-12)


@generated
@hypothesis.given(z=scores, v=scores)
def test_total_variation_bounds(z, v):
    value = losses.total_variation(z, v)
    near(value, 0.5 * np.sum(np.abs(np.exp(log_softmax(z)) - np.exp(log_softmax(v))), -1))
    near(losses.total_variation(v, z), value)
    # Pinsker's inequality.
    assert np.all(value <= np.sqrt(losses.forward_kl(z, v) / 2) + 1e-9)


@generated
@hypothesis.given(z=scores, v=scores, t=temperatures, k=st.integers(1, SHAPE[1]))
def test_top_k_with_its_tail(z, v, t, k):
    full = losses.forward_kl(z, v, temperature=t)
    value = losses.top_k(z, v, k=k, temperature=t)
    assert np.all(value <= full + 1e-10) and np.all(value >= -1e-12)
    if k >= SHAPE[1] - 1:
        # A tail of one token, or of none, loses nothing.
        near(value, full, atol=1e-10)
    p, q = np.exp(log_softmax(v, t)), np.exp(log_softmax(z, t))
    order = np.argsort(-v, -1, kind="stable")
    p, q = (np.take_along_axis(x, order, -1) for x in (p, q))
    buckets = [np.concatenate([x[:, :k], x[:, k:].sum(-1, keepdims=True)], -1) for x in (p, q)]
    near(value, np.sum(scipy.special.rel_entr(*buckets), -1), rtol=1e-6, atol=1e-10)


@generated
@hypothesis.given(z=scores, v=scores, k=st.integers(1, SHAPE[1]))
def test_a_cache_of_the_top_k_tokens_is_as_good_as_all_logits(z, v, k):
    log_p = log_softmax(v)
    tokens = np.argsort(-v, -1, kind="stable")[:, :k]
    value = losses.cached_top_k(z, np.take_along_axis(log_p, tokens, -1), tokens)
    near(value, losses.top_k(z, v, k=k), atol=1e-10)
    # by hand: the student's other tokens one by one, in any order
    want = []
    for row, kept in enumerate(tokens):
        q, p = np.exp(log_softmax(z))[row], np.exp(log_p)[row]
        others = [c for c in range(SHAPE[1]) if c not in kept]
        terms = [p[c] * np.log(p[c] / q[c]) for c in kept]
        tail = scipy.special.rel_entr(sum(p[c] for c in others), sum(q[c] for c in others))
        want.append(sum(terms) + tail)
    near(value, want, atol=1e-10)


def test_a_cache_that_does_not_fit_is_refused():
    z, log_p, tokens = np.zeros((2, 5)), np.full((2, 3), -2.0), np.array([[0, 1, 2], [4, 3, 2]])
    for bad, said in (
        ((z, log_p[:, :2], tokens), "tokens have shape"),
        ((z, log_p, tokens + 1), "tokens run from 1 to 5: expected 0 to 4"),
        ((z, log_p, tokens * 1.0), "expected whole numbers"),
        ((z[:, :2], log_p, tokens), "the student's longer"),
    ):
        with pytest.raises(ValueError, match=said):
            kd_jax.losses.cached_top_k(*bad)


def test_a_tail_too_small_for_one_minus_the_head():
    # q = (1, e⁻⁶⁰, e⁻⁶⁰) has a head that rounds to 1, so 1 − q_0 would give log 0 for its tail.
    v, z = np.zeros((1, 3)), np.array([[0.0, -60.0, -60.0]])
    want = np.log(1 / 3) / 3 + 2 / 3 * (np.log(2 / 3) - (np.log(2) - 60))
    near(losses.top_k(z, v, k=1), [want])


@generated
@hypothesis.given(z=scores, v=scores, order=st.permutations(range(SHAPE[1])))
def test_universal_logit_forgets_the_tokens(z, v, order):
    value = losses.universal_logit(z, v)
    near(losses.universal_logit(z[:, list(order)], v), value)
    # Sorted probabilities on a line: B times Wasserstein-1 between the two lists of B values.
    p, q = scipy.special.softmax(v, -1), scipy.special.softmax(z, -1)
    want = [SHAPE[1] * scipy.stats.wasserstein_distance(a, b) for a, b in zip(p, q)]
    near(value, want, atol=1e-9)


@generated
@hypothesis.given(z=scores)
def test_standardized_logits(z):
    z = z + np.arange(SHAPE[1])
    got = losses.standardize_logits(z)
    near(got, scipy.stats.zscore(z, -1, ddof=1), rtol=1e-4, atol=1e-5)
    near(losses.standardize_logits(np.full((2, 3), 1.1)), np.zeros((2, 3)), atol=0)


@pytest.mark.parametrize("t", [1.0, 3.0])
def test_dist_against_scipy(t):
    z, v = np.random.default_rng(2).normal(size=(2, 7, 5))
    q, p = scipy.special.softmax(z / t, -1), scipy.special.softmax(v / t, -1)
    rows = np.mean([scipy.stats.pearsonr(a, b)[0] for a, b in zip(q, p)])
    columns = np.mean([scipy.stats.pearsonr(a, b)[0] for a, b in zip(q.T, p.T)])
    want = t**2 * (2 * (1 - rows) + 3 * (1 - columns))
    near(losses.dist(z, v, beta=2.0, gamma=3.0, temperature=t), want, rtol=1e-6)


def test_contrastive_in_logarithms_does_not_overflow():
    rng = np.random.default_rng(1)
    unit = [x / np.linalg.norm(x, axis=-1, keepdims=True) for x in rng.normal(size=(2, 4, 3))]
    banks = [x / np.linalg.norm(x, axis=-1, keepdims=True) for x in rng.normal(size=(2, 9, 3))]
    indices = rng.integers(0, 9, (4, 6))
    call = [x.astype(np.float32) for x in (*unit, *banks)] + [indices]
    with jax.enable_x64(False):
        # exp(1/0.005) is e²⁰⁰, beyond float32.
        assert np.all(np.isfinite(losses.contrastive(*call, temperature=0.005)))
    z = [float(x) for x in losses.contrastive_constants(*unit, *banks, indices)]
    given = losses.contrastive(*unit, *banks, indices, z_student=z[0], z_teacher=z[1])
    near(given, losses.contrastive(*unit, *banks, indices))
    swapped = losses.contrastive(*unit[::-1], *banks[::-1], indices, z_student=z[1], z_teacher=z[0])
    near(given, swapped)


@pytest.mark.parametrize("size, pooled", [((28, 28), (14, 7)), ((6, 7), (3, 3)), ((5, 4), (1, 2))])
def test_adaptive_pooling_averages_its_windows(size, pooled):
    """Entry j of l averages the entries ⌊jn/l⌋ to ⌈(j + 1)n/l⌉ of n, in float64."""
    maps = np.random.default_rng(3).normal(size=(2, *size, 3))
    rows, columns = (
        [range(j * n // m, -(-(j + 1) * n // m)) for j in range(m)] for n, m in zip(size, pooled)
    )
    want = [[maps[:, r][:, :, c].mean((1, 2)) for c in columns] for r in rows]
    got = kd_jax.losses._math.pool(jnp.asarray(maps, jnp.float32), *pooled)
    np.testing.assert_allclose(got, np.transpose(want, (2, 0, 1, 3)), rtol=1e-5, atol=1e-6)
