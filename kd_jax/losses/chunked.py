"""Token-level losses from hidden states and heads, without the logits of more than a few tokens.

Notation as in sequence: z are the student's logits, v the teacher's, V the vocabulary. Here they
are read off hidden states, z = h_s W_s and v = h_t W_t, where D ≪ V: [B, T, D] is little memory and
[B, T, V] much.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kd_jax.losses._arrays import full_mask, mask_rows, mask_values
from kd_jax.losses._chunks import over_chunks
from kd_jax.losses._numbers import Scalar, check_positive, static_int


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
    chunk: int = 128,
    where: Bool[Array, "*B"] | None = None,
    **options: Any,
) -> Float[Array, "*B"]:
    """A divergence between all logits, which exist for `chunk` tokens at a time and no more.

    divergence(h_s W_s + b_s, h_t W_t + b_t), with a soft cap c as c tanh(·/c)

    It is exact, over the whole vocabulary. For the gradient of h_s, W_s and b_s the logits of each
    chunk are computed again, so that neither pass holds [*B, V]. Where all tokens fit one chunk it
    is the plain loss.

    Args:
        divergence: forward_kl, reverse_kl, jensen_shannon or another loss of all logits that gives
            one value per token.
        hidden_s: The student's last hidden states h_s. In half precision they are multiplied so,
            and summed in float32.
        head_s: Its head W_s, the transposed embeddings where the two are tied.
        hidden_t: The teacher's hidden states h_t, of any width, without gradient.
        head_t: Its head W_t, without gradient.
        bias_s: Of the student's head, b_s.
        bias_t: Of the teacher's head.
        soft_cap_s: The student's soft cap c, above 0.
        soft_cap_t: The teacher's.
        chunk: Tokens whose logits are in memory at a time, of all leading axes together; static.
        where: True keeps.
        options: Further arguments of the divergence: temperature, beta.

    Returns:
        One value per token, in the divergence's units; 0 where masked.

    Raises:
        ValueError: If shapes do not fit, a soft cap is ≤ 0, chunk is below 1 or traced, or the
            divergence refuses its arguments or does not give one value per token.

    Source:
        Hsu et al. 2024, arXiv 2410.10989 (Liger Kernel: fused linear losses, tokens in chunks);
        soft caps: Gemma Team 2024, arXiv 2408.00118, section 2.
    """
    student = _read_out("s", hidden_s, head_s, bias_s, soft_cap_s)
    teacher = _read_out("t", hidden_t, head_t, bias_t, soft_cap_t)
    shape = _common_shape(student, teacher)
    kept = None if where is None else full_mask(where, shape)
    hidden = mask_rows(kept, student[0], teacher[0])

    def values(rows):
        z, v = (_logits(h, *side[1:]) for h, side in zip(rows, (student, teacher)))
        found = divergence(z, jax.lax.stop_gradient(v), **options)
        if found.shape != z.shape[:1]:
            raise ValueError(
                f"divergence gives shape {found.shape} for {z.shape[0]} tokens: expected one value "
                "per token, as forward_kl gives"
            )
        return found

    found = _of_tokens(values, hidden, static_int("chunk", chunk, 1))
    return mask_values(kept, found.reshape(shape))


def _read_out(side, hidden, head, bias, soft_cap):
    """(hidden states, head, bias, soft cap) of a side as arrays; ValueError if they do not fit."""
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
        soft_cap = check_positive(f"soft_cap_{side}", soft_cap)
    return hidden, head, bias, soft_cap


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


def _logits(hidden, head, bias, soft_cap):
    """Logits [n, V] of hidden states [n, D], float32 at least."""
    high = jnp.promote_types(hidden.dtype, jnp.float32)
    z = jnp.matmul(hidden, head.astype(hidden.dtype), preferred_element_type=high)
    if bias is not None:
        z = z + bias
    return z if soft_cap is None else soft_cap * jnp.tanh(z / soft_cap)


def _of_tokens(values, hidden, chunk):
    """values((h_s, h_t) of a chunk's tokens) of all tokens, flat; the last chunks are filled up."""
    rows = [h.reshape(-1, h.shape[-1]) for h in hidden]
    tokens = len(rows[0])
    count = -(-tokens // chunk)
    missing = -tokens % count
    rows = [jnp.pad(h, ((0, missing), (0, 0))) for h in rows]
    return over_chunks(values, rows, count).swapaxes(0, 1).reshape(-1)[:tokens]
