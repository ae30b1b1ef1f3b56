"""Edges of logits and coefficients: −∞ is probability 0 and adds 0, NaN shows, scalars are scalars.

The oracle is float64 NumPy and SciPy on probabilities, whose exp(−∞) is 0 by itself; 0 log 0 is 0.
"""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import rel_entr, softmax, xlogy

from kd_jax import losses

from .contract import BATCH, CLASSES, ROWS
from .harness import assert_finite, assert_near, call, compiled, normal
from .quick import quick_jit

NONE = -np.inf
STUDENT, TEACHER = (normal(seed)(BATCH, CLASSES) for seed in (50, 51))
LABELS = np.array([0, 2, 4, 1])


def excluded(scores, *places):
    """The scores with −∞ at some places (row, class)."""
    scores = np.array(scores)
    for row, number in places:
        scores[row, number] = NONE
    return scores


# one class (the label's), several, all but one, none
SOME = excluded(TEACHER, (0, 0), (1, 0), (1, 3), (2, 0), (2, 1), (2, 2), (2, 3))
# {what: (student, teacher)}; where the student too excludes classes, the teacher excludes them
GIVEN = {
    "teacher": (STUDENT, SOME),
    "both": (excluded(STUDENT, (0, 0), (1, 3), (2, 0), (2, 1), (2, 2), (2, 3)), SOME),
}


def kl(p, q):
    return np.sum(rel_entr(p, q), -1)


def mixed(weight):
    return lambda p, q, y: kl(p, weight * p + (1 - weight) * q)


def jensen_shannon(p, q, y):
    m = 0.3 * p + 0.7 * q
    return 0.3 * kl(p, m) + 0.7 * kl(q, m)


def top_2(p, q, y):
    order = np.argsort(-p, -1, kind="stable")
    p, q = (np.take_along_axis(x, order, -1) for x in (p, q))
    coarse = [np.c_[x[:, :2], x[:, 2:].sum(-1)] for x in (p, q)]
    return kl(*coarse)


def parts(p, y):
    """p_y, the others' mass, and the distribution among them (0 where they have none)."""
    rows = np.arange(len(y))
    others = np.array(p)
    others[rows, y] = 0
    rest = others.sum(-1)
    return p[rows, y], rest, others / np.where(rest > 0, rest, 1)[:, None]


def decoupled(p, q, y):
    (p_y, p_rest, p_hat), (q_y, q_rest, q_hat) = parts(p, y), parts(q, y)
    return rel_entr(p_y, q_y) + rel_entr(p_rest, q_rest) + 8 * kl(p_hat, q_hat)


def normalized(p, q, y):
    (p_y, _, p_hat), (q_y, _, q_hat) = parts(p, y), parts(q, y)
    return -xlogy(p_y, q_y) - 1.5 * np.sum(xlogy(p_hat, q_hat), -1)


def dist(p, q, y):
    def correlations(a, b):
        a, b = (x - x.mean(-1, keepdims=True) for x in (a, b))
        return np.sum(a * b, -1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1) + 1e-8)

    return 2 - correlations(p, q).mean() - correlations(p.T, q.T).mean()


def sorted_distance(p, q, y):
    return np.sum(np.abs(np.sort(p, -1) - np.sort(q, -1)), -1)


# {loss: (its T in the contract, its value from p, q and y at that T)}
OF_PROBABILITIES = {
    "decoupled": (2, lambda *x: 4 * decoupled(*x)),
    "dist": (2, lambda *x: 4 * dist(*x)),
    "forward_kl": (2, lambda p, q, y: kl(p, q)),
    "jensen_shannon": (2, jensen_shannon),
    "normalized": (1, normalized),
    "reverse_kl": (2, lambda p, q, y: kl(q, p)),
    "skew_kl": (1, mixed(0.1)),
    "skew_reverse_kl": (1, lambda p, q, y: kl(q, 0.1 * q + 0.9 * p)),
    "soft_targets": (2, lambda p, q, y: 4 * kl(p, q)),
    "top_k": (2, top_2),
    "total_variation": (1, lambda p, q, y: 0.5 * np.sum(np.abs(p - q), -1)),
    "universal_logit": (1, sorted_distance),
}
LABELED = {"decoupled", "normalized"}


