"""Losses on how the examples of a batch lie to each other: one number for the whole batch;
contrastive and its bank live in contrastive.

Notation: s_i is the student's feature of example i, t_i the teacher's, flattened to a vector,
B the number of examples. The widths of student and teacher may differ unless said otherwise.
`where` [B] leaves examples out: they are as if absent, in the sums and in what these are
divided by. With nothing kept the loss is 0.
"""

import math

import jax
import jax.numpy as jnp

from kd_jax.losses._arrays import (
    check_full,
    hide,
    mask_of,
    matched,
    matched_batch,
    positive,
    whole,
)
from kd_jax.losses._math import einsum, flat, norm, smooth_l1, unit
from kd_jax.losses.contrastive import contrastive, contrastive_constants, update_bank

__all__ = [
    "adjacent_correlation",
    "contrastive",
    "contrastive_constants",
    "correlation_congruence",
    "probabilistic_transfer",
    "relational_angle",
    "relational_distance",
    "similarity_preserving",
    "update_bank",
]


def _batch(student, teacher, where, match=matched_batch):
    """Both as [B, D] with zeros in masked rows, and the mask of the examples, [B]."""
    student, teacher = match(student, teacher)
    check_full("student", student)
    check_full("teacher", teacher)
    where = mask_of(where, student.shape[:1])
    student, teacher = hide(where, flat(student), flat(teacher))
    return student, teacher, where


def _pairs(where):
    return where[:, None] & where[None, :]


def _mean(values, mask):
    """Mean of the values the mask keeps, 0 when it keeps none."""
    return jnp.sum(jnp.where(mask, values, 0)) / jnp.maximum(jnp.sum(mask), 1)


def _gram(x):
    return einsum("id,jd->ij", x, x)


def _distances(x, apart):
    """Distances of the pairs in `apart`, divided by their mean; 0 for the other pairs."""
    # Distances do not change with the origin, and near it the products lose fewer digits.
    x = x - jax.lax.stop_gradient(jnp.mean(x, 0))
    squares = jnp.sum(x**2, -1)
    squared = jnp.maximum(squares[:, None] + squares[None, :] - 2 * _gram(x), 1e-12)
    distances = jnp.where(apart, jnp.sqrt(squared), 0)
    mean = _mean(distances, apart)
    return distances / jnp.where(mean > 0, mean, 1)


def relational_distance(student, teacher, *, where=None):
    """Difference of the pairwise distances of the whole batch, each side's over its mean.

    mean_ij h(d^s_ij/d̄^s − d^t_ij/d̄^t), d_ij = ‖x_i − x_j‖ (at least 1e-6 for i ≠ j), d̄ its mean
    over i ≠ j (the paper's μ), h the smooth L1 (Huber) loss; i = j counts, as 0.

    Args: student s [B, ...]; teacher t [B, ...], detached; where [B], True keeps.
    Returns: one number, no units; 0 for one example.
    Raises: ValueError on different or empty batches.
    Source: Park et al. 2019, arXiv 1904.05068 (RKD-D), as in RepDistiller, mdistiller and
      torchdistill, which multiply it by 25 and add 50 times relational_angle.
    """
    student, teacher, where = _batch(student, teacher, where)
    pairs = _pairs(where)
    apart = pairs & ~jnp.eye(len(where), dtype=bool)
    difference = _distances(student, apart) - _distances(teacher, apart)
    return _mean(smooth_l1(difference), pairs)


def _cosines(x, pairs):
    """[i, j, k]: the cosine at corner i of the angle between the directions to j and k."""
    directions = jnp.where(pairs[..., None], unit(x[None, :] - x[:, None]), 0)
    return einsum("ijd,ikd->ijk", directions, directions)


def relational_angle(student, teacher, *, where=None):
    """Difference of the cosines at all corners of all triangles of the whole batch.

    mean_ijk h(⟨e^s_ij, e^s_ik⟩ − ⟨e^t_ij, e^t_ik⟩), e_ij = (x_j − x_i)/‖x_j − x_i‖, 0 when i = j or
    the two coincide; h the smooth L1 (Huber) loss; all B³ triplets count, also degenerate ones.
    Needs memory for B³ + B²D numbers.

    Args: student s [B, ...]; teacher t [B, ...], detached; where [B], True keeps.
    Returns: one number, no units; 0 for one example.
    Raises: ValueError on different or empty batches.
    Source: Park et al. 2019, arXiv 1904.05068 (RKD-A), as in RepDistiller, mdistiller and
      torchdistill, which multiply it by 50.
    """
    student, teacher, where = _batch(student, teacher, where)
    pairs = _pairs(where)
    difference = _cosines(student, pairs) - _cosines(teacher, pairs)
    return _mean(smooth_l1(difference), pairs[:, :, None] & where)


