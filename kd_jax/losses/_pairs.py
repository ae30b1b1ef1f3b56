"""Batches as rows, their pairs and masked means, shared by the relational losses."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from kd_jax.losses._arrays import check_full, full_mask, mask_rows, same_batch
from kd_jax.losses._math import einsum, flat


def batch_rows(
    student: ArrayLike,
    teacher: ArrayLike,
    where: Bool[Array, " B"] | None,
    match: Callable[..., tuple[Array, Array]] = same_batch,
) -> tuple[Float[Array, "B D"], Float[Array, "B E"], Bool[Array, " B"]]:
    """Both as [B, D] with zeros in masked rows, and the mask of the examples, [B]."""
    student, teacher = match(student, teacher)
    check_full("student", student)
    check_full("teacher", teacher)
    where = full_mask(where, student.shape[:1])
    student, teacher = mask_rows(where, flat(student), flat(teacher))
    return student, teacher, where


def kept_pairs(where: Bool[Array, " B"]) -> Bool[Array, "B B"]:
    """Which pairs of examples are both kept."""
    return where[:, None] & where[None, :]


def mean_of(values: Float[Array, "..."], mask: Bool[Array, "..."]) -> Float[Array, ""]:
    """Mean of the values the mask keeps, 0 when it keeps none."""
    return jnp.sum(jnp.where(mask, values, 0)) / jnp.maximum(jnp.sum(mask), 1)


def gram(x: Float[Array, "B D"]) -> Float[Array, "B B"]:
    """Inner products of all pairs of rows, X Xᵀ."""
    return einsum("id,jd->ij", x, x)
