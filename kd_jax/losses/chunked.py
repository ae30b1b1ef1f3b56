"""Token-level losses from hidden states and heads, without the logits of more than a few tokens.

Notation as in sequence: z are the student's logits, v the teacher's, V the vocabulary. Here they
are read off hidden states, z = h_s W_s and v = h_t W_t, where D ≪ V: [B, T, D] is little memory and
[B, T, V] much.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kd_jax.losses import _divergences
from kd_jax.losses._arrays import full_mask, mask_rows, mask_values
from kd_jax.losses._numbers import (
    Scalar,
    check_fraction,
    check_positive,
    check_temperature,
    static_int,
)
from kd_jax.losses._read_out import ReadOut, divergences
from kd_jax.losses.sequence import forward_kl, jensen_shannon, reverse_kl

SUMS = {  # of log p and log q over words, for each loss
    forward_kl: _divergences.forward,
    reverse_kl: _divergences.reverse,
    jensen_shannon: _divergences.generalized,
}


def chunked(
    divergence: Callable,
    hidden_s: Float[Array, "*B D"],
    head_s: Float[Array, "D V"],
    hidden_t: Float[Array, "*B E"],
    head_t: Float[Array, "E V"],
    *,
    bias_s: Float[Array, " V"] | None = None,
    bias_t: Float[Array, " V"] | None = None,
    soft_cap_s: Scalar | None = None,
    soft_cap_t: Scalar | None = None,
    temperature: Scalar = 1.0,
    chunk: int = 32,
    where: Bool[Array, "*B"] | None = None,
    **fractions: Scalar,
) -> Float[Array, "*B"]:
    """A divergence between all logits, of which no more than `chunk` tokens' are in memory.

    divergence(h_s W_s + b_s, h_t W_t + b_t), with a soft cap c as c tanh(·/c)

    It is exact, over the whole vocabulary, and neither pass holds [*B, V]. Forwards all logits of
    `chunk` tokens exist at a time. Backwards they are computed again, of all tokens and as few
    words as make so many logits. There is no forward-mode derivative (jax.jvp).

    Args:
        divergence: forward_kl, reverse_kl or jensen_shannon.
        hidden_s: The student's last hidden states h_s. In half precision they are multiplied so,
            and summed in float32.
        head_s: Its head W_s, the transposed embeddings where the two are tied.
        hidden_t: The teacher's hidden states h_t, of any width, without gradient.
        head_t: Its head W_t, without gradient.
        bias_s: Of the student's head, b_s.
        bias_t: Of the teacher's head.
        soft_cap_s: The student's soft cap c, above 0.
        soft_cap_t: The teacher's.
        temperature: T, above 0, without gradient.
        chunk: Tokens whose logits are in memory at a time, of all leading axes together; static.
        where: True keeps.
        fractions: Further numbers of the divergence in [0, 1], without gradient: beta.

    Returns:
        Nats; 0 where masked.

    Raises:
        ValueError: If the divergence is another, shapes do not fit, a fraction is outside [0, 1],
            temperature or a soft cap ≤ 0, or chunk below 1 or traced.

    Source:
        Hsu et al. 2024, arXiv 2410.10989 (Liger Kernel: linear layer and loss in chunks of tokens);
        soft caps: Gemma Team 2024, arXiv 2408.00118, section 2.
    """
    if not (callable(divergence) and divergence in SUMS):
        known = ", ".join(f"losses.{each.__name__}" for each in SUMS)
        raise ValueError(f"divergence is {divergence!r:.60}: expected one of {known}")
    student = _read_out("s", hidden_s, head_s, bias_s, soft_cap_s)
    teacher = _read_out("t", hidden_t, head_t, bias_t, soft_cap_t)
    shape = _common_shape(student, teacher)
    kept = None if where is None else full_mask(where, shape)
    student, teacher = (
        side._replace(hidden=x.reshape(-1, x.shape[-1]))
        for side, x in zip((student, teacher), mask_rows(kept, student.hidden, teacher.hidden))
    )
    chunks = -(-len(student.hidden) // static_int("chunk", chunk, 1))
    numbers = {name: check_fraction(name, x) for name, x in fractions.items()}
    temperature = check_temperature(temperature)
    found = divergences(SUMS[divergence], chunks, student, teacher, temperature, numbers)
    return mask_values(kept, found.reshape(shape))


def _read_out(side, hidden, head, bias, soft_cap):
    """The ReadOut of a side, its hidden states [*B, D]; ValueError if shapes do not fit."""
    hidden, head = jnp.asarray(hidden), jnp.asarray(head)
    if not (hidden.ndim and head.ndim == 2 and hidden.shape[-1] == head.shape[0]) or 0 in (
        hidden.size, head.size,
    ):  # fmt: skip
        raise ValueError(
            f"hidden_{side} has shape {hidden.shape} and head_{side} {head.shape}: expected "
            "[..., D] and [D, V], no axis empty"
        )
    if bias is not None:
        bias = jnp.asarray(bias)
        if bias.shape != head.shape[1:]:
            raise ValueError(
                f"bias_{side} has shape {bias.shape} and head_{side} {head.shape}: expected "
                f"{head.shape[1:]}, one number per token of the vocabulary"
            )
    if soft_cap is not None:
        high = jnp.promote_types(hidden.dtype, jnp.float32)
        soft_cap = jnp.asarray(check_positive(f"soft_cap_{side}", soft_cap), high)
    return ReadOut(hidden, head, bias, soft_cap)


def _common_shape(student, teacher):
    """The leading axes of both sides' hidden states; ValueError unless they and V are the same."""
    (h_s, w_s, *_), (h_t, w_t, *_) = student, teacher
    if h_s.shape[:-1] != h_t.shape[:-1]:
        raise ValueError(
            f"hidden_s has shape {h_s.shape} and hidden_t {h_t.shape}: they may differ in the last "
            "axis only"
        )
    if w_s.shape[1] != w_t.shape[1]:
        raise ValueError(
            f"head_s has shape {w_s.shape} and head_t {w_t.shape}: their last axes, the "
            "vocabulary, must be the same"
        )
    return h_s.shape[:-1]