def similarity_preserving(student, teacher, *, where=None):
    """Squared difference of the similarity matrices of the whole batch, rows normalised.

    ‖G̃_s − G̃_t‖²_F / B², G = X Xᵀ, each row of G̃ that of G over its l2 norm (0 for a dead row).

    Args: student s [B, ...]; teacher t [B, ...], detached; where [B], True keeps.
    Returns: one number, no units; 0 for one example that is not all zeros.
    Raises: ValueError on different or empty batches.
    Source: Tung and Mori 2019, arXiv 1907.09682 (SP), equation 4 for one pair of layers, without γ;
      as in RepDistiller and mdistiller. torchdistill divides by the l1 norm: `normalize(x, 1)` sets
      the order of the norm, not its axis.
    """
    student, teacher, where = _batch(student, teacher, where)
    difference = unit(_gram(student)) - unit(_gram(teacher))
    return _mean(difference**2, _pairs(where))


def correlation_congruence(student, teacher, *, gamma=0.4, order=2, where=None):
    """Distance of the kernel matrices of the whole batch, over B².

    ‖K_s − K_t‖_F / B² (not squared), K_ij = e^{−2γ} Σ_{p=0}^{P} (2γ)^p/p! · (x_i·x_j)^p, the Taylor
    expansion of a Gaussian kernel on unit vectors; γ = `gamma`, P = `order`. The features are not
    normalised here: do it before, if wanted. The gradient at equal kernels is 0.

    Args: student s [B, ...]; teacher t [B, ...], detached; gamma > 0; order a whole number ≥ 0,
      static; where [B], True keeps.
    Returns: one number, no units.
    Raises: ValueError on different or empty batches, gamma ≤ 0, or order below 0 or traced.
    Source: Peng et al. 2019, arXiv 1904.01802 (CCKD), as torchdistill's "gaussian" kernel with
      "batchmean". What RepDistiller calls CC is adjacent_correlation.
    """
    gamma, order = positive("gamma", gamma), whole("order", order, 0)
    student, teacher, where = _batch(student, teacher, where)
    weights = [(2 * gamma) ** p / math.factorial(p) for p in range(order + 1)]

    def kernel(x):
        products = _gram(x)
        return jnp.exp(-2 * gamma) * sum(w * products**p for p, w in enumerate(weights))

    difference = jnp.where(_pairs(where), kernel(student) - kernel(teacher), 0)
    return norm(difference.reshape(-1)) / jnp.maximum(jnp.sum(where), 1) ** 2


def adjacent_correlation(student, teacher, *, where=None):
    """Product of the errors of neighbours in the whole batch, in the order it is given.

    mean over i = 1 … B − 1 of Σ_d δ_id δ_(i+1)d, δ = |s − t|. It is 0 without equality, when of any
    two neighbours one is matched; and depends on the order of the batch.

    Args: student s [B, ...]; teacher t of the same shape, detached; where [B], True keeps: a pair
      counts when both are kept.
    Returns: one number, squared features; 0 for one example.
    Raises: ValueError on different shapes or an empty batch.
    Source: RepDistiller's Correlation, from the authors of Peng et al. 2019, arXiv 1904.01802,
      as it says. The paper's loss is correlation_congruence.
    """
    student, teacher, where = _batch(student, teacher, where, match=matched)
    error = jnp.abs(student - teacher)
    return _mean(jnp.sum(error[:-1] * error[1:], -1), where[:-1] & where[1:])


def probabilistic_transfer(student, teacher, *, where=None):
    """Divergence of the similarity distributions of the whole batch.

    mean_ij p^t_ij log((p^t_ij + ε)/(p^s_ij + ε)), p_ij = κ_ij / Σ_k κ_ik, κ = (cosine + 1)/2, with
    i = j counted; ε = 1e-7, also added to the norms in the cosine. A mean over B² entries: B times
    smaller than the mean over rows of a divergence.

    Args: student s [B, ...]; teacher t [B, ...], detached; where [B], True keeps.
    Returns: one number, nats; 0 for one example.
    Raises: ValueError on different or empty batches.
    Source: Passalis and Tefas 2018, arXiv 1803.10837 (PKT), the cosine form of the authors' code,
      as in RepDistiller and mdistiller; some codes take ε = 1e-6.
    """
    student, teacher, where = _batch(student, teacher, where)
    pairs, eps = _pairs(where), 1e-7

    def conditional(x):
        x = x / (norm(x, keepdims=True) + eps)
        # Rounding may take a cosine below −1, and the logarithm would then be NaN.
        affinity = jnp.where(pairs, jnp.maximum((_gram(x) + 1) / 2, 0), 0)
        total = jnp.sum(affinity, -1, keepdims=True)
        return affinity / jnp.where(total > 0, total, 1)

    p, q = conditional(teacher), conditional(student)
    return _mean(p * jnp.log((p + eps) / (q + eps)), pairs)
