"""Losses that compare hidden layers entry by entry: FitNets, FT, VID, AB, ReviewKD.

Notation: s is the student's feature (after its trainable projector, where one is needed), t the
teacher's, both [B, ...] with maps in NHWC; the result is one value per example. Losses that sum
out channels or positions first are in feature_maps.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kd_jax.losses._arrays import check_full, mask_rows, mask_values, promoted, same_shape
from kd_jax.losses._math import flat, pool, unit
from kd_jax.losses._numbers import Scalar, check_positive


def hint(
    student: Float[Array, " B *D"],
    teacher: Float[Array, " B *D"],
    *,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, " B"]:
    """Mean squared difference of two hidden layers (FitNets).

    mean over all entries of (s − t)²

    s = r(v_g) is the paper's regressed guided layer, t = u_h its hint layer. The regressor is
    models.projectors.Projector; nothing is pooled.

    Args:
        student: Features s.
        teacher: Features t, without gradient.
        where: True keeps.

    Returns:
        Squared features; 0 where masked.

    Raises:
        ValueError: If shapes differ or the batch is empty.

    Source:
        Romero et al. 2015, arXiv 1412.6550, equation 3, which has ½ and the sum in place of the
        mean here (and in RepDistiller and mdistiller).
    """
    student, teacher = same_shape(student, teacher)
    check_full("student", student)
    student, teacher = mask_rows(where, student, teacher)
    return mask_values(where, jnp.mean(flat((student - teacher) ** 2), -1))


def factor_transfer(
    student: Float[Array, " B *D"],
    teacher: Float[Array, " B *D"],
    *,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, " B"]:
    """Mean absolute difference of the two sides' factors, as unit vectors (FT).

    mean |s/‖s‖ − t/‖t‖| over the flattened entries

    s is the translator's factor F_S, t the paraphraser's F_T (models.projectors.Translator and
    Paraphraser). A factor of zeros stays zero.

    Args:
        student: Factors s.
        teacher: Factors t, without gradient.
        where: True keeps.

    Returns:
        Numbers without units; 0 where masked.

    Raises:
        ValueError: If shapes differ or the batch is empty.

    Source:
        Kim, Park and Kwak 2018, arXiv 1802.04977 (the paper's norm p = 1, as a mean instead of a
        sum). RepDistiller's FT compares attention maps instead, without the two networks.
    """
    student, teacher = same_shape(student, teacher)
    check_full("student", student)
    student, teacher = mask_rows(where, student, teacher)
    return mask_values(where, jnp.mean(jnp.abs(unit(flat(student)) - unit(flat(teacher))), -1))


@jax.custom_jvp
def _surprise(difference: Array, logit: Array, eps: Array) -> Array:
    """½ (d²/σ² + log σ²) elementwise, σ² = softplus(a) + ε.

    Each derivative is one number of what is finite: the chain's d² and 1/σ⁴ may be infinite.
    """
    variance = jax.nn.softplus(logit) + eps
    return 0.5 * ((difference / jnp.sqrt(variance)) ** 2 + jnp.log(variance))


@_surprise.defjvp
def _(primals, tangents):
    difference, logit, eps = primals
    to_difference, to_logit, to_eps = tangents
    variance = jax.nn.softplus(logit) + eps
    by_variance = 0.5 * (1 - (difference / jnp.sqrt(variance)) ** 2)
    slope = jax.nn.sigmoid(logit) / variance
    by_logit = jnp.where(slope == 0, 0, by_variance * slope)  # also of an infinite surprise
    to = difference / variance * to_difference + by_logit * to_logit
    return _surprise(difference, logit, eps), to + by_variance / variance * to_eps


def variational_information(
    student: Float[Array, "B *D C"],
    teacher: Float[Array, "B *D C"],
    variance_logit: Float[Array, " C"],
    *,
    eps: Scalar = 1e-5,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, " B"]:
    """Gaussian negative log-likelihood of the teacher's layer under a predicted mean (VID).

    mean over entries of ½ [(t − s)²/σ² + log σ²], σ²_c = softplus(a_c) + ε

    The constant ½ log 2π is left out, and so the loss can be negative. Its minimum in s is
    ½ mean log σ².

    Args:
        student: Predicted mean s, the paper's μ.
        teacher: Features t, without gradient.
        variance_logit: a, the paper's α, one per channel; it receives a gradient.
        eps: The paper's ε, above 0.
        where: True keeps.

    Returns:
        Nats per entry; 0 where masked.

    Raises:
        ValueError: If shapes differ, the batch is empty, or eps ≤ 0.

    Source:
        Ahn et al. 2019, arXiv 1904.05835 (VID), as a mean over entries where the paper sums.
        RepDistiller has the regressor inside the loss; here it is models.projectors.Regressor.
    """
    eps = check_positive("eps", eps)
    student, teacher = same_shape(student, teacher)
    check_full("student", student)
    variance_logit = promoted(variance_logit)
    if variance_logit.shape != student.shape[-1:]:
        raise ValueError(
            f"variance_logit has shape {variance_logit.shape} and student {student.shape}: "
            f"expected {student.shape[-1:]}, one per channel"
        )
    student, teacher = mask_rows(where, student, teacher)
    surprise = _surprise(*jnp.broadcast_arrays(student - teacher, variance_logit, eps))
    return mask_values(where, jnp.mean(flat(surprise), -1))


def activation_boundary(
    student: Float[Array, " B *D"],
    teacher: Float[Array, " B *D"],
    *,
    margin: Scalar = 1.0,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, " B"]:
    """Squared hinge that puts the student's units on the teacher's side of zero (AB).

    Σ over entries of (s + m)² where t ≤ 0 and s > −m, (s − m)² where t > 0 and s ≤ m

    It is zero once every s is on t's side by the margin; so student = teacher is not zero where
    |t| < m.

    Args:
        student: Pre-activations s, from models.projectors.Projector as the connector.
        teacher: Pre-activations t, without gradient.
        margin: The paper's margin m, above 0.
        where: True keeps.

    Returns:
        Squared features, summed; 0 where masked.

    Raises:
        ValueError: If shapes differ, the batch is empty, or margin ≤ 0.

    Source:
        Heo et al. 2019, arXiv 1811.03233 (the alternative loss). RepDistiller multiplies layer i
        of n by 2^(i − n + 1) · 3/1000, i from 0; some codes take the mean over entries.
    """
    margin = check_positive("margin", margin)
    student, teacher = same_shape(student, teacher)
    check_full("student", student)
    student, teacher = mask_rows(where, student, teacher)
    inactive = jnp.where((teacher <= 0) & (student > -margin), (student + margin) ** 2, 0)
    active = jnp.where((teacher > 0) & (student <= margin), (student - margin) ** 2, 0)
    lost = jnp.isnan(student) | ~jnp.isfinite(teacher)  # which are on no side
    return mask_values(where, jnp.sum(flat(jnp.where(lost, jnp.nan, inactive + active)), -1))


def _pyramid(difference: Float[Array, "B H W C"]) -> Float[Array, " B"]:
    """Squared error of one level, averaged with that of its 4×4, 2×2 and 1×1 averages."""
    # Pooling is linear: the difference of the averages is the average of the difference.
    sizes = [size for size in (4, 2, 1) if size < difference.shape[1]]
    levels = [difference] + [pool(difference, size, size) for size in sizes]
    weights = [0.5**i for i in range(len(levels))]
    errors = [jnp.mean(flat(level**2), -1) for level in levels]
    first, *others = [w * error for w, error in zip(weights, errors)]
    return sum(others, first) / sum(weights)


def review_pyramid(
    student: Sequence[Float[Array, "B _ _ _"]],
    teacher: Sequence[Float[Array, "B _ _ _"]],
    *,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, " B"]:
    """Squared difference of feature maps at several resolutions, summed over levels (ReviewKD).

    Σ_levels [MSE(s, t) + Σ_i 2^−i MSE(pool s, pool t)] / (1 + Σ_i 2^−i)

    i counts from 1 the sizes 4×4, 2×2 and 1×1 smaller than the map's height; pooling is adaptive
    and averages the entries ⌊jn/l⌋ to ⌈(j + 1)n/l⌉ of n into entry j of l. MSE is the mean over H,
    W and C.

    Args:
        student: Maps s of each level, [B, H, W, C], after the paper's fusion modules.
        teacher: Maps t of the same shapes, without gradient.
        where: True keeps.

    Returns:
        Squared features; 0 where masked.

    Raises:
        ValueError: If the lists differ in length or are empty, or maps differ in shape.

    Source:
        Chen et al. 2021, arXiv 2104.09044 (the hierarchical context loss, HCL), with the weights
        of the authors' code and mdistiller, which the paper does not spell out.
    """
    if len(student) != len(teacher) or not len(student):
        raise ValueError(
            f"student has shapes {[jnp.shape(x) for x in student]} and teacher "
            f"{[jnp.shape(x) for x in teacher]}: expected as many levels, at least one"
        )
    levels = []
    for s, t in zip(student, teacher):
        s, t = same_shape(s, t)
        check_full("student", s, rank=4)
        s, t = mask_rows(where, s, t)
        levels.append(_pyramid(s - t))
    return mask_values(where, sum(levels[1:], levels[0]))
