"""What every loss does to its arrays before and after its own equation."""

import jax
import jax.numpy as jnp


def raised(x):
    """x as a float array of at least 32 bits: half precision is raised, float64 kept."""
    x = jnp.asarray(x)
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def matched(student, teacher):
    """Both arrays raised and the teacher detached; ValueError unless their shapes agree."""
    student, teacher = raised(student), jax.lax.stop_gradient(raised(teacher))
    if student.shape != teacher.shape:
        raise ValueError(
            f"student has shape {student.shape} and teacher {teacher.shape}: they must be the same"
        )
    return student, teacher


def check_logits(name, logits):
    """ValueError unless the last axis of `logits` holds at least one class."""
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ValueError(f"{name} has shape {logits.shape}: expected [..., classes]")


def check_labels(labels, logits):
    """Integer class labels for `logits`; ValueError where they cannot be that.

    Values are checked only when they are known while tracing; inside jit a label
    outside [0, C) has an all-zero target, so its cross-entropy is 0, never NaN.
    """
    labels = jnp.asarray(labels)
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
    return labels


def check_positive(name, value):
    """ValueError when a coefficient known while tracing is not finite and above 0."""
    if not isinstance(value, jax.core.Tracer) and not (jnp.asarray(value) > 0).all():
        raise ValueError(f"{name} is {value}: expected a number above 0")


def hide(where, *arrays):
    """The arrays with every masked row set to zero, so that no gradient or NaN escapes it.

    `where` has the shape of the result, that is of the arrays without their last axis.
    """
    if where is None:
        return arrays
    return tuple(jnp.where(jnp.asarray(where)[..., None], x, 0) for x in arrays)


def keep(where, values):
    """`values` with 0 where the mask is false."""
    if where is None:
        return values
    return jnp.where(where, values, 0)
