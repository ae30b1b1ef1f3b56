"""Losses on hidden layers, entry by entry; those on summaries of maps live in summaries.

Notation: s is the student's feature (after its trainable projector, where one is needed), t the
teacher's, both [B, ...] with maps in NHWC; the result is one value per example.
"""

import jax
import jax.numpy as jnp

from kd_jax.losses._arrays import (
    check_full,
    hide,
    keep,
    matched,
    positive,
    raised,
)
from kd_jax.losses._math import flat, pool, unit
from kd_jax.losses.feature_maps import (
    attention_transfer,
    attention_transfer_paper,
    flow,
    neuron_selectivity,
)

__all__ = [
    "activation_boundary",
    "attention_transfer",
    "attention_transfer_paper",
    "factor_transfer",
    "flow",
    "hint",
    "neuron_selectivity",
    "review_pyramid",
    "variational_information",
]


def hint(student, teacher, *, where=None):
    """Mean squared difference of two hidden layers.

    mean over all entries of (s − t)², s = r(v_g) the regressed guided layer of the paper, t = u_h
    the hint layer. The regressor is models.projectors.Projector; nothing is pooled.

    Args: student s [B, ...]; teacher t of the same shape, detached; where [B], True keeps.
    Returns: squared features, [B]; 0 where masked.
    Raises: ValueError on different shapes or an empty batch.
    Source: Romero et al. 2015, arXiv 1412.6550, equation 3, which has ½ and the sum in place of
      the mean here (and in RepDistiller and mdistiller).
    """
    student, teacher = matched(student, teacher)
    check_full("student", student)
    student, teacher = hide(where, student, teacher)
    return keep(where, jnp.mean(flat((student - teacher) ** 2), -1))


def factor_transfer(student, teacher, *, where=None):
    """Mean absolute difference of the student's and the teacher's factors, as unit vectors.

    mean |s/‖s‖ − t/‖t‖| over the flattened entries: t is the paraphraser's factor F_T, s the
    translator's F_S (models.projectors.Paraphraser and Translator). A factor of zeros stays zero.

    Args: student s [B, ...]; teacher t of the same shape, detached; where [B], True keeps.
    Returns: no units, [B]; 0 where masked.
    Raises: ValueError on different shapes or an empty batch.
    Source: Kim, Park and Kwak 2018, arXiv 1802.04977 (the paper's norm p = 1, as a mean instead of
      a sum). RepDistiller's FT compares attention maps instead, without the two networks.
    """
    student, teacher = matched(student, teacher)
    check_full("student", student)
    student, teacher = hide(where, student, teacher)
    return keep(where, jnp.mean(jnp.abs(unit(flat(student)) - unit(flat(teacher))), -1))


def variational_information(student, teacher, variance_logit, *, eps=1e-5, where=None):
    """Negative Gaussian log-likelihood of the teacher's layer under the student's prediction.

    mean over entries of ½ [(t − s)²/σ² + log σ²], σ²_c = softplus(a_c) + ε: s is the predicted
    mean μ, a = `variance_logit` (the paper's α) has one entry per channel, ε = `eps`. The constant
    ½ log 2π is left out, and so the loss can be negative. Its minimum in s is ½ mean log σ².

    Args: student s [B, ..., D]; teacher t of the same shape, detached; variance_logit a [D], whose
      gradient passes; eps > 0; where [B], True keeps.
    Returns: nats per entry, [B]; 0 where masked.
    Raises: ValueError on different shapes, an empty batch or eps ≤ 0.
    Source: Ahn et al. 2019, arXiv 1904.05835 (VID), as a mean over entries where the paper sums.
      RepDistiller puts the regressor inside the loss; here it is models.projectors.Regressor.
    """
    eps = positive("eps", eps)
    student, teacher = matched(student, teacher)
    check_full("student", student)
    variance_logit = raised(variance_logit)
    if variance_logit.shape != student.shape[-1:]:
        raise ValueError(
            f"variance_logit has shape {variance_logit.shape} and student {student.shape}: "
            f"expected {student.shape[-1:]}, one per channel"
        )
    student, teacher = hide(where, student, teacher)
    variance = jax.nn.softplus(variance_logit) + eps
    surprise = 0.5 * ((teacher - student) ** 2 / variance + jnp.log(variance))
    return keep(where, jnp.mean(flat(surprise), -1))


def activation_boundary(student, teacher, *, margin=1.0, where=None):
    """Squared hinge that puts the student's units on the teacher's side of zero.

    Σ over entries of (s + m)² where t ≤ 0 and s > −m, (s − m)² where t > 0 and s ≤ m: s and t are
    before the activation, m = `margin`. Zero once every s is on t's side by the margin; so
    student = teacher is not zero where |t| < m.

    Args: student s [B, ...], from models.projectors.Projector as the connector; teacher t of the
      same shape, detached; margin > 0; where [B], True keeps.
    Returns: squared features, summed, [B]; 0 where masked.
    Raises: ValueError on different shapes, an empty batch or margin ≤ 0.
    Source: Heo et al. 2019, arXiv 1811.03233 (the alternative loss). RepDistiller multiplies layer
      i of n by 2^(i − n + 1) · 3/1000, i from 0; some codes take the mean over entries.
    """
    margin = positive("margin", margin)
    student, teacher = matched(student, teacher)
    check_full("student", student)
    student, teacher = hide(where, student, teacher)
    inactive = jnp.where((teacher <= 0) & (student > -margin), (student + margin) ** 2, 0)
    active = jnp.where((teacher > 0) & (student <= margin), (student - margin) ** 2, 0)
    return keep(where, jnp.sum(flat(inactive + active), -1))


def _pyramid(difference):
    """Squared error of one level, averaged with that of its 4×4, 2×2 and 1×1 averages."""
    # Pooling is linear: the difference of the averages is the average of the difference.
    sizes = [size for size in (4, 2, 1) if size < difference.shape[1]]
    levels = [difference] + [pool(difference, size, size) for size in sizes]
    weights = [0.5**i for i in range(len(levels))]
    errors = [jnp.mean(flat(level**2), -1) for level in levels]
    return sum(w * error for w, error in zip(weights, errors)) / sum(weights)


def review_pyramid(student, teacher, *, where=None):
    """Squared difference of feature maps at several resolutions, summed over levels.

    Σ_levels [MSE(s, t) + Σ_i 2^−i MSE(pool s, pool t)] / (1 + Σ_i 2^−i): i counts from 1 the sizes
    4×4, 2×2 and 1×1 smaller than the map's height; pooling is adaptive and averages the entries
    ⌊jn/l⌋ to ⌈(j + 1)n/l⌉ of n into entry j of l. MSE is the mean over H, W and C.

    Args: student a list of s [B, H, W, C], after the paper's fusion modules; teacher a list of t
      of the same shapes, detached; where [B], True keeps.
    Returns: squared features, [B]; 0 where masked.
    Raises: ValueError on lists of different length or none, or maps of different shapes.
    Source: Chen et al. 2021, arXiv 2104.09044 (the hierarchical context loss, HCL), with the
      weights of the authors' code and mdistiller, which the paper does not spell out.
    """
    if len(student) != len(teacher) or not len(student):
        raise ValueError(
            f"student has shapes {[jnp.shape(x) for x in student]} and teacher "
            f"{[jnp.shape(x) for x in teacher]}: expected as many levels, at least one"
        )
    total = 0
    for s, t in zip(student, teacher):
        s, t = matched(s, t)
        check_full("student", s, rank=4)
        s, t = hide(where, s, t)
        total = total + _pyramid(s - t)
    return keep(where, total)
