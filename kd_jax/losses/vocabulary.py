"""Divergences that need not compare the whole vocabulary token by token.

Notation as in sequence: z are the student's logits, v the teacher's, p = softmax(v/T) and
q = softmax(z/T), V the vocabulary, T the temperature; one value per token.
"""

import jax
import jax.numpy as jnp

from kd_jax.losses._arrays import (
    check_logits,
    check_tokens,
    constant,
    hide,
    keep,
    matched,
    positive,
    raised,
    whole,
)
from kd_jax.losses._math import kl, log_mass


def top_k(student, teacher, *, k, temperature=1.0, where=None):
    """Divergence over the teacher's k likeliest tokens and one bucket for all the others.

    Σ_{c∈K} p_c (log p_c − log q_c) + p_R (log p_R − log q_R), p_R = Σ_{c∉K} p_c and q_R likewise:
    KL(p ‖ q) of the coarsened distributions, both at T over the whole vocabulary. Never above
    forward_kl, and equal to it at k = V. Without T². Of equal scores the lower index is kept.

    Args: student z [..., V]; teacher v [..., V], detached; k a whole number in [1, V], static;
      temperature > 0; where [...], True keeps.
    Returns: nats, [...]; 0 where masked.
    Raises: ValueError on different shapes, k outside [1, V] or traced, or temperature ≤ 0.
    Source: the tail bucket of TRL's server distillation. Without a tail, libraries renormalise
      both sides, or the teacher's only, which are other losses. DistillKit agrees at T = 1 only:
      it tempers the teacher's tail as if it were one token.
    """
    temperature = positive("temperature", temperature)
    student, teacher = matched(student, teacher)
    check_logits("student", student)
    k = whole("k", k, 1, student.shape[-1])
    student, teacher = hide(where, student, teacher)
    log_p = jax.nn.log_softmax(teacher / temperature)
    log_q = jax.nn.log_softmax(student / temperature)
    if k == student.shape[-1]:
        return keep(where, kl(log_p, log_q))
    head_p, tokens = jax.lax.top_k(log_p, k)
    head_q = jnp.take_along_axis(log_q, tokens, -1)
    rest = jnp.put_along_axis(jnp.ones(log_p.shape, bool), tokens, False, -1, inplace=False)
    tail_p, tail_q = (log_mass(x, rest)[..., None] for x in (log_p, log_q))
    return keep(where, kl(head_p, head_q) + kl(tail_p, tail_q))


def cached_top_k(student, teacher, tokens, *, where=None):
    """Divergence from what a cache of the teacher's k likeliest tokens says; top_k at T = 1.

    Σ_{c∈K} p_c (log p_c − log q_c) + p_R (log p_R − log q_R), where the tail p_R = 1 − Σ_{c∈K} p_c
    follows from the cache and q_R is summed over the student's other tokens.

    Args: student z [..., V]; teacher log p [..., k] of k ≤ V different tokens, detached; tokens
      [..., k], their numbers; where [...], True keeps. A number known only at run time that is
      outside [0, V) counts as the nearer end.
    Returns: nats, [...]; 0 where masked.
    Raises: ValueError on shapes that do not fit, or known numbers outside [0, V).
    Source: as top_k; a cache knows p at one temperature only, so there is no other.
    """
    student, teacher = raised(student), constant(teacher)
    check_logits("student", student)
    tokens = check_tokens(tokens, student, teacher)
    student, teacher = hide(where, student, teacher)
    head_p, log_q = jnp.minimum(teacher, 0), jax.nn.log_softmax(student)
    head_q = jnp.take_along_axis(log_q, tokens, -1)
    head = kl(head_p, head_q)
    if tokens.shape[-1] == student.shape[-1]:
        return keep(where, head)
    rest = jnp.put_along_axis(jnp.ones(log_q.shape, bool), tokens, False, -1, inplace=False)
    tail_p = 1 - jnp.sum(jnp.exp(head_p), -1)
    # rounding may leave a head that sums to 1 or more: then there is no tail to compare
    log_tail = jnp.log(jnp.where(tail_p > 0, tail_p, 1))
    tail = jnp.maximum(tail_p, 0) * (log_tail - log_mass(log_q, rest))
    return keep(where, head + tail)


def _sorted_probabilities(logits, size):
    """Probabilities in decreasing order, with zeros up to `size`."""
    falling = jnp.sort(jax.nn.softmax(logits), descending=True)
    missing = size - logits.shape[-1]
    return jnp.pad(falling, [(0, 0)] * (logits.ndim - 1) + [(0, missing)])


def universal_logit(student, teacher, *, where=None):
    """Distance of the two sorted predictions, for vocabularies that have nothing in common.

    Σ_i |p_(i) − q_(i)|, the probabilities in decreasing order and the shorter list followed by
    zeros, at T = 1. The order of tokens does not count: 0 also for a permuted teacher. At most 2.

    Args: student z [..., V]; teacher v [..., V'], detached, on the same leading axes (aligned
      tokens); where [...], True keeps.
    Returns: a sum of probabilities, [...]; 0 where masked.
    Raises: ValueError on different leading axes.
    Source: Boizard et al. 2024, arXiv 2402.12030 (ULD); the per-token term, without the weight and
      the mixture. TRL's GOLD has it, with a temperature for each side; it averages sequences.
    """
    student, teacher = raised(student), constant(teacher)
    check_logits("student", student)
    check_logits("teacher", teacher)
    if student.shape[:-1] != teacher.shape[:-1]:
        raise ValueError(
            f"student has shape {student.shape} and teacher {teacher.shape}: "
            "they may differ in the last axis only"
        )
    student, teacher = hide(where, student, teacher)
    size = max(student.shape[-1], teacher.shape[-1])
    q, p = (_sorted_probabilities(x, size) for x in (student, teacher))
    return keep(where, jnp.sum(jnp.abs(p - q), -1))
