"""Checks, type promotion and masks that the losses share.

Shapes are always known, so a wrong one always raises. A label may be known only at
run time (an axis of vmap, an argument of jit); nothing can be raised then, and each
check says what such a value counts as, so that it is never NaN. What a mask leaves
out is not looked at.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int


def promoted(x: ArrayLike) -> Array:
    """The array in a float type of at least 32 bits; float64 stays float64."""
    x = jnp.asarray(x)
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def detached(x: ArrayLike) -> Array:
    """The promoted array without gradient, for teachers and memory banks."""
    return jax.lax.stop_gradient(promoted(x))


def same_shape(student: ArrayLike, teacher: ArrayLike) -> tuple[Array, Array]:
    """Both arrays promoted and the teacher detached; ValueError unless their shapes agree."""
    student, teacher = promoted(student), detached(teacher)
    if student.shape != teacher.shape:
        raise ValueError(
            f"student has shape {student.shape} and teacher {teacher.shape}: they must be the same"
        )
    return student, teacher


def same_batch(student: ArrayLike, teacher: ArrayLike) -> tuple[Array, Array]:
    """Both arrays promoted and the teacher detached; ValueError unless they share axis 0."""
    student, teacher = promoted(student), detached(teacher)
    if not (student.ndim and teacher.ndim and student.shape[0] == teacher.shape[0]):
        raise ValueError(
            f"student has shape {student.shape} and teacher {teacher.shape}: "
            "their first axes, the batch, must be the same"
        )
    return student, teacher


def check_full(name: str, x: Array, rank: int | None = None) -> None:
    """ValueError if x is empty or has another number of axes than `rank`."""
    if x.ndim == 0 or x.size == 0 or (rank is not None and x.ndim != rank):
        axes = "at least one axis" if rank is None else f"{rank} axes"
        raise ValueError(f"{name} has shape {x.shape}: expected {axes} and none of them empty")


def check_logits(name: str, logits: Array, classes: int = 1) -> None:
    """ValueError unless the last axis has enough classes and no axis is empty."""
    if logits.ndim == 0 or logits.shape[-1] < classes or logits.size == 0:
        raise ValueError(
            f"{name} has shape {logits.shape}: expected [..., classes], "
            f"{classes} or more classes and no empty axis"
        )


def check_probabilities(name: str, p: np.ndarray) -> None:
    """ValueError naming the first row of p [..., C] that is no distribution, within 0.01."""
    p = np.asarray(p, np.float64)
    rows = p.reshape(-1, p.shape[-1]) if p.size else p.reshape(0, 0)
    wrong = ~((rows >= 0).all(-1) & (np.abs(rows.sum(-1) - 1) <= 0.01))  # of NaN too
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"{name}: row {first} has least entry {rows[first].min():g} and sum "
            f"{rows[first].sum():g}: expected no negative entry and sum 1; logits are given as "
            "they are"
        )


def _range_of(values: Array | np.ndarray, where: ArrayLike | None) -> tuple[int, int] | None:
    """The least and the largest of the values that the mask keeps; None if that is not known."""
    if isinstance(values, jax.core.Tracer) or isinstance(where, jax.core.Tracer):
        return None
    values = np.asarray(values)
    if where is not None:
        kept = np.asarray(where).astype(bool)
        if kept.shape != values.shape[: kept.ndim]:
            return None  # which mask_rows refuses
        values = values[kept]
    return (int(values.min()), int(values.max())) if values.size else None


def check_range(
    name: str, values: Array | np.ndarray, count: int, where: ArrayLike | None = None
) -> None:
    """ValueError unless the values that the mask keeps are in [0, count), as far as is known."""
    low, high = _range_of(values, where) or (0, 0)
    if low < 0 or high >= count:
        raise ValueError(f"{name} run from {low} to {high}: expected 0 to {count - 1}")


def check_labels(
    labels: Array | np.ndarray, logits: Float[Array, "*B C"], where: ArrayLike | None = None
) -> Int[Array, "*B"]:
    """Integer class labels for `logits`; ValueError where they cannot be that.

    Values are checked only if they, and the mask, are known while tracing; inside jit a label
    outside [0, C) has an all-zero target, so its cross-entropy is 0, never NaN.
    """
    if not isinstance(labels, jax.core.Tracer):
        labels = np.asarray(labels)
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise ValueError(f"labels have dtype {labels.dtype}: expected integer classes")
    if labels.shape != logits.shape[:-1]:
        raise ValueError(
            f"labels have shape {labels.shape} and logits {logits.shape}: "
            f"expected labels of shape {logits.shape[:-1]}"
        )
    check_range("labels", labels, logits.shape[-1], where)
    return jnp.asarray(labels)


def check_tokens(
    tokens: Array | np.ndarray,
    student: Float[Array, "*B V"],
    teacher: Float[Array, "*B k"],
    where: ArrayLike | None = None,
) -> Int[Array, "*B k"]:
    """Integer token ids of a teacher [..., k]; ValueError where they cannot be that.

    Values are checked only if they, and the mask, are known while tracing.
    """
    shapes = f"student has shape {student.shape}, teacher {teacher.shape}"
    fits = teacher.ndim == student.ndim and teacher.shape[:-1] == student.shape[:-1]
    if not (fits and 0 < teacher.shape[-1] <= student.shape[-1]):
        raise ValueError(f"{shapes}: they may differ in the last axis only, the student's longer")
    if not isinstance(tokens, jax.core.Tracer):
        tokens = np.asarray(tokens)
    if tokens.shape != teacher.shape or not jnp.issubdtype(tokens.dtype, jnp.integer):
        raise ValueError(
            f"tokens have shape {tokens.shape} and {tokens.dtype}: expected whole "
            f"numbers of shape {teacher.shape}"
        )
    check_range("tokens", tokens, student.shape[-1], where)
    return jnp.asarray(tokens)


def one_hot(labels: Int[Array, "*B"], logits: Float[Array, "*B C"]) -> Float[Array, "*B C"]:
    """One-hot labels of the logits' shape and type."""
    # What is read by the one-hot target vmaps into fused loops; a gather does not.
    return jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype)


