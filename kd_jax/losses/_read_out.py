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
from jaxtyping import Array, Float, Int

from kd_jax.losses._chunks import over_chunks
from kd_jax.losses._numbers import Scalar
from kd_jax.losses._scales import exponent, shifted


class ReadOut(NamedTuple):
    """What one side's logits are computed from: hidden states, head, its bias and soft cap."""

    hidden: Float[Array, "N D"]
    head: Float[Array, "D V"]
    bias: Float[Array, " V"] | None
    soft_cap: Float[Array, ""] | None

    def exponents(self) -> Int[Array, "N 1"]:
        """By which powers of two a token's logits are computed smaller, 0 for usual ones.

        No float32 may hold the product of two huge factors, where it holds differences of logits.
        """
        product = exponent(self.hidden, least=0, axis=-1) + exponent(self.head, least=0)
        return jnp.maximum(product - 100, 0)  # which leaves 2^27 such terms a sum that is finite

    def products(self, by: Int[Array, "N 1"] | int = 0) -> Float[Array, "N V"]:
        """Logits before the soft cap times 2^−by, float32 at least."""
        high = jnp.promote_types(self.hidden.dtype, jnp.float32)
        hidden, head = shifted(self.hidden, -by), self.head.astype(self.hidden.dtype)
        z = jnp.matmul(hidden, head, preferred_element_type=high)
        return z if self.bias is None else z + shifted(self.bias, -by)

    def scores(self, by: Int[Array, "N 1"], temperature: Scalar) -> "Scores":
        """Logits over the temperature."""
        z = self.products(by)
        if self.soft_cap is None:
            return Scores(z / temperature, by)
        return Scores(_capped(shifted(z, by), self.soft_cap) / temperature, 0)

    def gradient(
        self, by: Int[Array, "N 1"], temperature: Scalar, cotangent: Float[Array, "N V"]
    ) -> "ReadOut":
        """That of its parts, of the cotangent of all scores."""
        _, pull = jax.vjp(lambda side: side.products(), self)  # linear: no value of it is needed
        cotangent = cotangent / temperature
        if self.soft_cap is None:
            return pull(cotangent)[0]
        _, bend = jax.vjp(_capped, shifted(self.products(by), by), self.soft_cap)
        to_z, to_cap = bend(cotangent)
        return pull(to_z)[0]._replace(soft_cap=to_cap)

    def words(self, first: Any, size: int) -> "ReadOut":
        """That of a block of words."""
        block = functools.partial(jax.lax.dynamic_slice_in_dim, start_index=first, slice_size=size)
        head, bias = jax.tree.map(lambda x: block(x, axis=-1), (self.head, self.bias))
        return self._replace(head=head, bias=bias)


class Scores(NamedTuple):
    """Scores times 2^−by."""

    scores: Float[Array, "N V"]
    by: Int[Array, "N 1"] | int

    def normalizers(self) -> "Normalizers":
        """Those of each row."""
        peak = jnp.max(self.scores, -1, keepdims=True)
        less = shifted(self.scores - peak, self.by)
        return Normalizers(peak, jnp.log(jnp.sum(jnp.exp(less), -1, keepdims=True)))

    def normalized(self, of: "Normalizers") -> Float[Array, "N V"]:
        """log softmax; a product of another shape may round a score above its peak."""
        return jnp.minimum(shifted(self.scores - of.peak, self.by), 0) - of.log_total


class Normalizers(NamedTuple):
    """The largest score of each row, and the logarithm of Σ exp of the scores less it."""

    peak: Float[Array, "N 1"]
    log_total: Float[Array, "N 1"]


def _capped(z, cap):
    """The soft cap; beyond 40 caps tanh is ±1 in any precision, also of infinite logits."""
    return cap * jnp.tanh(jnp.clip(z, -40 * cap, 40 * cap) / cap)


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
    sides = student, teacher

    def of_chunk(rows):
        own = (side._replace(hidden=hidden) for side, (hidden, _) in zip(sides, rows))
        scores = [side.scores(by, temperature) for side, (_, by) in zip(own, rows)]
        normalizers = [each.normalizers() for each in scores]
        log_q, log_p = (each.normalized(of) for each, of in zip(scores, normalizers))
        value, slopes = _value_and_slopes(sum_over, log_p, log_q, fractions)
        return value, (normalizers, jnp.sum(slopes(jnp.ones_like(value)), -1, keepdims=True))

    tokens, by = len(student.hidden), [side.exponents() for side in sides]
    rows = jax.tree.map(
        lambda x: jnp.pad(x, ((0, -tokens % count), (0, 0))),
        [(side.hidden, each) for side, each in zip(sides, by)],
    )
    found = jax.tree.map(
        lambda x: x.swapaxes(0, 1).reshape(-1, *x.shape[2:])[:tokens],
        over_chunks(of_chunk, rows, count),
    )
    values, of_tokens = found
    return values, (student, teacher, temperature, fractions, by, of_tokens)


def _backwards(sum_over, count, kept, cotangent):
    """The gradient of the student's ReadOut, a block of words after the other."""
    student, teacher, temperature, fractions, by, (normalizers, totals) = kept

    def add(so_far, first, size):
        sides = [side.words(first, size) for side in (student, teacher)]
        scores = [side.scores(each, temperature) for side, each in zip(sides, by)]
        log_q, log_p = (each.normalized(of) for each, of in zip(scores, normalizers))
        _, slopes = _value_and_slopes(sum_over, log_p, log_q, fractions)
        # log q = z − log Σ exp z, so ∂/∂z_c is ∂/∂ log q_c less q_c times the sum of them all
        to_scores = slopes(cotangent) - jnp.exp(log_q) * totals * cotangent[:, None]
        found = sides[0].gradient(by[0], temperature, to_scores)
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


def _value_and_slopes(sum_over, log_p, log_q, fractions):
    """The sums over words, and (cotangent of them) -> that of log q."""
    value, pull = jax.vjp(lambda log_q: sum_over(log_p, log_q, **fractions), log_q)
    return value, lambda cotangent: pull(cotangent)[0]
