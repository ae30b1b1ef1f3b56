"""Features of any size: losses are what float64 says, and NaN is never taken for a 0."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax, rel_entr

from kd_jax import losses

from .contract import ROWS
from .harness import assert_near, call, compiled, normal
from .quick import quick_jit

FREE = [
    "attention_transfer", "attention_transfer_paper", "factor_transfer", "neuron_selectivity",
    "probabilistic_transfer", "relational_angle", "relational_distance", "similarity_preserving",
]  # fmt: skip


@pytest.mark.parametrize("name", FREE)
@pytest.mark.parametrize("exponent", [66, 100, 124])  # 7e19, 1e30, 2e37
def test_a_loss_free_of_scale_is_the_same_of_huge_features(name, exponent):
    arrays = ROWS[name].make(normal(7))
    want, slopes = compiled(name)(arrays)
    found, gradients = compiled(name)([np.ldexp(x, exponent) for x in arrays])
    assert_near(found, want)
    if exponent < 124:  # where gradients are no longer normal numbers
        assert_near(np.ldexp(np.float64(gradients[0]), exponent), slopes[0])


@pytest.mark.as_users
@pytest.mark.parametrize("exponent", [0, 33, 50, 100])
@pytest.mark.parametrize("name", FREE)
def test_a_compiled_loss_of_huge_features_is_the_eager_one(name, exponent):
    """A difference of equal rows is 0, also where the compiler joins it with a product."""
    arrays = [np.ldexp(x, exponent) for x in ROWS[name].make(normal(7))]
    found, want = (way(lambda *x: call(name, x))(*arrays) for way in (jax.jit, lambda f: f))
    assert_near(found, want)


@pytest.mark.parametrize("name", [n for n, row in ROWS.items() if row.result != "array"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_shows_in_its_example_alone(name, value):
    row, arrays = ROWS[name], ROWS[name].make(normal(9))
    want = np.asarray(compiled(name)(arrays)[0])
    for place in {0, *row.teacher} - set(row.shared):
        given = [np.array(x) for x in arrays]
        given[place][2].flat[0] = value
        found = np.asarray(compiled(name)(given)[0])
        if row.result == "batch":
            found, want = found[None], want[None]
        lost = found[2 if row.result == "example" else 0]
        assert np.isnan(lost) or (value == np.inf and np.isinf(lost)), place
        if row.result == "example":
            np.testing.assert_array_equal(np.delete(found, 2), np.delete(want, 2))


# --- values and gradients of the weighted sum by hand in float64, where float32 squares overflow

WEIGHTS = np.arange(1.0, 5)
HUGE = [(0, 0), (100, 100), (100, -100), (66, 40), (-40, -20), (-100, -100), (124, 2)]


def as_float32_has(found, want):
    """Within float32's rounding of the largest number of each array, infinite where it is not."""
    for got, exact in zip(jax.tree.leaves(found), jax.tree.leaves(want), strict=True):
        got, exact = np.float64(got), np.asarray(exact, np.float64)
        beyond = np.abs(exact) > 3.4e38
        np.testing.assert_array_equal(got[beyond], np.sign(exact[beyond]) * np.inf)
        largest = np.abs(exact[~beyond]).max(initial=1e-36)  # below it numbers lose their digits
        np.testing.assert_allclose(got[~beyond], exact[~beyond], rtol=0, atol=1e-5 * largest)


@pytest.mark.parametrize("exponents", HUGE, ids=str)
def test_flow_of_huge_and_of_tiny_maps(exponents):
    random = normal(7)
    given = [np.ldexp(random(4, 3, 3, 2), exponents[n % 2]) for n in range(4)]
    first, second, *teacher = (np.float64(x) for x in given)
    d = (np.einsum("bhwi,bhwj->bij", first, second) - np.einsum("bhwi,bhwj->bij", *teacher)) / 9
    to_flow = (WEIGHTS / 4 * 2)[:, None, None] * d / 9
    by_first = np.einsum("bij,bhwj->bhwi", to_flow, second)
    by_second = np.einsum("bij,bhwi->bhwj", to_flow, first)
    found, gradients = compiled("flow")(given)
    as_float32_has((found, gradients[:2]), ((d**2).mean((1, 2)), (by_first, by_second)))


@pytest.mark.parametrize("exponent", [0, 12, 30, 40, 100, -30, -100])
def test_congruence_of_huge_and_of_tiny_features(exponent):
    random = normal(7)
    given = [np.ldexp(random(4, 6), exponent) for _ in range(2)]
    s, t = (np.float64(x) for x in given)
    grams, c = (s @ s.T, t @ t.T), [math.exp(-0.8) * w for w in (0.8, 0.32)]
    # the terms of p = 0 are the same, and float64 would lose what is added to them
    d = sum(w * (grams[0] ** p - grams[1] ** p) for p, w in enumerate(c, 1))
    length = np.sqrt(np.sum(np.square(d / np.abs(d).max()))) * np.abs(d).max()
    to_gram = d / length * (c[0] + 2 * c[1] * grams[0]) / 16
    found, gradients = compiled("correlation_congruence")(given)
    as_float32_has((found, gradients[0]), (length / 16, 2 * to_gram @ s))