def picked(log_q: Float[Array, "*B C"], target: Float[Array, "*B C"]) -> Float[Array, "*B"]:
    """Each row's entry at the one-hot target, 0 without one; the other entries may be −∞."""
    return jnp.sum(jnp.where(target > 0, log_q, 0), -1)


def mask_rows(where: Bool[Array, "..."] | None, *arrays: Array) -> tuple[Array, ...]:
    """The arrays with every masked row set to zero, so that no gradient or NaN escapes it.

    `where` has the shape of the result: the leading axes of every array.
    """
    if where is None:
        return arrays
    where = jnp.asarray(where).astype(bool)
    for x in arrays:
        if x.shape[: where.ndim] != where.shape:
            raise ValueError(
                f"where has shape {where.shape} and an array {x.shape}: "
                "the mask must have the array's leading axes"
            )
    return tuple(
        jnp.where(where.reshape(where.shape + (1,) * (x.ndim - where.ndim)), x, 0) for x in arrays
    )


def full_mask(where: Bool[Array, "..."] | None, shape: tuple[int, ...]) -> Bool[Array, "..."]:
    """The mask as booleans of `shape`, all True for None; ValueError on another shape."""
    if where is None:
        return jnp.ones(shape, bool)
    where = jnp.asarray(where).astype(bool)
    if where.shape != shape:
        raise ValueError(f"where has shape {where.shape} and the loss {shape}: not the same")
    return where


def mask_values(where: Bool[Array, "*B"] | None, values: Float[Array, "*B"]) -> Float[Array, "*B"]:
    """`values` with 0 where the mask is False; ValueError unless it has their shape."""
    return values if where is None else jnp.where(full_mask(where, values.shape), values, 0)
