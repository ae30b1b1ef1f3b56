"""What every loss does to its arrays before and after its own equation.

Shapes are always known, so a wrong one always raises. A number or a label may be
known only at run time (an axis of vmap, an argument of jit); nothing can be raised
then, and each check says what such a value counts as, so that it is never NaN.
"""

import jax
import jax.numpy as jnp
import numpy as np


def raised(x):
    """x as a float array of at least 32 bits: half precision is raised, float64 kept."""
    x = jnp.asarray(x)
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def constant(x):
    """x raised and cut off from the gradient: teachers and banks."""
    return jax.lax.stop_gradient(raised(x))


def matched(student, teacher):
    """Both arrays raised and the teacher detached; ValueError unless their shapes agree."""
    student, teacher = raised(student), constant(teacher)
    if student.shape != teacher.shape:
        raise ValueError(
            f"student has shape {student.shape} and teacher {teacher.shape}: they must be the same"
        )
    return student, teacher


def matched_batch(student, teacher):
    """Both arrays raised and the teacher detached; ValueError unless they share axis 0."""
    student, teacher = raised(student), constant(teacher)
    if not (student.ndim and teacher.ndim and student.shape[0] == teacher.shape[0]):
        raise ValueError(
            f"student has shape {student.shape} and teacher {teacher.shape}: "
            "their first axes, the batch, must be the same"
        )
    return student, teacher


def check_full(name, x, rank=None):
    """ValueError when x holds nothing, or has another number of axes than `rank`."""
    if x.ndim == 0 or x.size == 0 or (rank is not None and x.ndim != rank):
        axes = "at least one axis" if rank is None else f"{rank} axes"
        raise ValueError(f"{name} has shape {x.shape}: expected {axes} and none of them empty")


def check_logits(name, logits, classes=1):
    """ValueError unless the last axis holds enough classes, and the others something."""
    if logits.ndim == 0 or logits.shape[-1] < classes or logits.size == 0:
        raise ValueError(
            f"{name} has shape {logits.shape}: expected [..., classes], "
            f"{classes} or more classes and no empty axis"
        )


def check_labels(labels, logits):
    """Integer class labels for `logits`; ValueError where they cannot be that.

    Values are checked only when they are known while tracing; inside jit a label
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


def check_tokens(tokens, student, teacher):
    """Integer token numbers [..., k] for logits [..., V] and a teacher [..., k], from 0 to V − 1.

    ValueError where they cannot be that; one known only at run time counts as the nearer end.
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


def one_hot(labels, logits):
    """The labels as rows of zeros and a one, of the logits' shape and type."""
    # A product with the one-hot target vmaps into fused loops; a gather does not.
    return jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype)


def positive(name, value):
    """`value`; ValueError when it is known while tracing and not finite and above 0.

    One known only at run time counts as 1 where it is not finite and above 0.
    """
    # NumPy, because inside jit even a constant would become a tracer in jnp.
    if not isinstance(value, jax.core.Tracer):
        if not (np.isfinite(value) & (np.asarray(value) > 0)).all():
            raise ValueError(f"{name} is {value}: expected a finite number above 0")
        return value
    return jnp.where((value > 0) & jnp.isfinite(value), value, 1)


def fraction(name, value):
    """`value`; ValueError when it is known while tracing and not in [0, 1].

    One known only at run time counts as the nearer end where it is outside.
    """
    if not isinstance(value, jax.core.Tracer):
        if not ((np.asarray(value) >= 0) & (np.asarray(value) <= 1)).all():
            raise ValueError(f"{name} is {value}: expected a number in [0, 1]")
        return value
    return jnp.clip(value, 0, 1)


def whole(name, value, low, high=None):
    """`value` as an int in [low, high]; ValueError otherwise. It shapes the program."""
    if isinstance(value, (jax.core.Tracer, bool)) or int(value) != value or value < low:
        raise ValueError(f"{name} is {value}: expected a whole number, at least {low}, not traced")
    if high is not None and value > high:
        raise ValueError(f"{name} is {value}: expected at most {high}")
    return int(value)


def hide(where, *arrays):
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


def mask_of(where, shape):
    """The mask as booleans of `shape`, all True for None; ValueError on another shape."""
    if where is None:
        return jnp.ones(shape, bool)
    where = jnp.asarray(where).astype(bool)
    if where.shape != shape:
        raise ValueError(f"where has shape {where.shape} and the loss {shape}: not the same")
    return where


def keep(where, values):
    """`values` with 0 where the mask is false; ValueError unless it has their shape."""
    return values if where is None else jnp.where(mask_of(where, values.shape), values, 0)
