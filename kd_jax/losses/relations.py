"""Relational losses of a batch: distances and angles (RKD) and neighbors' errors.

Notation: s_i is the student's feature of example i, t_i the teacher's, flattened to a vector,
B the number of examples. The widths of student and teacher may differ unless said otherwise.
Each loss is one number for the whole batch. `where` leaves examples out: they are as if absent,
in the sums and in what these are divided by. With nothing kept the loss is 0.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

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


CORNERS = 8  # taken at a time: their triplets stay in a processor's cache, where all B³ do not


def _directions(
    x: Float[Array, "B D"], corner: Int[Array, ""], others: Bool[Array, " B"]
) -> tuple[Float[Array, "B D"], Float[Array, " B"]]:
    """e_ij from a corner i to the others j; 1/‖x_j − x_i‖; 0 where the two coincide."""
    apart = x - x[corner]
    squares = jnp.sum(apart**2, -1)
    alive = others & ~(squares <= 1e-24)  # NaN is
    inverse = jnp.where(alive, 1 / jnp.sqrt(jnp.where(alive, squares, 1)), 0)
    return apart * inverse[:, None], inverse


def _at_corner(
    x: Float[Array, "B D"],
    teacher: Float[Array, "B E"],
    where: Bool[Array, " B"],
    corner: Int[Array, ""],
) -> tuple[Float[Array, ""], Float[Array, "B D"]]:
    """Σ_jk h(cos_ijk − cos^t_ijk) at a corner i, and its gradient for x_j − x_i.

    With g_ijk = 2 h', as j and k may change places, l_ij = ‖x_j − x_i‖ and q_ij = Σ_k g_ijk cos_ijk

    ∂/∂(x_j − x_i) = Σ_k g_ijk (e_ik − cos_ijk e_ij)/l_ij = (Σ_k g_ijk e_ik − q_ij e_ij)/l_ij
    """
    others = where & where[corner]
    directions, inverse = _directions(x, corner, others)
    theirs, _ = _directions(teacher, corner, others)
    cosines, kept = gram(directions), kept_pairs(others)
    difference = cosines - gram(theirs)
    slope = 2 * jnp.where(kept, jnp.clip(difference, -1, 1), 0)
    along = jnp.sum(slope * cosines, 1)
    gradient = einsum("jk,kd->jd", slope, directions) - along[:, None] * directions
    total = jnp.sum(jnp.where(kept, smooth_l1(difference), 0))
    return total, gradient * inverse[:, None]


@jax.custom_jvp
def _of_corners(
    x: Float[Array, "B D"], teacher: Float[Array, "B E"], where: Bool[Array, " B"]
) -> Float[Array, ""]:
    """mean_ijk h(cos_ijk − cos^t_ijk) over the triplets that are kept, with a gradient for x."""
    return _with_gradient(x, teacher, where)[0]


def _with_gradient(x, teacher, where):
    """`_of_corners` and its gradient, each corner's triplets in one pass."""
    corner = functools.partial(_at_corner, x, teacher, where)
    totals, apart = jax.lax.map(corner, jnp.arange(len(x)), batch_size=CORNERS)
    count = jnp.maximum(jnp.sum(where), 1).astype(x.dtype) ** 3
    return jnp.sum(totals) / count, (jnp.sum(apart, 0) - jnp.sum(apart, 1)) / count


@_of_corners.defjvp
def _(primals, tangents):
    value, gradient = _with_gradient(*primals)
    return value, jnp.sum(gradient * tangents[0])


def relational_angle(
    student: Float[Array, " B *D"],
    teacher: Float[Array, " B *E"],
    *,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, ""]:
    """Smooth L1 loss of the cosines at all corners of all triangles of the whole batch (RKD-A).

    mean_ijk h(⟨e^s_ij, e^s_ik⟩ − ⟨e^t_ij, e^t_ik⟩), e_ij = (x_j − x_i)/‖x_j − x_i‖, 0 if i = j or
    the two coincide; h the smooth L1 (Huber) loss

    All B³ triplets count, also degenerate ones, those of eight corners i at a time: needs memory
    for 8 B² + B²D numbers.

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
    return _of_corners(lowered(student), lowered(teacher), where)


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
