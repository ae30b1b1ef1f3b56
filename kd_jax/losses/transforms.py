"""Transforms of class logits, before a loss: of probabilities, and to one scale."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from kd_jax.losses._arrays import check_logits, check_probabilities, detached, promoted
from kd_jax.losses._math import lowering, norm
from kd_jax.losses._numbers import Scalar, check_positive


def as_logits(probabilities: Float[Array, "*B C"]) -> Float[Array, "*B C"]:
    """Finite logits of a teacher that gives probabilities: a transform, not a loss.

    log max(p, 2⁻¹²⁶), whose softmax is p: a zero becomes less than 10⁻³⁷

    With them `soft_targets` at T = 1 is the cross-entropy to p less its entropy, a constant; at
    other temperatures it softens p^(1/T)/Σ p^(1/T).

    Args:
        probabilities: p of a teacher, no negative entries, rows that sum to 1. No gradient.

    Returns:
        Logits in nats.

    Raises:
        ValueError: If there are no classes, or a row that is known while tracing has a negative or
            non-finite entry or sums to another number than 1 ± 0.01, as logits do.

    Source:
        Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 2: logits serve up to a constant.
    """
    if not isinstance(probabilities, jax.core.Tracer):
        check_probabilities("probabilities", np.asarray(probabilities))
    p = detached(probabilities)
    check_logits("probabilities", p)
    return jnp.log(jnp.maximum(p, jnp.finfo(jnp.float32).tiny))


def standardize_logits(logits: Float[Array, "*B C"], *, eps: Scalar = 1e-7) -> Float[Array, "*B C"]:
    """Logits with mean 0 and standard deviation 1 in each row: a transform, not a loss.

    (z − mean z) / (std z + ε), with the unbiased std (C − 1 in the denominator)

    Give soft_targets both sides transformed, and any temperature: scale and shift of the teacher's
    logits then need not be matched. The gradient passes; a constant row gives zeros. −∞ stays, and
    the mean and the deviation are those of the other classes.

    Args:
        logits: Of student or teacher.
        eps: ε, above 0.

    Returns:
        Logits without units.

    Raises:
        ValueError: If there are no classes or eps ≤ 0.

    Source:
        Sun et al. 2024, arXiv 2403.01427 (Z-score logit standardization). The authors' code adds ε
        as here. C = 1 gives 0 here, NaN there.
    """
    eps = check_positive("eps", eps)
    logits = promoted(logits)
    check_logits("logits", logits)
    present = logits != -jnp.inf
    count = jnp.sum(present, -1, keepdims=True, dtype=logits.dtype)
    # Taking the largest score away beforehand makes a constant row exactly, not nearly, zero.
    largest = jax.lax.stop_gradient(jnp.max(logits, -1, keepdims=True))
    shifted = jnp.where(present, logits - largest, 0)
    mean = jnp.sum(shifted, -1, keepdims=True) / count
    centered = jnp.where(present, shifted - mean, 0)
    by = lowering(centered, axis=-1)  # the derivative of a quotient squares what divides
    centered, eps = centered * by, eps * by
    deviation = norm(centered, keepdims=True) / jnp.maximum(count - 1, 1) ** 0.5
    return jnp.where(present, centered / (deviation + eps), -jnp.inf)
