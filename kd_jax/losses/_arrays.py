"""Checks, type promotion and masks that the losses share.

Shapes are always known, so a wrong one always raises. A number or a label may be
known only at run time (an axis of vmap, an argument of jit); nothing can be raised
then, and each check says what such a value counts as, so that it is never NaN.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

Scalar = float | Float[Array, ""]


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


def check_labels(labels: Array | np.ndarray, logits: Float[Array, "*B C"]) -> Int[Array, "*B"]:
    """Integer class labels for `logits`; ValueError where they cannot be that.

    Values are checked only if they are known while tracing; inside jit a label
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
    if labels.size and not isinstance(labels, jax.core.Tracer):
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= logits.shape[-1]:
            raise ValueError(
                f"labels run from {low} to {high}: expected 0 to {logits.shape[-1] - 1}"
            )
    return jnp.asarray(labels)


def check_tokens(
    tokens: Array | np.ndarray, student: Float[Array, "*B V"], teacher: Float[Array, "*B k"]
) -> Int[Array, "*B k"]:
    """Integer token ids in [0, V) of a teacher [..., k]; ValueError where they cannot be that.

    An id that is known only at run time counts as the nearer end.
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
    if not isinstance(tokens, jax.core.Tracer) and tokens.size:
        low, high = int(np.min(tokens)), int(np.max(tokens))
        if low < 0 or high >= student.shape[-1]:
            raise ValueError(
                f"tokens run from {low} to {high}: expected 0 to {student.shape[-1] - 1}"
            )
    return jnp.clip(tokens, 0, student.shape[-1] - 1)


def one_hot(labels: Int[Array, "*B"], logits: Float[Array, "*B C"]) -> Float[Array, "*B C"]:
    """One-hot labels of the logits' shape and type."""
    # A product with the one-hot target vmaps into fused loops; a gather does not.
    return jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype)


def check_positive(name: str, value: Scalar) -> Scalar:
    """`value`; ValueError if it is known while tracing and not finite and above 0.

    One known only at run time counts as 1 where it is not finite and above 0.
    """
    # NumPy, because inside jit even a constant would become a tracer in jnp.
    if not isinstance(value, jax.core.Tracer):
        if not (np.isfinite(value) & (np.asarray(value) > 0)).all():
            raise ValueError(f"{name} is {value}: expected a finite number above 0")
        return value
    return jnp.where((value > 0) & jnp.isfinite(value), value, 1)


def check_fraction(name: str, value: Scalar) -> Scalar:
    """`value`; ValueError if it is known while tracing and not in [0, 1].

    One known only at run time counts as the nearer end where it is outside.
    """
    if not isinstance(value, jax.core.Tracer):
        if not ((np.asarray(value) >= 0) & (np.asarray(value) <= 1)).all():
            raise ValueError(f"{name} is {value}: expected a number in [0, 1]")
        return value
    return jnp.clip(value, 0, 1)


def static_int(name: str, value: int, low: int, high: int | None = None) -> int:
    """`value` as an int in [low, high]; ValueError otherwise. It shapes the program."""
    if isinstance(value, (jax.core.Tracer, bool)) or int(value) != value or value < low:
        raise ValueError(f"{name} is {value}: expected a whole number, at least {low}, not traced")
    if high is not None and value > high:
        raise ValueError(f"{name} is {value}: expected at most {high}")
    return int(value)


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
