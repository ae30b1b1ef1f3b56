"""Token-level losses on a part of the vocabulary or across vocabularies: top-k and ULD.

Notation as in sequence: z are the student's logits, v the teacher's, p = softmax(v/T) and
q = softmax(z/T), V the vocabulary, T the temperature; one value per token.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from kd_jax.losses._arrays import (
    check_logits,
    check_tokens,
    detached,
    mask_rows,
    mask_values,
    promoted,
    same_shape,
)
from kd_jax.losses._math import divergence, kl, log_mass
from kd_jax.losses._numbers import Scalar, check_temperature, static_int


def top_k(
    student: Float[Array, "*B V"],
    teacher: Float[Array, "*B V"],
    *,
    k: int,
    temperature: Scalar = 1.0,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """KL divergence over the teacher's k most probable tokens K and one bucket of all others.

    Σ_{c∈K} p_c (log p_c − log q_c) + p_R (log p_R − log q_R), p_R = Σ_{c∉K} p_c and q_R likewise

    This is KL(p ‖ q) of the coarsened distributions, both at T over the whole vocabulary, without
    T²: never above forward_kl, and equal to it at k = V. Of equal logits the lower index is kept.

    Args:
        student: Logits z.
        teacher: Logits v, without gradient.
        k: A whole number in [1, V]; static.
        temperature: T, above 0.
        where: True keeps.

    Returns:
        Nats; 0 where masked.

    Raises:
        ValueError: If shapes differ, k is outside [1, V] or traced, or temperature ≤ 0.

    Source:
        The tail bucket of TRL's server distillation. Without a tail, libraries renormalize both
        sides, or the teacher's only, which are other losses. DistillKit agrees at T = 1 only: it
        tempers the teacher's tail as if it were one token.
    """
    temperature = check_temperature(temperature)
    student, teacher = same_shape(student, teacher)
    check_logits("student", student)
    k = static_int("k", k, 1, student.shape[-1])
    student, teacher = mask_rows(where, student, teacher)
    log_p = jax.nn.log_softmax(teacher / temperature)
    log_q = jax.nn.log_softmax(student / temperature)
    if k == student.shape[-1]:
        return mask_values(where, kl(log_p, log_q))
    head_p, tokens = jax.lax.top_k(log_p, k)
    head_q = jnp.take_along_axis(log_q, tokens, -1)
    rest = jnp.put_along_axis(jnp.ones(log_p.shape, bool), tokens, False, -1, inplace=False)
    tail_p, tail_q = (log_mass(x, rest)[..., None] for x in (log_p, log_q))
    return mask_values(where, kl(head_p, head_q) + kl(tail_p, tail_q))


def cached_top_k(
    student: Float[Array, "*B V"],
    teacher: Float[Array, "*B k"],
    tokens: Int[Array, "*B k"],
    *,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """top_k at T = 1 from cached log-probabilities of the teacher's most probable tokens.

    Σ_{c∈K} p_c (log p_c − log q_c) + p_R (log p_R − log q_R), p_R = 1 − Σ_{c∈K} p_c

    The tail p_R follows from the cache; q_R is summed over the student's other tokens.

    Args:
        student: Logits z.
        teacher: log p of k ≤ V different tokens, without gradient; their sum is at most 1, within
            0.01.
        tokens: Their ids.
        where: True keeps.

    Returns:
        Nats; 0 where masked, NaN where a cache known only at run time is none: ids outside [0, V),
        one of them twice, or a sum above 1.

    Raises:
        ValueError: If shapes do not fit, or the cache is known and none.

    Source:
        As top_k; a cache knows p at one temperature only, so there is no other.
    """
    student, given = promoted(student), teacher
    teacher = detached(teacher)
    check_logits("student", student)
    ids = check_tokens(tokens, student, teacher, where)
    usable = _check_cache(given, tokens, student.shape[-1], where)
    tokens = jnp.clip(ids, 0, student.shape[-1] - 1)
    student, teacher = mask_rows(where, student, teacher)
    value = jnp.where(usable, _coarsened(student, teacher, tokens), jnp.nan)
    return mask_values(where, value)


def _check_cache(
    log_p: Float[Any, "*B k"], tokens: Int[Any, "*B k"], size: int, where: Bool[Any, "*B"] | None
) -> Bool[Any, "*B"]:
    """Whether each row has different ids below `size` and a sum of probabilities up to 1.

    ValueError if all is known and a row that the mask keeps has not.
    """
    unknown = any(isinstance(x, jax.core.Tracer) for x in (log_p, tokens, where))
    xp = jnp if unknown else np  # what jnp gives within jit is not known any more
    ordered = xp.sort(xp.asarray(tokens), -1)
    total = xp.sum(xp.exp(xp.asarray(log_p, np.float32)), -1)
    usable = xp.all(ordered[..., 1:] > ordered[..., :-1], -1) & (total <= 1.01)
    usable &= (ordered[..., 0] >= 0) & (ordered[..., -1] < size)
    if not unknown:
        wrong = np.flatnonzero(~usable if where is None else ~usable & np.asarray(where, bool))
        if wrong.size:
            ids, sums = ordered.reshape(-1, ordered.shape[-1]), total.reshape(-1)
            raise ValueError(
                f"row {wrong[0]} of the cache has the tokens {ids[wrong[0]].tolist()!s:.60} and "
                f"probabilities of sum {sums[wrong[0]]:g}: expected different ones, and "
                "log-probabilities of sum 1 or less"
            )
    return usable


def _coarsened(
    student: Float[Array, "*B V"], teacher: Float[Array, "*B k"], tokens: Int[Array, "*B k"]
) -> Float[Array, "*B"]:
    """The divergence over the tokens of a cache and one bucket of all others."""
    head_p, log_q = jnp.minimum(teacher, 0), jax.nn.log_softmax(student)
    head_q = jnp.take_along_axis(log_q, tokens, -1)
    head = kl(head_p, head_q)
    if tokens.shape[-1] == student.shape[-1]:
        return head
    rest = jnp.put_along_axis(jnp.ones(log_q.shape, bool), tokens, False, -1, inplace=False)
    tail_p, tail_q = 1 - jnp.sum(jnp.exp(head_p), -1), log_mass(log_q, rest)
    # Rounding may leave a head that sums to 1 or more: then there is no tail to compare. Nor is
    # what it leaves below 1 a tail, where the student excludes all of it.
    least = jnp.where(tail_q == -jnp.inf, head_p.shape[-1] * jnp.finfo(head_p.dtype).eps, 0)
    log_tail = jnp.where(tail_p <= least, -jnp.inf, jnp.log(jnp.where(tail_p <= 0, 1, tail_p)))
    return head + divergence(log_tail, tail_q)


def _largest_and_rest(
    logits: Float[Array, "*B V"], size: int
) -> tuple[Float[Array, "*B size"], Float[Array, "*B"]]:
    """The `size` largest probabilities in decreasing order, and the sum of all others."""
    p = jax.nn.softmax(logits)
    if size == p.shape[-1]:
        return jnp.sort(p, descending=True), jnp.zeros(p.shape[:-1], p.dtype)
    largest, _ = jax.lax.top_k(p, size)  # where few are many times as fast as a sort of all
    return largest, jnp.sum(p, -1) - jnp.sum(largest, -1)


def universal_logit(
    student: Float[Array, "*B V"],
    teacher: Float[Array, "*B W"],
    *,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """L1 distance of sorted probabilities, for different vocabularies (universal logit, ULD).

    Σ_i |p_(i) − q_(i)|, in decreasing order, the shorter list followed by zeros, at T = 1

    The order of tokens does not count: it is 0 also for a permuted teacher, and at most 2.

    Args:
        student: Logits z.
        teacher: Logits v over another vocabulary, without gradient, of the same (aligned) tokens.
        where: True keeps.

    Returns:
        Sums of probabilities; 0 where masked.

    Raises:
        ValueError: If leading axes differ.

    Source:
        Boizard et al. 2024, arXiv 2402.12030 (ULD); the per-token term, without the weight and the
        mixture. TRL's GOLD has it, with a temperature for each side; it averages sequences.
    """
    student, teacher = promoted(student), detached(teacher)
    check_logits("student", student)
    check_logits("teacher", teacher)
    if student.shape[:-1] != teacher.shape[:-1]:
        raise ValueError(
            f"student has shape {student.shape} and teacher {teacher.shape}: "
            "they may differ in the last axis only"
        )
    student, teacher = mask_rows(where, student, teacher)
    size = min(student.shape[-1], teacher.shape[-1])
    (q, more_q), (p, more_p) = (_largest_and_rest(x, size) for x in (student, teacher))
    # beside the zeros that follow the shorter list
    return mask_values(where, jnp.sum(jnp.abs(p - q), -1) + more_q + more_p)
