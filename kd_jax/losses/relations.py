"""Relational losses of a batch: distances and angles (RKD) and neighbors' errors.

Notation: s_i is the student's feature of example i, t_i the teacher's, flattened to a vector,
B the number of examples. The widths of student and teacher may differ unless said otherwise.
Each loss is one number for the whole batch. `where` leaves examples out: they are as if absent,
in the sums and in what these are divided by. With nothing kept the loss is 0.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kd_jax.losses._arrays import same_shape
from kd_jax.losses._math import einsum, lowered, smooth_l1
from kd_jax.losses._pairs import batch_rows, gram, kept_pairs, mean_of


def _distances(x: Float[Array, "B D"], apart: Bool[Array, "B B"]) -> Float[Array, "B B"]:
    """Distances of the pairs in `apart`, divided by their mean; 0 for the other pairs."""
    x = lowered(x)
    # Distances do not change with the origin, and near it the products lose fewer digits.
    x = x - jax.lax.stop_gradient(jnp.mean(x, 0))
    squares = jnp.sum(x**2, -1)
    squared = jnp.maximum(squares[:, None] + squares[None, :] - 2 * gram(x), 1e-12)
    distances = jnp.where(apart, jnp.sqrt(squared), 0)
    mean = mean_of(distances, apart)
    return distances / jnp.where(mean > 0, mean, 1)


def relational_distance(
    student: Float[Array, " B *D"],
    teacher: Float[Array, " B *E"],
    *,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, ""]:
    """Smooth L1 loss of pairwise distances in the whole batch, each side's over its mean (RKD-D).

    mean_ij h(d^s_ij/d̄^s − d^t_ij/d̄^t), d_ij = ‖x_i − x_j‖ (at least 1e-6 for i ≠ j), d̄ its mean
    over i ≠ j (the paper's μ), h the smooth L1 (Huber) loss; i = j counts, as 0

    Args:
        student: Features s.
        teacher: Features t, without gradient.
        where: True keeps.

    Returns:
        One number without units; 0 for one example.

    Raises:
        ValueError: If batches differ or are empty.

    Source:
        Park et al. 2019, arXiv 1904.05068 (RKD-D), as in RepDistiller, mdistiller and
        torchdistill, which multiply it by 25 and add 50 times relational_angle.
    """
    student, teacher, where = batch_rows(student, teacher, where)
    pairs = kept_pairs(where)
    apart = pairs & ~jnp.eye(len(where), dtype=bool)
    difference = _distances(student, apart) - _distances(teacher, apart)
    return mean_of(smooth_l1(difference), pairs)


def _corners(
    x: Float[Array, "B D"], pairs: Bool[Array, "B B"]
) -> tuple[Float[Array, "B B B"], Float[Array, "B B D"], Float[Array, "B B"]]:
    """cos [i, j, k], at corner i between the directions e_ij and e_ik; e; 1/‖x_j − x_i‖, or 0."""
    apart = x[None, :] - x[:, None]
    squares = jnp.sum(apart**2, -1)
    alive = pairs & ~(squares <= 1e-24)  # NaN is
    inverse = jnp.where(alive, 1 / jnp.sqrt(jnp.where(alive, squares, 1)), 0)
    directions = apart * inverse[..., None]
    return einsum("ijd,ikd->ijk", directions, directions), directions, inverse


@jax.custom_jvp
def _of_corners(
    x: Float[Array, "B D"],
    theirs: Float[Array, "B B B"],
    pairs: Bool[Array, "B B"],
    triplets: Bool[Array, "B B B"],
) -> Float[Array, ""]:
    """mean h(cos_ijk − theirs), with a gradient for x alone.

    With g_ijk = 2 ∂/∂cos_ijk, equal for j and k, l_ij = ‖x_j − x_i‖ and e_ki = −e_ik,

    ∂/∂(x_j − x_i) = Σ_k g_ijk (e_ik − cos_ijk e_ij)/l_ij
    ∂/∂x_j = Σ_ik (g_ijk/l_ij) e_ik + Σ_i ((q_ij + q_ji)/l_ij − Σ_k g_jki/l_jk) e_ji

    of q_ij = Σ_k g_ijk cos_ijk: sums of directions, where the chain of derivatives passes over B²
    vectors several times more.
    """
    return mean_of(smooth_l1(_corners(x, pairs)[0] - theirs), triplets)


@_of_corners.defjvp
def _(primals, tangents):
    x, theirs, pairs, triplets = primals
    cosines, directions, inverse = _corners(x, pairs)
    difference = cosines - theirs
    slope = jnp.where(triplets, jnp.clip(difference, -1, 1), 0)
    slope = slope * 2 / jnp.maximum(jnp.sum(triplets), 1)
    at_ends = slope * inverse[:, None, :]  # [i, k, j]
    along = jnp.sum(slope * cosines, 2) * inverse
    at_corner = along + along.T - jnp.sum(at_ends, 2)
    gradient = einsum("ikj,ikd->jd", at_ends, directions)
    gradient += jnp.sum(at_corner[..., None] * directions, 1)
    return mean_of(smooth_l1(difference), triplets), jnp.sum(gradient * tangents[0])


def relational_angle(
    student: Float[Array, " B *D"],
    teacher: Float[Array, " B *E"],
    *,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, ""]:
    """Smooth L1 loss of the cosines at all corners of all triangles of the whole batch (RKD-A).

    mean_ijk h(⟨e^s_ij, e^s_ik⟩ − ⟨e^t_ij, e^t_ik⟩), e_ij = (x_j − x_i)/‖x_j − x_i‖, 0 if i = j or
    the two coincide; h the smooth L1 (Huber) loss

    All B³ triplets count, also degenerate ones. Needs memory for B³ + B²D numbers.

    Args:
        student: Features s.
        teacher: Features t, without gradient.
        where: True keeps.

    Returns:
        One number without units; 0 for one example.

    Raises:
        ValueError: If batches differ or are empty.

    Source:
        Park et al. 2019, arXiv 1904.05068 (RKD-A), as in RepDistiller, mdistiller and
        torchdistill, which multiply it by 50.
    """
    student, teacher, where = batch_rows(student, teacher, where)
    pairs = kept_pairs(where)
    theirs = _corners(lowered(teacher), pairs)[0]
    return _of_corners(lowered(student), theirs, pairs, pairs[:, :, None] & where)


def adjacent_correlation(
    student: Float[Array, " B *D"],
    teacher: Float[Array, " B *D"],
    *,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, ""]:
    """Products of the errors of neighbors in the whole batch, in the order it is given.

    mean over i = 1 … B − 1 of Σ_d δ_id δ_(i+1)d, δ = |s − t|

    It is 0 without equality, if of any two neighbors one is matched; and it depends on the order
    of the batch.

    Args:
        student: Features s.
        teacher: Features t, without gradient.
        where: True keeps: a pair counts if both are kept.

    Returns:
        One number in squared features; 0 for one example.

    Raises:
        ValueError: If shapes differ or the batch is empty.

    Source:
        RepDistiller's Correlation, from the authors of Peng et al. 2019, arXiv 1904.01802, as it
        says. The paper's loss is correlation_congruence.
    """
    student, teacher, where = batch_rows(student, teacher, where, match=same_shape)
    error = jnp.abs(student - teacher)
    return mean_of(jnp.sum(error[:-1] * error[1:], -1), where[:-1] & where[1:])