def given_to(name, student, teacher):
    return [student, teacher, LABELS] if name in LABELED else [student, teacher]


@pytest.mark.parametrize("what", GIVEN)
@pytest.mark.parametrize("name", OF_PROBABILITIES)
def test_an_excluded_class_has_probability_0_and_adds_0(name, what):
    temperature, oracle = OF_PROBABILITIES[name]
    q, p = (softmax(np.float64(x) / temperature, -1) for x in GIVEN[what])
    values, gradients = compiled(name)(given_to(name, *GIVEN[what]))
    want = oracle(p, q, LABELS)
    assert name == "reverse_kl" or np.isfinite(want).all()
    np.testing.assert_allclose(values, want, rtol=2e-5, atol=1e-6)
    assert_finite(gradients)
    if name == "soft_targets":  # ∂/∂z = T (q − p), each example's value weighted by its number
        np.testing.assert_allclose(gradients[0], 2 * (q - p) * [[1], [2], [3], [4]], atol=1e-5)


@pytest.mark.parametrize("what", GIVEN)
def test_a_cache_may_hold_excluded_tokens(what):
    student, teacher = GIVEN[what]
    p, q = softmax(np.float64(teacher), -1), softmax(np.float64(student), -1)
    tokens = np.argsort(-p, -1, kind="stable")[:, :2]
    with np.errstate(divide="ignore"):
        cached = np.log(np.take_along_axis(p, tokens, -1)).astype(np.float32)
    values, gradients = compiled("cached_top_k")([student, cached, tokens])
    np.testing.assert_allclose(values, top_2(p, q, LABELS), rtol=1e-4, atol=1e-6)
    assert_finite(gradients)


@pytest.mark.parametrize("what", GIVEN)
def test_excluded_classes_are_not_matched(what):
    student, teacher = (np.float64(x) for x in GIVEN[what])
    want = []
    for z, v in zip(student, teacher):
        difference = z[v > NONE] - v[v > NONE]
        want.append(0.5 * np.mean((difference - difference.mean()) ** 2))
    values, gradients = compiled("logit_matching")(list(GIVEN[what]))
    assert_near(values, np.array(want))
    assert_finite(gradients)
    assert not np.any(gradients[0][teacher == NONE])


def test_excluded_classes_stay_when_logits_are_standardized():
    found, _ = compiled("standardize_logits")([SOME])
    assert np.array_equal(found == NONE, SOME == NONE)
    for row, scores in zip(np.asarray(found), np.float64(SOME)):
        scores, row = scores[scores > NONE], row[row > NONE]
        deviation = scores.std(ddof=1) if len(scores) > 1 else 1
        np.testing.assert_allclose(row, (scores - scores.mean()) / deviation, atol=1e-5)


