"""Divergences of logits that are read off hidden states: forwards by tokens, backwards by words.

A softmax needs all words of a token, so values are computed in chunks of tokens. Once a token's
normalizers are known, its words do not depend on each other any more: gradients are computed of all
tokens in blocks of words. So a head is read once and its gradient written once, where every chunk
of tokens would read the one and add to the other, both larger than the chunk's logits.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kd_jax.losses._chunks import over_chunks
from kd_jax.losses._numbers import Scalar


class ReadOut(NamedTuple):
    """What one side's logits are computed from: hidden states, head, its bias and soft cap."""

    hidden: Float[Array, "N D"]
    head: Float[Array, "D V"]
    bias: Float[Array, " V"] | None
    soft_cap: Float[Array, ""] | None

    def scores(self, temperature: Scalar) -> Float[Array, "N V"]:
        """Logits over the temperature, float32 at least."""
        high = jnp.promote_types(self.hidden.dtype, jnp.float32)
        head = self.head.astype(self.hidden.dtype)
        z = jnp.matmul(self.hidden, head, preferred_element_type=high)
        if self.bias is not None:
            z = z + self.bias
        if self.soft_cap is not None:
            z = self.soft_cap * jnp.tanh(z / self.soft_cap)
        return z / temperature

    def words(self, first: Any, size: int) -> "ReadOut":
        """That of a block of words."""
        block = functools.partial(jax.lax.dynamic_slice_in_dim, start_index=first, slice_size=size)
        head, bias = jax.tree.map(lambda x: block(x, axis=-1), (self.head, self.bias))
        return self._replace(head=head, bias=bias)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def divergences(
    sum_over: Callable,
    count: int,
    student: ReadOut,
    teacher: ReadOut,
    temperature: Scalar,
    fractions: dict[str, Scalar],
) -> Float[Array, " N"]:
    """A divergence of each token, with gradients for the student's ReadOut alone.

    Args:
        sum_over: (log p, log q, fractions) -> sums over words, of _divergences.
        count: In so many parts: the logits that are in memory are those of 1/count of the tokens,
            or all tokens' of 1/count of the words.
        student: Of N tokens.
        teacher: Of the same.
        temperature: T, of both sides.
        fractions: The further numbers of sum_over.
    """
    return _forwards(sum_over, count, student, teacher, temperature, fractions)[0]


def _forwards(sum_over, count, student, teacher, temperature, fractions):
    """The values, and for the gradient every token's normalizers and Σ_c ∂/∂ log q_c."""

    def of_chunk(hidden):
        sides = (side._replace(hidden=h) for side, h in zip((student, teacher), hidden))
        scores = [side.scores(temperature) for side in sides]
        normalizers = [_normalizers(x) for x in scores]
        log_q, log_p = (_normalized(*pair) for pair in zip(scores, normalizers))
        value, slopes = _value_and_slopes(sum_over, log_p, log_q, fractions)
        return value, (normalizers, jnp.sum(slopes(jnp.ones_like(value)), -1, keepdims=True))

    tokens = len(student.hidden)
    rows = [jnp.pad(side.hidden, ((0, -tokens % count), (0, 0))) for side in (student, teacher)]
    found = jax.tree.map(
        lambda x: x.swapaxes(0, 1).reshape(-1, *x.shape[2:])[:tokens],
        over_chunks(of_chunk, rows, count),
    )
    values, of_tokens = found
    return values, (student, teacher, temperature, fractions, of_tokens)


def _backwards(sum_over, count, kept, cotangent):
    """The gradient of the student's ReadOut, a block of words after the other."""
    student, teacher, temperature, fractions, (normalizers, totals) = kept

    def add(so_far, first, size):
        z, pull = jax.vjp(lambda side: side.scores(temperature), student.words(first, size))
        scores = z, teacher.words(first, size).scores(temperature)
        log_q, log_p = (_normalized(*pair) for pair in zip(scores, normalizers))
        _, slopes = _value_and_slopes(sum_over, log_p, log_q, fractions)
        # log q = z − log Σ exp z, so ∂/∂z_c is ∂/∂ log q_c less q_c times the sum of them all
        (found,) = pull(slopes(cotangent) - jnp.exp(log_q) * totals * cotangent[:, None])
        put = functools.partial(jax.lax.dynamic_update_slice_in_dim, start_index=first, axis=-1)
        return ReadOut(
            so_far.hidden + found.hidden,
            put(so_far.head, found.head),
            None if student.bias is None else put(so_far.bias, found.bias),
            None if student.soft_cap is None else so_far.soft_cap + found.soft_cap,
        )

    vocabulary = student.head.shape[1]
    blocks = min(count, vocabulary)
    size, rest = divmod(vocabulary, blocks)
    high = jnp.zeros(student.hidden.shape, totals.dtype)
    found = jax.tree.map(jnp.zeros_like, student)._replace(hidden=high)
    found = jax.lax.fori_loop(0, blocks, lambda n, so_far: add(so_far, n * size, size), found)
    if rest:
        found = add(found, blocks * size, rest)
    return found._replace(hidden=found.hidden.astype(student.hidden.dtype)), None, None, None


divergences.defvjp(_forwards, _backwards)


def _normalizers(scores):
    """The largest score of each row, and the logarithm of Σ exp of the scores less it."""
    peak = jnp.max(scores, -1, keepdims=True)
    return peak, jnp.log(jnp.sum(jnp.exp(scores - peak), -1, keepdims=True))


def _normalized(scores, normalizers):
    """log softmax; a product of another shape may round a score above its peak, where none is."""
    peak, log_total = normalizers
    return jnp.minimum(scores - peak, 0) - log_total


def _value_and_slopes(sum_over, log_p, log_q, fractions):
    """The sums over words, and (cotangent of them) -> that of log q."""
    value, pull = jax.vjp(lambda log_q: sum_over(log_p, log_q, **fractions), log_q)
    return value, lambda cotangent: pull(cotangent)[0]