def test_congruence_of_any_order_and_gamma():
    x, y = normal(7)(4, 6), normal(8)(4, 6)
    for order, gamma, exponent in [(0, 0.4, 100), (1, 0.4, 60), (5, 0.4, 3), (2, 1e30, 0)]:
        given = np.ldexp(x, exponent), np.ldexp(y, exponent)
        s, t = (np.float64(z) @ np.float64(z).T for z in given)
        weights = [math.exp(-2 * gamma) * (2 * gamma) ** p / math.factorial(p) for p in range(6)]
        d = sum(weights[p] * (s**p - t**p) for p in range(1, order + 1)) + 0 * s
        loss = functools.partial(losses.correlation_congruence, gamma=gamma, order=order)
        as_float32_has(quick_jit(loss)(*given), np.linalg.norm(d) / 16)


@pytest.mark.parametrize(
    "exponents", [(0, 0), (100, 100), (100, -100), (66, 40), (124, 2), (0, 124), (62, 60)], ids=str
)
def test_logits_that_are_read_off_huge_states(exponents):
    given = [np.ldexp(x, exponents[n % 2]) for n, x in enumerate(ROWS["chunked"].make(normal(7)))]
    hidden, head, *teacher = (np.float64(x) for x in given)
    log_q, log_p = (log_softmax(h @ w / 2, -1) for h, w in ((hidden, head), teacher))
    q, p = np.exp(log_q), np.exp(log_p)
    slopes = WEIGHTS[:, None] * (q - p) / 2
    values = np.sum(np.where(p > 0, p * (log_p - log_q), 0), -1)
    found, gradients = compiled("chunked")(given)
    as_float32_has((found, gradients[:2]), (values, (slopes @ head.T, hidden.T @ slopes)))


def test_a_soft_cap_of_infinite_logits_is_the_cap():
    given = [np.ldexp(x, 100) for x in ROWS["chunked"].make(normal(7))]
    z, v = (np.float64(h) @ np.float64(w) for h, w in (given[:2], given[2:]))
    log_q, log_p = (log_softmax(1.5 * np.sign(x), -1) for x in (z, v))
    caps = {"soft_cap_s": 1.5, "soft_cap_t": 1.5}
    values, gradients = jax.value_and_grad(
        lambda cap: jnp.sum(losses.chunked(losses.forward_kl, *given, **caps | {"soft_cap_s": cap}))
    )(1.5)
    slope = np.sum((np.exp(log_q) - np.exp(log_p)) * np.sign(z))
    as_float32_has((values, gradients), (rel_entr(np.exp(log_p), np.exp(log_q)).sum(), slope))


@pytest.mark.parametrize(
    "scales",
    [(1, 1), (1e15, -1e15), (1e15, -20), (1e15, 1), (1e25, 1e30), (1e30, -1e30), (1, -90)],
    ids=str,
)
def test_information_of_huge_and_of_tiny_features_and_variances(scales):
    random = normal(7)
    s, t = (np.float32(random(4, 3, 2) * scales[0]) for _ in range(2))
    a = np.float32([scales[1], abs(scales[1]) / 3])
    d, logit = np.float64(s) - np.float64(t), np.float64(a)
    variance = np.logaddexp(0, logit) + 1e-5
    slope = np.exp(-np.logaddexp(0, -logit)) / variance  # of its logarithm by the logit
    each = WEIGHTS[:, None, None] / 6
    values = 0.5 * (d**2 / variance + np.log(variance)).mean((1, 2))
    by_logit = np.sum(each * 0.5 * (1 - d**2 / variance) * slope, (0, 1))
    found, gradients = compiled("variational_information")([s, t, a])
    as_float32_has((found, gradients[0]), (values, each * d / variance))
    as_float32_has(gradients[2], by_logit)


@pytest.mark.parametrize("scale", [1e-3, 1, 1e10, 1e15, 1e30])
def test_standardizing_huge_logits(scale):
    """ẑ = (z − mean z)/(σ + ε); its part along z − mean z does not change the gradient."""
    z = np.float32(normal(7)(4, 5) * scale)
    centered = np.float64(z) - np.float64(z).mean(-1, keepdims=True)
    deviation = centered.std(-1, ddof=1, keepdims=True)
    found = centered / (deviation + 1e-7)
    w = np.arange(1.0, 21).reshape(4, 5)
    along = np.sum(w * found, -1, keepdims=True) * centered / deviation / 4
    want = (w - w.mean(-1, keepdims=True) - along) / (deviation + 1e-7)
    as_float32_has(compiled("standardize_logits")([z]), (found, [want]))
