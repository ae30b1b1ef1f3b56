"""Losses on class scores.

Notation: z are the student's logits, v the teacher's, y the label, C the number
of classes, T the temperature; p = softmax(v/T) and q = softmax(z/T).
"""

import jax
import jax.numpy as jnp

from kd_jax.losses._arrays import (
    check_labels,
    check_logits,
    check_positive,
    hide,
    keep,
    matched,
    raised,
)


def _target(labels, logits):
    # A product with the one-hot target vmaps into fused loops; a gather does not.
    return jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype)


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
    if not isinstance(epsilon, jax.core.Tracer) and not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon is {epsilon}: expected a number in [0, 1]")
    student = raised(student)
    check_logits("student", student)
    labels = check_labels(labels, student)
    (student,) = hide(where, student)
    log_q = jax.nn.log_softmax(student)
    hard = -jnp.sum(_target(labels, student) * log_q, -1)
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
    check_positive("temperature", temperature)
    student, teacher = matched(student, teacher)
    check_logits("student", student)
    student, teacher = hide(where, student, teacher)
    log_p = jax.nn.log_softmax(teacher / temperature)
    log_q = jax.nn.log_softmax(student / temperature)
    divergence = jnp.sum(jnp.exp(log_p) * (log_p - log_q), -1)
    return keep(where, temperature**2 * divergence)


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
