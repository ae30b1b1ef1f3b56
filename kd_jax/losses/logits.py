"""Losses on class scores; decoupled, normalized and dist live in logit_parts.

Notation: z are the student's logits, v the teacher's, y the label, C the number
of classes, T the temperature; p = softmax(v/T) and q = softmax(z/T).
"""

import jax
import jax.numpy as jnp

from kd_jax.losses._arrays import (
    check_labels,
    check_logits,
    fraction,
    hide,
    keep,
    matched,
    one_hot,
    positive,
    raised,
)
from kd_jax.losses._math import kl, norm
from kd_jax.losses.logit_parts import decoupled, dist, normalized

__all__ = [
    "cross_entropy",
    "decoupled",
    "dist",
    "label_smoothing",
    "logit_matching",
    "normalized",
    "soft_targets",
    "standardize_logits",
    "teacher_free",
]


def cross_entropy(student, labels, *, where=None):
    """Cross-entropy of the labels: −log softmax(z)_y.

    Args: student z [..., C]; labels y [...], integers in [0, C); where [...], True keeps.
    Returns: nats, [...]; 0 where masked.
    Raises: ValueError on labels of another shape or outside [0, C).
    Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 2 (the hard term, T = 1).
    """
    return label_smoothing(student, labels, epsilon=0.0, where=where)


def label_smoothing(student, labels, *, epsilon=0.1, where=None):
    """Cross-entropy with labels mixed with the uniform distribution.

    −Σ_c [(1 − ε)·1(c = y) + ε/C] · log softmax(z)_c, with ε = `epsilon`.

    Args: student z [..., C]; labels y [...], integers in [0, C); epsilon in [0, 1];
      where [...], True keeps.
    Returns: nats, [...]; 0 where masked.
    Raises: ValueError on labels of another shape or outside [0, C), or epsilon outside [0, 1].
    Source: Szegedy et al. 2016, arXiv 1512.00567, section 7. The label itself receives ε/C too;
      the form that spreads ε over the other classes only is this one at ε·C/(C − 1).
    """
    epsilon = fraction("epsilon", epsilon)
    student = raised(student)
    check_logits("student", student)
    labels = check_labels(labels, student)
    (student,) = hide(where, student)
    log_q = jax.nn.log_softmax(student)
    hard = -jnp.sum(one_hot(labels, student) * log_q, -1)
    return keep(where, (1 - epsilon) * hard - epsilon * jnp.mean(log_q, -1))


def soft_targets(student, teacher, *, temperature=1.0, where=None):
    """Divergence of the student from the teacher's softened predictions, times T².

    T² · KL(p ‖ q) = T² · Σ_c p_c (log p_c − log q_c), with T = `temperature`. The factor keeps
    the gradient's size as T changes (∂/∂z = T (q − p)), so that a mixture with the labels
    need not be tuned again for each T. It differs from T² times the paper's cross-entropy by the
    teacher's entropy, a constant: same gradient, and a minimum of 0.

    Args: student z [..., C]; teacher v [..., C], detached; temperature > 0; where [...].
    Returns: nats times T², [...]; 0 where masked.
    Raises: ValueError on different shapes or temperature ≤ 0.
    Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, equations 1 and 2 and section 2.
    """
    temperature = positive("temperature", temperature)
    student, teacher = matched(student, teacher)
    check_logits("student", student)
    student, teacher = hide(where, student, teacher)
    log_p = jax.nn.log_softmax(teacher / temperature)
    log_q = jax.nn.log_softmax(student / temperature)
    return keep(where, temperature**2 * kl(log_p, log_q))


def logit_matching(student, teacher, *, where=None):
    """Half the mean squared difference of the centred logits, the T → ∞ limit of soft_targets.

    ½ · (1/C) Σ_c ((z_c − mean z) − (v_c − mean v))²

    Args: student z [..., C]; teacher v [..., C], detached; where [...], True keeps.
    Returns: squared logits, [...]; 0 where masked.
    Raises: ValueError on different shapes.
    Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, equation 4 (Ba and Caruana 2014,
      arXiv 1312.6184, regress the logits without centring).
    """
    student, teacher = matched(student, teacher)
    check_logits("student", student)
    student, teacher = hide(where, student, teacher)
    difference = student - teacher
    centred = difference - jnp.mean(difference, -1, keepdims=True)
    return keep(where, 0.5 * jnp.mean(centred**2, -1))


def standardize_logits(logits, *, eps=1e-7):
    """Logits with mean 0 and standard deviation 1 in each row: a transform, not a loss.

    (z − mean z) / (std z + ε), with the unbiased std (C − 1 in the denominator) and ε = `eps`.
    Give soft_targets both sides transformed, and any temperature: scale and shift of the teacher's
    logits then need not be matched. The gradient passes; a constant row gives zeros.

    Args: logits [..., C], of student or teacher; eps > 0.
    Returns: an array of the shape of `logits`, without units.
    Raises: ValueError on no classes or eps ≤ 0.
    Source: Sun et al. 2024, arXiv 2403.01427 (Z-score logit standardization). The authors' code
      adds ε as here. C = 1 gives 0 here, NaN there.
    """
    eps = positive("eps", eps)
    logits = raised(logits)
    check_logits("logits", logits)
    # Taking the first score away beforehand makes a constant row exactly, not nearly, zero.
    shifted = logits - jax.lax.stop_gradient(logits[..., :1])
    centred = shifted - jnp.mean(shifted, -1, keepdims=True)
    deviation = norm(centred, keepdims=True) / max(logits.shape[-1] - 1, 1) ** 0.5
    return centred / (deviation + eps)


def teacher_free(student, labels, *, temperature=20.0, confidence=0.99, where=None):
    """Divergence of the student from a hand-made teacher that knows the label, no T².

    KL(p ‖ softmax(z)) with p = softmax(d/T), d = a at the label and (1 − a)/(C − 1) elsewhere;
    a = `confidence`, T = `temperature` softens the virtual teacher only. d holds probabilities,
    which the softmax takes as scores; at T = 20 p is therefore close to uniform.

    Args: student z [..., C], C ≥ 2; labels y [...], integers in [0, C); temperature > 0;
      confidence in [0, 1]; where [...], True keeps.
    Returns: nats, [...]; 0 where masked, and where the label is known only at run time and is
      outside [0, C).
    Raises: ValueError on labels of another shape or outside [0, C), temperature ≤ 0, confidence
      outside [0, 1], or one class.
    Source: Yuan et al. 2020, arXiv 1909.11723, section 4 (Tf-KD reg). The authors' code mixes
      (1 − α)·cross_entropy + α·multiplier·this, and divides this by C (a mean over classes).
    """
    temperature = positive("temperature", temperature)
    confidence = fraction("confidence", confidence)
    student = raised(student)
    check_logits("student", student, classes=2)
    labels = check_labels(labels, student)
    (student,) = hide(where, student)
    target = one_hot(labels, student)
    scores = target * confidence + (1 - target) * (1 - confidence) / (student.shape[-1] - 1)
    log_p = jax.nn.log_softmax(scores / temperature)
    divergence = kl(log_p, jax.nn.log_softmax(student))
    return keep(where, divergence * jnp.sum(target, -1))