def test_classes_that_a_student_excludes():
    """−log q_y is finite while the label is allowed; what asks for every class is infinite then."""
    z = excluded(STUDENT, (0, 1), (1, 0), (1, 3))
    log_q = np.log(softmax(np.float64(STUDENT), -1))
    for row in (0, 1):
        allowed = np.exp(np.float64(z[row]))
        log_q[row, LABELS[row]] = np.log(allowed[LABELS[row]] / allowed.sum())
    values, gradients = compiled("cross_entropy")([z, LABELS])
    assert_near(values, -log_q[np.arange(BATCH), LABELS])
    assert_finite(gradients)
    for name in ("label_smoothing", "teacher_free"):
        values, gradients = compiled(name)([z, LABELS])
        assert np.isinf(values[:2]).all() and np.isfinite(values[2:]).all()
        assert_finite(gradients[0][2:])
    plain = quick_jit(functools.partial(losses.label_smoothing, epsilon=0.0))(z, LABELS)
    np.testing.assert_allclose(plain, -log_q[np.arange(BATCH), LABELS], rtol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", sorted([*OF_PROBABILITIES, "logit_matching"]))
def test_what_is_no_logit_shows_in_its_example_alone(name, value):
    spoiled = np.array(TEACHER)
    spoiled[1, 3] = value
    values, _ = compiled(name)(given_to(name, STUDENT, spoiled))
    assert np.isnan(values[1] if values.ndim else values)
    if values.ndim:
        kept = np.array([True, False, True, True])
        assert np.isfinite(values[kept]).all()
        masked, gradients = compiled(name)(given_to(name, STUDENT, spoiled), kept)
        assert masked[1] == 0
        assert_finite(masked, gradients)


OTHERS = {*LABELED, "teacher_free", "dist"}  # need two classes, or correlate


@pytest.mark.parametrize("name", [x for x in ROWS if ROWS[x].classes and x not in OTHERS])
def test_one_class_is_certain(name):
    arrays = [x[:, :1] if x.ndim > 1 else 0 * x for x in ROWS[name].make(normal(52))]
    keywords = {"k": 1} if name == "top_k" else {}
    found = quick_jit(lambda *x: call(name, x, **keywords))(*arrays)
    assert_near(found, np.zeros(BATCH))


# --- coefficients

NO_COEFFICIENTS = {"where", "k", "power", "order", "chunk", "bias_s", "bias_t"}
COEFFICIENTS = [
    (name, parameter)
    for name in ROWS
    for parameter, about in inspect.signature(getattr(losses, name)).parameters.items()
    if about.kind == about.KEYWORD_ONLY and parameter not in NO_COEFFICIENTS
]


@pytest.mark.parametrize("name, parameter", COEFFICIENTS)
def test_a_coefficient_is_one_finite_number(name, parameter):
    arrays = ROWS[name].make(normal(53))

    def given(value):
        return jax.eval_shape(lambda x: call(name, x, **{parameter: value}), arrays)

    several = np.full(CLASSES, 0.5, np.float32)  # as many as classes, over which they would spread
    for bad in (several, several[:1], several[:, None], jnp.asarray(several), "a", np.nan, 1e39):
        with pytest.raises(ValueError, match=f"{parameter[0]}.* is .*expected"):
            given(bad)
    with pytest.raises(ValueError, match="expected one number"):
        jax.eval_shape(lambda x, n: call(name, x, **{parameter: n}), arrays, several)
    if parameter == "temperature":
        for bad in (1e20, 1e-20, 1e-310):  # T² or 1/T² is not finite in float32
            with pytest.raises(ValueError, match="temperature is .*its square is taken"):
                given(bad)
        given(np.int32(50_000))  # whose square no int32 holds


# --- what a mask leaves out is not looked at

MASKED = ["cross_entropy", "label_smoothing", "teacher_free", "decoupled", "normalized"]
MASKED += ["cached_top_k", "contrastive"]


@pytest.mark.parametrize("name", MASKED)
def test_numbers_of_classes_and_rows_that_a_mask_leaves_out_may_be_any(name):
    *arrays, numbers = ROWS[name].make(normal(54))
    kept = np.array([True, False, True, True])
    padded = np.array(numbers)
    padded[1] = -100
    want, _ = compiled(name)([*arrays, numbers], kept)
    traced, _ = compiled(name)([*arrays, padded], kept)
    assert_near(traced, want)
    # known while tracing, the mask too or not
    shape = jax.eval_shape(lambda x: call(name, [*x, padded], kept), arrays).shape
    assert shape == want.shape
    assert jax.eval_shape(lambda x, w: call(name, [*x, padded], w), arrays, kept).shape == shape
    for mask in (None, ~kept):
        with pytest.raises(ValueError, match="run from -100 to"):
            jax.eval_shape(lambda x, w=mask: call(name, [*x, padded], w), arrays)
