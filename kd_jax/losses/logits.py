"""Losses on class logits: soft targets, logit matching, label smoothing, teacher-free.

Notation: z are the student's logits, v the teacher's, y the label, C the number
of classes, T the temperature; p = softmax(v/T) and q = softmax(z/T).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kd_jax.losses._arrays import (
    check_labels,
    check_logits,
    mask_rows,
    mask_values,
    one_hot,
    picked,
    promoted,
    same_shape,
)
from kd_jax.losses._math import kl, weighted
from kd_jax.losses._numbers import Scalar, check_fraction, check_temperature


def cross_entropy(
    student: Float[Array, "*B C"],
    labels: Int[Array, "*B"],
    *,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """Cross-entropy of integer labels.

    −log softmax(z)_y

    Args:
        student: Logits z.
        labels: Classes y in [0, C).
        where: True keeps.

    Returns:
        Nats; 0 where masked.

    Raises:
        ValueError: If labels have another shape or are outside [0, C).

    Source:
        Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 2 (the hard term, T = 1).
    """
    student = promoted(student)
    check_logits("student", student)
    labels = check_labels(labels, student, where)
    (student,) = mask_rows(where, student)
    log_q = jax.nn.log_softmax(student)
    return mask_values(where, -picked(log_q, one_hot(labels, student)))


def label_smoothing(
    student: Float[Array, "*B C"],
    labels: Int[Array, "*B"],
    *,
    epsilon: Scalar = 0.1,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """Cross-entropy of labels mixed with the uniform distribution (label smoothing).

    −Σ_c [(1 − ε)·1(c = y) + ε/C] · log softmax(z)_c

    Args:
        student: Logits z.
        labels: Classes y in [0, C).
        epsilon: The paper's ε, in [0, 1].
        where: True keeps.

    Returns:
        Nats; 0 where masked.

    Raises:
        ValueError: If labels have another shape or are outside [0, C), or epsilon is outside
            [0, 1].

    Source:
        Szegedy et al. 2016, arXiv 1512.00567, section 7. The label itself receives ε/C too; the
        form that spreads ε over the other classes only is this one at ε·C/(C − 1).
    """
    epsilon = check_fraction("epsilon", epsilon)
    student = promoted(student)
    check_logits("student", student)
    labels = check_labels(labels, student, where)
    (student,) = mask_rows(where, student)
    log_q = jax.nn.log_softmax(student)
    hard, uniform = -picked(log_q, one_hot(labels, student)), -jnp.mean(log_q, -1)
    return mask_values(where, weighted(1 - epsilon, hard) + weighted(epsilon, uniform))


def soft_targets(
    student: Float[Array, "*B C"],
    teacher: Float[Array, "*B C"],
    *,
    temperature: Scalar = 1.0,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """Kullback-Leibler divergence to the teacher's softened predictions, times T².

    T² · KL(p ‖ q) = T² · Σ_c p_c (log p_c − log q_c)

    The factor keeps the gradient's size as T changes (∂/∂z = T (q − p)), so that a mixture with
    the labels need not be tuned again for each T. It differs from T² times the paper's
    cross-entropy by the teacher's entropy, a constant: same gradient, and a minimum of 0.

    Args:
        student: Logits z.
        teacher: Logits v, without gradient.
        temperature: The paper's T, above 0.
        where: True keeps.

    Returns:
        Nats times T²; 0 where masked.

    Raises:
        ValueError: If shapes differ or temperature ≤ 0.

    Source:
        Hinton, Vinyals and Dean 2015, arXiv 1503.02531, equations 1 and 2 and section 2.
    """
    temperature = check_temperature(temperature)
    student, teacher = same_shape(student, teacher)
    check_logits("student", student)
    student, teacher = mask_rows(where, student, teacher)
    log_p = jax.nn.log_softmax(teacher / temperature)
    log_q = jax.nn.log_softmax(student / temperature)
    return mask_values(where, temperature**2 * kl(log_p, log_q))


def _centered(student: Array, teacher: Array) -> tuple[Array, Array]:
    """Differences less their mean, 0 where the teacher's logit is −∞, and 1/(how many others)."""
    present = teacher != -jnp.inf
    share = 1 / jnp.sum(present, -1, keepdims=True, dtype=student.dtype)
    difference = jnp.where(present, student - teacher, 0)
    mean = jnp.sum(difference, -1, keepdims=True) * share
    return jnp.where(present, difference - mean, 0), share


@jax.custom_jvp  # by itself JAX would go through the mask once more for the gradient
def _half_variance(student: Array, teacher: Array) -> Array:
    centered, share = _centered(student, teacher)
    return 0.5 * jnp.sum(centered**2, -1) * share[..., 0]


@_half_variance.defjvp
def _(primals, tangents):
    centered, share = _centered(*primals)
    moved = jnp.sum(centered * (tangents[0] - tangents[1]), -1) * share[..., 0]
    return _half_variance(*primals), moved


def logit_matching(
    student: Float[Array, "*B C"],
    teacher: Float[Array, "*B C"],
    *,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """Half the mean squared difference of centered logits, the T → ∞ limit of soft_targets.

    ½ · (1/C) Σ_c ((z_c − mean z) − (v_c − mean v))²

    A class whose v is −∞ is left out, of the means too.

    Args:
        student: Logits z.
        teacher: Logits v, without gradient.
        where: True keeps.

    Returns:
        Squared logits; 0 where masked.

    Raises:
        ValueError: If shapes differ.

    Source:
        Hinton, Vinyals and Dean 2015, arXiv 1503.02531, equation 4 (Ba and Caruana 2014, arXiv
        1312.6184, regress the logits without centering).
    """
    student, teacher = same_shape(student, teacher)
    check_logits("student", student)
    student, teacher = mask_rows(where, student, teacher)
    return mask_values(where, _half_variance(student, teacher))


def teacher_free(
    student: Float[Array, "*B C"],
    labels: Int[Array, "*B"],
    *,
    temperature: Scalar = 20.0,
    confidence: Scalar = 0.99,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """Divergence from a hand-made teacher that knows the label (teacher-free distillation), no T².

    KL(p ‖ softmax(z)) with p = softmax(d/T), d = a at the label and (1 − a)/(C − 1) elsewhere

    d holds probabilities, which the softmax takes as scores; at T = 20 p is therefore close to
    uniform.

    Args:
        student: Logits z, C ≥ 2.
        labels: Classes y in [0, C).
        temperature: T, above 0; it softens the virtual teacher only.
        confidence: The paper's a, in [0, 1].
        where: True keeps.

    Returns:
        Nats; 0 where masked, and where a label known only at run time is outside [0, C).

    Raises:
        ValueError: If labels have another shape or are outside [0, C), temperature ≤ 0, confidence
            is outside [0, 1], or there is one class.

    Source:
        Yuan et al. 2020, arXiv 1909.11723, section 4 (Tf-KD reg). The authors' code mixes
        (1 − α)·cross_entropy + α·multiplier·this, and divides this by C (a mean over classes).
    """
    temperature = check_temperature(temperature)
    confidence = check_fraction("confidence", confidence)
    student = promoted(student)
    check_logits("student", student, classes=2)
    labels = check_labels(labels, student, where)
    (student,) = mask_rows(where, student)
    target = one_hot(labels, student)
    scores = target * confidence + (1 - target) * (1 - confidence) / (student.shape[-1] - 1)
    log_p = jax.nn.log_softmax(scores / temperature)
    divergence = kl(log_p, jax.nn.log_softmax(student))
    return mask_values(where, weighted(jnp.sum(target, -1), divergence))
