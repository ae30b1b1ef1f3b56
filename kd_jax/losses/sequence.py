"""Divergences of next-token predictions, one value per token; more of them live in vocabulary.

Notation: z are the student's logits [..., V], v the teacher's; p = softmax(v/T), the teacher, and
q = softmax(z/T), the student; V the vocabulary, T the temperature. None includes T²: multiply by
it where a library does. A token is left out by `where`, and masked_mean averages the others.
"""

import jax
import jax.numpy as jnp

from kd_jax.losses._arrays import (
    check_logits,
    fraction,
    hide,
    keep,
    mask_of,
    matched,
    positive,
    raised,
)
from kd_jax.losses._math import kl, log_mixture
from kd_jax.losses.vocabulary import cached_top_k, top_k, universal_logit

__all__ = [
    "cached_top_k",
    "forward_kl",
    "jensen_shannon",
    "masked_mean",
    "reverse_kl",
    "skew_kl",
    "skew_reverse_kl",
    "top_k",
    "total_variation",
    "universal_logit",
]


def _log_probabilities(student, teacher, temperature, where):
    """log p and log q, the teacher first, with masked tokens uniform in both."""
    temperature = positive("temperature", temperature)
    student, teacher = matched(student, teacher)
    check_logits("student", student)
    student, teacher = hide(where, student, teacher)
    return jax.nn.log_softmax(teacher / temperature), jax.nn.log_softmax(student / temperature)


def forward_kl(student, teacher, *, temperature=1.0, where=None):
    """Divergence KL(p ‖ q) of the student from the teacher: covers all the teacher's modes.

    Σ_c p_c (log p_c − log q_c), without T²: soft_targets is this times T².

    Args: student z [..., V]; teacher v [..., V], detached; temperature > 0; where [...].
    Returns: nats, [...]; 0 where masked.
    Raises: ValueError on different shapes or temperature ≤ 0.
    Source: Kim and Rush 2016, arXiv 1606.07947 (word-level distillation). The teacher's entropy is
      subtracted; distillm and torchtune leave it out: same gradient, another value.
    """
    log_p, log_q = _log_probabilities(student, teacher, temperature, where)
    return keep(where, kl(log_p, log_q))


def reverse_kl(student, teacher, *, temperature=1.0, where=None):
    """Divergence KL(q ‖ p) of the teacher from the student: seeks one of the teacher's modes.

    Σ_c q_c (log q_c − log p_c), without T².

    Args: student z [..., V]; teacher v [..., V], detached; temperature > 0; where [...].
    Returns: nats, [...]; 0 where masked.
    Raises: ValueError on different shapes or temperature ≤ 0.
    Source: Gu et al. 2024, arXiv 2306.08543 (MiniLLM), per token and exact over the vocabulary;
      Agarwal et al. 2024, arXiv 2306.13649. TRL's GKD has it at beta = 1.
    """
    log_p, log_q = _log_probabilities(student, teacher, temperature, where)
    return keep(where, kl(log_q, log_p))


def jensen_shannon(student, teacher, *, beta=0.5, temperature=1.0, where=None):
    """Generalised Jensen-Shannon divergence: beta 0 is KL(teacher ‖ student), 1 the reverse.

    β KL(p ‖ m) + (1 − β) KL(q ‖ m), m = β p + (1 − β) q, for β = `beta` inside (0, 1); KL(p ‖ q) at
    β = 0 and KL(q ‖ p) at β = 1 by definition, so it jumps at the ends (the formula itself goes to
    0 there; divided by β, or by 1 − β, it goes to those two). At ½ it is symmetric and at most
    ln 2. Without T².

    Args: student z [..., V]; teacher v [..., V], detached; beta in [0, 1], may be traced;
      temperature > 0; where [...], True keeps.
    Returns: nats, [...]; 0 where masked.
    Raises: ValueError on different shapes, beta outside [0, 1] or temperature ≤ 0.
    Source: Agarwal et al. 2024, arXiv 2306.13649, equation 1 (GKD); the ends as in TRL. EasyDeL
      mixes m the other way round, with the ends swapped: its number at beta is
      β·skew_kl(alpha=1 − β) + (1 − β)·skew_reverse_kl(alpha=β).
    """
    beta = fraction("beta", beta)
    log_p, log_q = _log_probabilities(student, teacher, temperature, where)
    log_m = log_mixture(log_p, log_q, beta)
    inside = beta * kl(log_p, log_m) + (1 - beta) * kl(log_q, log_m)
    ends = jnp.where(beta <= 0, kl(log_p, log_q), kl(log_q, log_p))
    return keep(where, jnp.where((beta > 0) & (beta < 1), inside, ends))


