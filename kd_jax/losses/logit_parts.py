"""Losses on parts of a prediction: label and other classes (DKD, NKD), rows and columns (DIST).

Notation: z are the student's logits, v the teacher's, y the label, C the number
of classes, T the temperature; p = softmax(v/T) and q = softmax(z/T). A hat marks
the distribution over the classes other than y: p̂_c = p_c / Σ_{i≠y} p_i.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kd_jax.losses._arrays import (
    check_labels,
    check_logits,
    full_mask,
    mask_rows,
    mask_values,
    one_hot,
    picked,
    same_shape,
)
from kd_jax.losses._math import divergence, kl, log_mass, log_within, norm, weighted
from kd_jax.losses._numbers import Scalar, check_temperature, check_weight


def _split(
    scores: Float[Array, "*B C"], target: Float[Array, "*B C"]
) -> tuple[Float[Array, "*B"], Float[Array, "*B"], Float[Array, "*B C"]]:
    """log p_y, log of the others' mass, and log p̂ (0 at the label), from scores v/T."""
    rest, log_p = target == 0, jax.nn.log_softmax(scores)
    return picked(log_p, target), log_mass(log_p, rest), log_within(scores, rest)


def decoupled(
    student: Float[Array, "*B C"],
    teacher: Float[Array, "*B C"],
    labels: Int[Array, "*B"],
    *,
    alpha: Scalar = 1.0,
    beta: Scalar = 8.0,
    temperature: Scalar = 4.0,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """Decoupled knowledge distillation (DKD): target class and other classes weighted apart.

    T² · [α · KL((p_y, 1 − p_y) ‖ (q_y, 1 − q_y)) + β · KL(p̂ ‖ q̂)]

    The first divergence is the paper's TCKD, the second its NCKD; soft_targets is the sum with
    α = 1 and β = 1 − p_y. The teacher comes first, as in soft_targets.

    Args:
        student: Logits z, C ≥ 2.
        teacher: Logits v, without gradient.
        labels: Classes y in [0, C).
        alpha: The paper's α.
        beta: The paper's β.
        temperature: The paper's T, above 0.
        where: True keeps.

    Returns:
        Nats times T²; 0 where masked, and where a label known only at run time is outside [0, C).

    Raises:
        ValueError: If shapes differ, labels are outside [0, C), temperature ≤ 0, or there is one
            class.

    Source:
        Zhao et al. 2022, arXiv 2203.08679, equations 6 and 7. mdistiller takes 1000 from the
        label's score where the label is left out here: the same unless scores differ by as much.
        It also warms the loss up over the first epochs; that is the caller's.
    """
    temperature = check_temperature(temperature)
    alpha, beta = check_weight("alpha", alpha), check_weight("beta", beta)
    student, teacher = same_shape(student, teacher)
    check_logits("student", student, classes=2)
    labels = check_labels(labels, student, where)
    student, teacher = mask_rows(where, student, teacher)
    target = one_hot(labels, student)
    p_label, p_rest, p_hat = _split(teacher / temperature, target)
    q_label, q_rest, q_hat = _split(student / temperature, target)
    binary = divergence(p_label, q_label) + divergence(p_rest, q_rest)
    # The label's entry of both hats is 0, so its difference adds nothing.
    others = kl(p_hat, q_hat)
    both = weighted(alpha, binary) + weighted(beta, others)
    return mask_values(where, weighted(jnp.sum(target, -1), temperature**2 * both))


def normalized(
    student: Float[Array, "*B C"],
    teacher: Float[Array, "*B C"],
    labels: Int[Array, "*B"],
    *,
    gamma: Scalar = 1.5,
    temperature: Scalar = 1.0,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """Normalized knowledge distillation (NKD): two cross-entropies, label and other classes.

    −p_y log q_y at T = 1, + γ T² · (−Σ_{c≠y} p̂_c log q̂_c), the hats at T

    Both terms are cross-entropies: the minimum is not 0 and not at student = teacher, since the
    first pulls q_y to 1. T² is in the second term only.

    Args:
        student: Logits z, C ≥ 2.
        teacher: Logits v, without gradient.
        labels: Classes y in [0, C).
        gamma: The paper's γ.
        temperature: T, above 0.
        where: True keeps.

    Returns:
        Nats (the second term times T²); 0 where masked, and where a label known only at run time
        is outside [0, C).

    Raises:
        ValueError: If shapes differ, labels are outside [0, C), temperature ≤ 0, or there is one
            class.

    Source:
        Yang et al. 2023, arXiv 2303.13005 (NKD). The label's cross-entropy itself is not in it:
        the caller adds cross_entropy.
    """
    temperature, gamma = check_temperature(temperature), check_weight("gamma", gamma)
    student, teacher = same_shape(student, teacher)
    check_logits("student", student, classes=2)
    labels = check_labels(labels, student, where)
    student, teacher = mask_rows(where, student, teacher)
    target = one_hot(labels, student)
    p_label = jnp.sum(target * jax.nn.softmax(teacher), -1)
    label = -weighted(p_label, picked(jax.nn.log_softmax(student), target))
    _, _, p_hat = _split(teacher / temperature, target)
    _, _, q_hat = _split(student / temperature, target)
    # The label's entry of q̂ is 0, so it adds nothing.
    others = -jnp.sum(weighted(jnp.exp(p_hat), q_hat), -1)
    known = gamma * temperature**2 * jnp.sum(target, -1)
    return mask_values(where, label + weighted(known, others))


def _correlation(
    a: Float[Array, "B C"], b: Float[Array, "B C"], axis: int, mask: Bool[Array, "B C"]
) -> Float[Array, " N"]:
    """Pearson correlation along `axis` over the rows the mask keeps; 0 where one is constant."""
    count = jnp.maximum(jnp.sum(mask, axis, keepdims=True), 1)

    def centered(x):
        # Less its first kept entry, a constant vector is exactly, not nearly, zero.
        first = jnp.expand_dims(jnp.argmax(mask, axis), axis)
        x = jnp.where(mask, x - jax.lax.stop_gradient(jnp.take_along_axis(x, first, axis)), 0)
        return jnp.where(mask, x - jnp.sum(x, axis, keepdims=True) / count, 0)

    a, b = centered(a), centered(b)
    return jnp.sum(a * b, axis) / (norm(a, axis) * norm(b, axis) + 1e-8)


def dist(
    student: Float[Array, "*B C"],
    teacher: Float[Array, "*B C"],
    *,
    beta: Scalar = 1.0,
    gamma: Scalar = 1.0,
    temperature: Scalar = 1.0,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, ""]:
    """One minus Pearson correlation of predictions, by rows and columns of the whole batch (DIST).

    T² · [β · (1 − mean_b ρ(q_b·, p_b·)) + γ · (1 − mean_c ρ(q_·c, p_·c))], ρ the centered product
    over (the product of norms + 1e-8)

    The correlation is 0 where a row or a column is constant; so one example alone costs γ T² for
    its columns. The minimum is 0, up to that 1e-8, for any linear relation of p and q.

    Args:
        student: Logits z; all leading axes together are the batch.
        teacher: Logits v, without gradient.
        beta: The paper's β, the weight of the relation within a row.
        gamma: The paper's γ, the weight of the relation within a column.
        temperature: The paper's τ, above 0 (T here).
        where: True keeps; the others are as if absent.

    Returns:
        One number for the batch, without units; 0 where nothing is kept.

    Raises:
        ValueError: If shapes differ, the batch is empty, or temperature ≤ 0.

    Source:
        Huang et al. 2022, arXiv 2205.10536 (DIST); 1e-8 as in the authors' code. torchdistill
        bounds each norm by 1e-8 instead, about 1e-7 apart.
    """
    temperature = check_temperature(temperature)
    beta, gamma = check_weight("beta", beta), check_weight("gamma", gamma)
    student, teacher = same_shape(student, teacher)
    check_logits("student", student)
    if student.ndim < 2:
        raise ValueError(f"student has shape {student.shape}: expected [..., batch, classes]")
    student, teacher = mask_rows(where, student, teacher)
    q = jax.nn.softmax(student / temperature).reshape(-1, student.shape[-1])
    p = jax.nn.softmax(teacher / temperature).reshape(q.shape)
    kept = full_mask(where, student.shape[:-1]).reshape(-1)
    count = jnp.sum(kept)
    mask = jnp.broadcast_to(kept[:, None], q.shape)
    rows = jnp.sum(_correlation(q, p, 1, mask)) / jnp.maximum(count, 1)
    columns = jnp.mean(_correlation(q, p, 0, mask))
    relation = beta * (1 - rows) + gamma * (1 - columns)
    return jnp.where(count > 0, temperature**2 * relation, 0)
