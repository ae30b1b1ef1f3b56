"""Token-level losses: forward, reverse, skew and Jensen-Shannon divergence, total variation.

Notation: z are the student's logits [..., V], v the teacher's; p = softmax(v/T), the teacher, and
q = softmax(z/T), the student; V the vocabulary, T the temperature. None includes T²: multiply by
it where a library does. A token is left out by `where`, and masked_mean averages the others.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kd_jax.losses import _divergences
from kd_jax.losses._arrays import (
    check_logits,
    full_mask,
    mask_rows,
    mask_values,
    promoted,
    same_shape,
)
from kd_jax.losses._math import kl, kl_to_softmax, log_mixture
from kd_jax.losses._numbers import Scalar, check_fraction, check_temperature


def _scores(
    student: Array, teacher: Array, temperature: Scalar, where: Array | None
) -> tuple[Float[Array, "*B V"], Float[Array, "*B V"]]:
    """v / T and z / T, the teacher first, with masked tokens' alike in both."""
    temperature = check_temperature(temperature)
    student, teacher = same_shape(student, teacher)
    check_logits("student", student)
    student, teacher = mask_rows(where, student, teacher)
    return teacher / temperature, student / temperature


def _log_probabilities(
    student: Array, teacher: Array, temperature: Scalar, where: Array | None
) -> tuple[Float[Array, "*B V"], Float[Array, "*B V"]]:
    """log p and log q, the teacher first, with masked tokens uniform in both."""
    v, z = _scores(student, teacher, temperature, where)
    return jax.nn.log_softmax(v), jax.nn.log_softmax(z)


