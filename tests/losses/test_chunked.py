"""chunked is the loss of all logits in value and gradient, and holds those of a few tokens."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax

from kd_jax import losses

from .quick import quick_jit

B, T, D, E, V = 2, 5, 3, 4, 7  # ten tokens
KEPT = np.array([[True, True, False, True, True], [True, False, True, True, False]])
RANDOM = np.random.default_rng(0)
HIDDEN_S, HEAD_S, HIDDEN_T, HEAD_T, BIAS_S, BIAS_T, WEIGHTS = (
    RANDOM.normal(size=shape).astype(np.float32)
    for shape in ((B, T, D), (D, V), (B, T, E), (E, V), (V,), (V,), (B, T))
)
STATES = HIDDEN_S, HEAD_S, HIDDEN_T, HEAD_T


def kl(log_p, log_q):
    return np.sum(np.exp(log_p) * (log_p - log_q), -1, keepdims=True)


# Value and gradient of the student's scores z/T by hand. With q = softmax(z/T), dq_c = q_c (dz_c −
# Σ q dz): the gradient is q_c (g_c − Σ q g) of the loss's derivatives g by q.


def forward(log_p, log_q):  # g = −p/q
    return kl(log_p, log_q), np.exp(log_q) - np.exp(log_p)


def reverse(log_p, log_q):  # g = log q − log p + 1
    value = kl(log_q, log_p)
    return value, np.exp(log_q) * (log_q - log_p - value)


def jensen(log_p, log_q, beta=0.3):  # m's part of g adds up to a constant: (1 − β)(log q − log m)
    log_m = np.log(beta * np.exp(log_p) + (1 - beta) * np.exp(log_q))
    to_m = kl(log_q, log_m)
    slope = (1 - beta) * np.exp(log_q) * (log_q - log_m - to_m)
    return beta * kl(log_p, log_m) + (1 - beta) * to_m, slope


BY_HAND = {
    losses.forward_kl: (forward, {}),
    losses.reverse_kl: (reverse, {}),
    losses.jensen_shannon: (jensen, {"beta": 0.3}),
}


def wanted(by_hand, arrays, bias_s=0.0, bias_t=0.0, cap=np.inf, temperature=1.0):
    """(values, gradients of Σ WEIGHTS values by hidden_s, head_s and bias_s) in float64."""
    hidden_s, head_s, hidden_t, head_t = (np.asarray(x, np.float64) for x in arrays)
    z = hidden_s @ head_s + bias_s
    bent = np.tanh(z / cap) if cap < np.inf else 0 * z
    capped = cap * bent if cap < np.inf else z
    scores = (hidden_t @ head_t + bias_t) / temperature, capped / temperature
    values, slope = by_hand(*(log_softmax(x, -1) for x in scores))
    to_z = (WEIGHTS * KEPT)[..., None] * slope / temperature * (1 - bent**2)
    gradients = to_z @ head_s.T, np.einsum("btd,btv->dv", hidden_s, to_z), to_z.sum((0, 1))
    return values[..., 0] * KEPT, gradients


def found(divergence, arrays, bias_s=None, **options):
    """What chunked gives instead; masked tokens hold NaN."""

    def total(hidden_s, head_s, bias_s, hidden_t, head_t):
        values = losses.chunked(
            divergence, hidden_s, head_s, hidden_t, head_t, bias_s=bias_s, where=KEPT, **options
        )
        return jnp.sum(WEIGHTS * values), values

    hidden_s, head_s, hidden_t, head_t = arrays
    hidden_s, hidden_t = (
        np.where(KEPT[..., None], x, x.dtype.type(np.nan)) for x in (hidden_s, hidden_t)
    )
    moving = (0, 1) if bias_s is None else (0, 1, 2)
    graded = quick_jit(jax.value_and_grad(total, moving, has_aux=True))
    (_, values), gradients = graded(hidden_s, head_s, bias_s, hidden_t, head_t)
    return values, gradients


def near(got, want, tolerance):
    """Within the tolerance of the largest entry: what sums of terms of unlike size are good to."""
    for g, w in zip(got, want):
        np.testing.assert_allclose(
            np.asarray(g, np.float64), w, rtol=0, atol=tolerance * np.abs(w).max()
        )


# ten tokens in one chunk, and in four of which the last two are filled up; backwards the seven
# words are one block, and four of a word with a rest of three
@pytest.mark.parametrize("chunk", [1000, 3])
@pytest.mark.parametrize("divergence", BY_HAND, ids=lambda loss: loss.__name__)
def test_values_and_gradients_by_hand(divergence, chunk):
    by_hand, options = BY_HAND[divergence]
    values, gradients = found(divergence, STATES, chunk=chunk, temperature=2.0, **options)
    want, slopes = wanted(by_hand, STATES, temperature=2.0)
    # 20 roundings of 6e-8 lie between the inputs and a gradient
    near([values, *gradients], [want, *slopes[:2]], 2e-6)


def test_biases_and_a_soft_cap_by_hand():
    options = {"bias_t": BIAS_T, "soft_cap_s": 1.5, "chunk": 5}
    values, gradients = found(losses.reverse_kl, STATES, BIAS_S, **options)
    want, slopes = wanted(reverse, STATES, BIAS_S, BIAS_T, cap=1.5)
    near([values, *gradients], [want, *slopes], 2e-6)


@pytest.mark.parametrize("excluded", ["by the teacher", "by both"])
def test_an_excluded_word_has_probability_0_and_finite_gradients(excluded):
    """As if the vocabulary had six words, where both exclude the last; else its q alone is left."""
    none = np.where(np.arange(V) == V - 1, -np.inf, 0).astype(np.float32)
    bias_s = none if excluded == "by both" else np.zeros(V, np.float32)
    values, gradients = found(losses.forward_kl, STATES, bias_s, bias_t=none, chunk=3)
    log_p = np.append(log_softmax(HIDDEN_T @ HEAD_T[:, :-1], -1), np.full((B, T, 1), -400.0), -1)
    hidden_t, head_t = log_p, np.eye(V)  # whose logits are log p, and e^-400 is next to nothing
    want, slopes = wanted(forward, (HIDDEN_S, HEAD_S, hidden_t, head_t), np.maximum(bias_s, -400.0))
    near([values, *gradients], [want, *slopes], 2e-6)


def test_members_are_an_axis_of_one_program():
    """Students with heads of their own and one teacher."""

    def gradient(hidden_s, head_s):
        def total(*student):
            states = *student, HIDDEN_T, HEAD_T
            values = losses.chunked(losses.forward_kl, *states, chunk=3, where=KEPT)
            return jnp.sum(WEIGHTS * values)

        return jax.grad(total, (0, 1))(hidden_s, head_s)

    students = [(HIDDEN_S, HEAD_S), (HIDDEN_S[::-1], 2 * HEAD_S)]
    together = jax.tree.map(lambda *x: np.stack(x), *students)
    got = quick_jit(jax.vmap(gradient))(*together)
    for n, student in enumerate(students):
        _, (*slopes, _) = wanted(forward, (*student, HIDDEN_T, HEAD_T))
        near([x[n] for x in got], slopes, 2e-6)


def test_half_precision_is_summed_in_single():
    """Of the same rounded inputs; gradients are rounded to bfloat16, by 2^-8 of a term, at last."""
    half = [x.astype(jnp.bfloat16) for x in STATES]
    values, gradients = found(losses.forward_kl, half, chunk=3)
    assert values.dtype == jnp.float32 and all(x.dtype == jnp.bfloat16 for x in gradients)
    want, slopes = wanted(forward, half)
    near([values], [want], 2e-6)
    near(gradients, slopes, 2**-6)


AT_ONCE = 0  # the loss of all logits


def program(**chunk):
    """The compiled value and gradient of 512 tokens and 4,096 words: the bytes that it holds."""
    shapes = (512, 8), (8, 4096), (512, 16), (16, 4096)

    def total(hidden_s, head_s, hidden_t, head_t):
        states = hidden_s, head_s, hidden_t, head_t
        if chunk.get("chunk") == AT_ONCE:
            return jnp.mean(losses.forward_kl(hidden_s @ head_s, hidden_t @ head_t))
        return jnp.mean(losses.chunked(losses.forward_kl, *states, **chunk))

    arrays = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    compiled = jax.jit(jax.value_and_grad(total, (0, 1))).lower(*arrays).compile()
    return compiled.memory_analysis().temp_size_in_bytes


def test_no_logits_of_all_tokens_are_in_memory():
    logits = 4 * 512 * 4096
    assert program(chunk=512) > 2 * logits  # the student's and the teacher's
    assert program(chunk=16) < logits / 4


def test_as_it_comes_512_tokens_hold_less_than_an_eighth_of_all_logits_at_once():
    assert program() < program(chunk=AT_ONCE) / 8


@pytest.mark.parametrize(
    "changed, said",
    [
        ({0: HIDDEN_S[..., 1:]}, r"hidden_s has shape \(2, 5, 2\) and head_s \(3, 7\): expected"),
        ({1: HEAD_S.T}, r"hidden_s has shape \(2, 5, 3\) and head_s \(7, 3\): expected"),
        ({1: HEAD_S[0]}, r"head_s \(7,\): expected \[..., D\] and \[D, V\]"),
        ({2: HIDDEN_T[:, 1:]}, r"hidden_s has shape .* and hidden_t \(2, 4, 4\): they may differ"),
        ({3: HEAD_T[1:]}, r"hidden_t has shape \(2, 5, 4\) and head_t \(3, 7\): expected"),
        ({3: HEAD_T[:, 1:]}, r"head_s has shape \(3, 7\) and head_t \(4, 6\): .*the vocabulary"),
        ({1: HEAD_S[:, :0], 3: HEAD_T[:, :0]}, r"head_s \(3, 0\): .* no axis empty"),
        ({"bias_t": BIAS_T[1:]}, r"bias_t has shape \(6,\) and head_t \(4, 7\): expected \(7,\)"),
        ({"where": KEPT[0]}, r"where has shape \(5,\) and the loss \(2, 5\)"),
        ({"chunk": 0}, "chunk is 0: expected a whole number, at least 1"),
        ({"soft_cap_s": 0.0}, "soft_cap_s is 0.0: expected a finite number above 0"),
        ({"temperature": 0.0}, "temperature is 0.0: expected"),
        ({"beta": 2.0}, r"beta is 2.0: expected a number in \[0, 1\]"),
        (
            {"divergence": "forward_kl"},
            "divergence is 'forward_kl': expected one of losses.f",
        ),
    ],
)
def test_what_does_not_fit_is_named_in_one_line(changed, said):
    arrays = [changed.get(n, x) for n, x in enumerate(STATES)]
    options = {name: x for name, x in changed.items() if isinstance(name, str)}
    divergence = options.pop("divergence", losses.forward_kl)
    with pytest.raises(ValueError, match=said) as caught:
        losses.chunked(divergence, *arrays, **options)
    assert "\n" not in str(caught.value)