def skew_kl(student, teacher, *, alpha=0.1, where=None):
    """Divergence of the student, mixed with some teacher, from the teacher.

    KL(p ‖ α p + (1 − α) q), α = `alpha`, at T = 1: forward_kl at α = 0, and 0 at α = 1. Bounded
    by −ln α.

    Args: student z [..., V]; teacher v [..., V], detached; alpha in [0, 1], may be traced;
      where [...], True keeps.
    Returns: nats, [...]; 0 where masked.
    Raises: ValueError on different shapes or alpha outside [0, 1].
    Source: Ko et al. 2024, arXiv 2402.03898 (DistiLLM, SKL). The authors' code leaves out the
      teacher's entropy: same gradient, another value.
    """
    alpha = fraction("alpha", alpha)
    log_p, log_q = _log_probabilities(student, teacher, 1.0, where)
    return keep(where, kl(log_p, log_mixture(log_p, log_q, alpha)))


def skew_reverse_kl(student, teacher, *, alpha=0.1, where=None):
    """Divergence of the teacher, mixed with some student, from the student.

    KL(q ‖ (1 − α) p + α q), α = `alpha`, at T = 1: reverse_kl at α = 0, and 0 at α = 1. The
    gradient passes through both q. Bounded by −ln α.

    Args: student z [..., V]; teacher v [..., V], detached; alpha in [0, 1], may be traced;
      where [...], True keeps.
    Returns: nats, [...]; 0 where masked.
    Raises: ValueError on different shapes or alpha outside [0, 1].
    Source: Ko et al. 2024, arXiv 2402.03898 (DistiLLM, SRKL).
    """
    alpha = fraction("alpha", alpha)
    log_p, log_q = _log_probabilities(student, teacher, 1.0, where)
    return keep(where, kl(log_q, log_mixture(log_q, log_p, alpha)))


def total_variation(student, teacher, *, where=None):
    """Total variation distance: the largest difference the two give any set of tokens.

    ½ Σ_c |p_c − q_c|, at T = 1. Symmetric, between 0 and 1.

    Args: student z [..., V]; teacher v [..., V], detached; where [...], True keeps.
    Returns: a probability, [...]; 0 where masked.
    Raises: ValueError on different shapes.
    Source: Wen et al. 2023, arXiv 2307.15190 (f-distillation).
    """
    log_p, log_q = _log_probabilities(student, teacher, 1.0, where)
    return keep(where, 0.5 * jnp.sum(jnp.abs(jnp.exp(log_p) - jnp.exp(log_q)), -1))


def masked_mean(values, where=None):
    """Mean of the values the mask keeps; 0 when it keeps none. One number.

    Σ values[where] / max(number kept, 1): every kept token weighs the same, however long its
    sequence. Averages of such averages over batches do not: sum and count there instead.

    Args: values [...]; where [...], of the same shape, True keeps; None keeps all.
    Returns: one number, in the units of the values.
    Raises: ValueError on different shapes.
    """
    values = raised(values)
    kept = mask_of(where, values.shape)
    return jnp.sum(jnp.where(kept, values, 0)) / jnp.maximum(jnp.sum(kept), 1)
