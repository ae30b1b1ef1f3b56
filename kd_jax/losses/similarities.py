"""Losses on similarity matrices of a batch: SP, CCKD and PKT.

Notation and conventions as in relations: one number for the whole batch.
"""

import functools
import math

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kd_jax.losses._math import lowered, norm, unit
from kd_jax.losses._numbers import Scalar, check_positive, static_int
from kd_jax.losses._pairs import batch_rows, gram, kept_pairs, mean_of
from kd_jax.losses._scales import exponent, rescaled, shifted


def similarity_preserving(
    student: Float[Array, " B *D"],
    teacher: Float[Array, " B *E"],
    *,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, ""]:
    """Squared difference of the whole batch's similarity matrices, rows normalized (SP).

    ‖G̃_s − G̃_t‖²_F / B², G = X Xᵀ, each row of G̃ that of G over its l2 norm (0 for a dead row)

    Args:
        student: Features s, the rows of X on its side (the paper's Q_S).
        teacher: Features t, without gradient (Q_T).
        where: True keeps.

    Returns:
        One number without units; 0 for one example that is not all zeros.

    Raises:
        ValueError: If batches differ or are empty.

    Source:
        Tung and Mori 2019, arXiv 1907.09682 (SP), equation 4 for one pair of layers, without γ; as
        in RepDistiller and mdistiller. torchdistill divides by the l1 norm: `normalize(x, 1)` sets
        the order of the norm, not its axis.
    """
    student, teacher, where = batch_rows(student, teacher, where)
    difference = unit(gram(lowered(student))) - unit(gram(lowered(teacher)))
    return mean_of(difference**2, kept_pairs(where))


def correlation_congruence(
    student: Float[Array, " B *D"],
    teacher: Float[Array, " B *E"],
    *,
    gamma: Scalar = 0.4,
    order: int = 2,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, ""]:
    """Frobenius distance of the whole batch's Gaussian kernel matrices, over B² (CCKD).

    ‖K_s − K_t‖_F / B² (not squared), K_ij = e^{−2γ} Σ_{p=0}^{P} (2γ)^p/p! · (x_i·x_j)^p, the Taylor
    expansion of a Gaussian kernel on unit vectors

    The features are not normalized here: do it before, if wanted. The gradient at equal kernels is
    0.

    Args:
        student: Features s.
        teacher: Features t, without gradient.
        gamma: The paper's γ, above 0.
        order: The paper's P, a whole number ≥ 0; static.
        where: True keeps.

    Returns:
        One number without units.

    Raises:
        ValueError: If batches differ or are empty, gamma ≤ 0, or order is below 0 or traced.

    Source:
        Peng et al. 2019, arXiv 1904.01802 (CCKD), as torchdistill's "gaussian" kernel with
        "batchmean". What RepDistiller calls CC is adjacent_correlation.
    """
    gamma, order = check_positive("gamma", gamma), static_int("order", order, 0)
    student, teacher, where = batch_rows(student, teacher, where)
    if not order:  # both kernels are the same number
        return jnp.zeros((), student.dtype)
    by = exponent(student, teacher, least=32 // order)
    lead = jnp.where(by > 0, order, 1)  # the power that is largest of large, and of small features
    distance = functools.partial(_kernel_distance, order)
    arrays = student, teacher, jnp.asarray(gamma, student.dtype)
    total = (2 * lead * by).reshape(())
    return rescaled(distance, arrays, (by, by, 0), total, by, lead, where)


def _kernel_distance(order, student, teacher, gamma, by, lead, where):
    """‖K_s − K_t‖_F / B² of features times 2^−by, times 2^(−2 lead · by).

    p = 0 is the same on both sides, where it would hide what small features add to it.
    """
    difference = jnp.zeros((len(where),) * 2, student.dtype)
    for p in range(1, order + 1):
        # (2γ)^p alone, or e^{2γ}, may be infinite
        weight = jnp.exp(p * jnp.log(2 * gamma) - 2 * gamma - math.lgamma(p + 1))
        change = gram(student) ** p - gram(teacher) ** p
        difference += weight * shifted(change, 2 * (p - lead) * by)
    difference = jnp.where(kept_pairs(where), difference, 0)
    return norm(difference.reshape(-1)) / jnp.maximum(jnp.sum(where), 1) ** 2


def probabilistic_transfer(
    student: Float[Array, " B *D"],
    teacher: Float[Array, " B *E"],
    *,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, ""]:
    """Divergence of the whole batch's similarities seen as probability distributions (PKT).

    mean_ij p^t_ij log((p^t_ij + ε)/(p^s_ij + ε)), p_ij = κ_ij / Σ_k κ_ik, κ = (cosine + 1)/2, with
    i = j counted; ε = 1e-7, also added to the norms in the cosine

    A mean over B² entries: B times smaller than the mean over rows of a divergence.

    Args:
        student: Features s.
        teacher: Features t, without gradient.
        where: True keeps.

    Returns:
        One number in nats; 0 for one example.

    Raises:
        ValueError: If batches differ or are empty.

    Source:
        Passalis and Tefas 2018, arXiv 1803.10837 (PKT), the cosine form of the authors' code, as
        in RepDistiller and mdistiller; some codes take ε = 1e-6.
    """
    student, teacher, where = batch_rows(student, teacher, where)
    pairs, eps = kept_pairs(where), 1e-7

    def conditional(x):
        x = lowered(x, axis=-1)
        x = x / (norm(x, keepdims=True) + eps)
        # Rounding may take a cosine below −1, and the logarithm would then be NaN.
        affinity = jnp.where(pairs, jnp.maximum((gram(x) + 1) / 2, 0), 0)
        total = jnp.sum(affinity, -1, keepdims=True)
        return affinity / jnp.where(total > 0, total, 1)

    p, q = conditional(teacher), conditional(student)
    return mean_of(p * jnp.log((p + eps) / (q + eps)), pairs)