def forward_kl(
    student: Float[Array, "*B V"],
    teacher: Float[Array, "*B V"],
    *,
    temperature: Scalar = 1.0,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """Forward Kullback-Leibler divergence KL(p ‖ q): covers all the teacher's modes.

    Σ_c p_c (log p_c − log q_c), without T²: soft_targets is this times T²

    Args:
        student: Logits z.
        teacher: Logits v, without gradient.
        temperature: T, above 0.
        where: True keeps.

    Returns:
        Nats; 0 where masked.

    Raises:
        ValueError: If shapes differ or temperature ≤ 0.

    Source:
        Kim and Rush 2016, arXiv 1606.07947 (word-level distillation). The teacher's entropy is
        subtracted; distillm and torchtune leave it out: same gradient, another value.
    """
    v, z = _scores(student, teacher, temperature, where)
    return mask_values(where, kl_to_softmax(jax.nn.log_softmax(v), z))


def reverse_kl(
    student: Float[Array, "*B V"],
    teacher: Float[Array, "*B V"],
    *,
    temperature: Scalar = 1.0,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """Reverse Kullback-Leibler divergence KL(q ‖ p): seeks one of the teacher's modes.

    Σ_c q_c (log q_c − log p_c), without T²; ∞ where q_c is above 0 and the teacher's logit −∞:
    give the student the same mask.

    Args:
        student: Logits z.
        teacher: Logits v, without gradient.
        temperature: T, above 0.
        where: True keeps.

    Returns:
        Nats; 0 where masked.

    Raises:
        ValueError: If shapes differ or temperature ≤ 0.

    Source:
        Gu et al. 2024, arXiv 2306.08543 (MiniLLM), per token and exact over the vocabulary;
        Agarwal et al. 2024, arXiv 2306.13649. TRL's GKD has it at beta = 1.
    """
    log_p, log_q = _log_probabilities(student, teacher, temperature, where)
    return mask_values(where, _divergences.reverse(log_p, log_q))


def jensen_shannon(
    student: Float[Array, "*B V"],
    teacher: Float[Array, "*B V"],
    *,
    beta: Scalar = 0.5,
    temperature: Scalar = 1.0,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """Generalized Jensen-Shannon divergence (GKD); β = 0 is KL(p ‖ q) and β = 1 KL(q ‖ p).

    β KL(p ‖ m) + (1 − β) KL(q ‖ m), m = β p + (1 − β) q, for β inside (0, 1), without T²

    The ends are so by definition (the formula itself goes to 0 there; divided by β, or by 1 − β, it
    goes to those two). At ½ it is symmetric and at most ln 2.

    Args:
        student: Logits z.
        teacher: Logits v, without gradient.
        beta: The paper's β, in [0, 1]; may be traced.
        temperature: T, above 0.
        where: True keeps.

    Returns:
        Nats; 0 where masked.

    Raises:
        ValueError: If shapes differ, beta is outside [0, 1], or temperature ≤ 0.

    Source:
        Agarwal et al. 2024, arXiv 2306.13649, equation 1 (GKD); the ends as in TRL. EasyDeL mixes
        m the other way round, with the ends swapped: its number at beta is
        β·skew_kl(alpha=1 − β) + (1 − β)·skew_reverse_kl(alpha=β).
    """
    beta = check_fraction("beta", beta)
    log_p, log_q = _log_probabilities(student, teacher, temperature, where)
    return mask_values(where, _divergences.generalized(log_p, log_q, beta))


def skew_kl(
    student: Float[Array, "*B V"],
    teacher: Float[Array, "*B V"],
    *,
    alpha: Scalar = 0.1,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """Skew KL divergence: from the teacher to a mixture of teacher and student (DistiLLM, SKL).

    KL(p ‖ α p + (1 − α) q), at T = 1: forward_kl at α = 0, and 0 at α = 1; at most −ln α

    Args:
        student: Logits z.
        teacher: Logits v, without gradient.
        alpha: The paper's α, in [0, 1]; may be traced.
        where: True keeps.

    Returns:
        Nats; 0 where masked.

    Raises:
        ValueError: If shapes differ or alpha is outside [0, 1].

    Source:
        Ko et al. 2024, arXiv 2402.03898 (DistiLLM, SKL). The authors' code leaves out the
        teacher's entropy: same gradient, another value.
    """
    alpha = check_fraction("alpha", alpha)
    log_p, log_q = _log_probabilities(student, teacher, 1.0, where)
    return mask_values(where, kl(log_p, log_mixture(log_p, log_q, alpha)))


def skew_reverse_kl(
    student: Float[Array, "*B V"],
    teacher: Float[Array, "*B V"],
    *,
    alpha: Scalar = 0.1,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """Skew reverse KL: from the student to a mixture of teacher and student (DistiLLM, SRKL).

    KL(q ‖ (1 − α) p + α q), at T = 1: reverse_kl at α = 0, and 0 at α = 1; at most −ln α. The
    gradient passes through both q.

    Args:
        student: Logits z.
        teacher: Logits v, without gradient.
        alpha: The paper's α, in [0, 1]; may be traced.
        where: True keeps.

    Returns:
        Nats; 0 where masked.

    Raises:
        ValueError: If shapes differ or alpha is outside [0, 1].

    Source:
        Ko et al. 2024, arXiv 2402.03898 (DistiLLM, SRKL).
    """
    alpha = check_fraction("alpha", alpha)
    log_p, log_q = _log_probabilities(student, teacher, 1.0, where)
    return mask_values(where, kl(log_q, log_mixture(log_q, log_p, alpha)))


def total_variation(
    student: Float[Array, "*B V"],
    teacher: Float[Array, "*B V"],
    *,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """Total variation distance: the largest difference in probability of any set of tokens.

    ½ Σ_c |p_c − q_c|, at T = 1; symmetric

    Args:
        student: Logits z.
        teacher: Logits v, without gradient.
        where: True keeps.

    Returns:
        Probabilities; 0 where masked.

    Raises:
        ValueError: If shapes differ.

    Source:
        Wen et al. 2023, arXiv 2307.15190 (f-distillation).
    """
    log_p, log_q = _log_probabilities(student, teacher, 1.0, where)
    return mask_values(where, 0.5 * jnp.sum(jnp.abs(jnp.exp(log_p) - jnp.exp(log_q)), -1))


def masked_mean(values: Float[Array, "*B"], where: Array | None = None) -> Float[Array, ""]:
    """Mean of the values the mask keeps; 0 if it keeps none.

    Σ values[where] / max(number kept, 1): every kept token weighs the same, however long its
    sequence. Averages of such averages over batches do not: sum and count there instead.

    Args:
        values: One value per token.
        where: True keeps; None keeps all.

    Returns:
        One number in the units of the values.

    Raises:
        ValueError: If shapes differ.
    """
    values = promoted(values)
    kept = full_mask(where, values.shape)
    return jnp.sum(jnp.where(kept, values, 0)) / jnp.maximum(jnp.sum(kept), 1)
