"""Powers of huge and of tiny features: computed near 1, brought back by a power of two at last.

A loss of degree k in x is f(x) = 2^(ke) f(2^−e x). Between the two no square is infinite or 0 that
the loss itself is not, and a gradient is multiplied last, so that it is infinite only where it is.
Multiplying by powers of two rounds nothing.
"""

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

MOST = 126  # 2^±126 are normal numbers of float32


def exponent(
    *arrays: Float[Array, "..."], least: int = 16, axis: int | Sequence[int] | None = None
) -> Int[Array, "..."]:
    """e with the largest entry of all arrays along `axis`, which stays, in [2^(e − 1), 2^e).

    It is 0 where that is within 2^±`least`, as of usual features, and where it is 0 or infinite.
    """
    each = [jnp.max(jnp.abs(jax.lax.stop_gradient(x)), axis, keepdims=True) for x in arrays]
    peak = jnp.max(jnp.stack(each), 0)
    _, found = jnp.frexp(peak)
    far = (abs(found) > least) & (peak > 0) & jnp.isfinite(peak)
    return jnp.where(far, found, 0)


def shifted(x: Float[Array, "..."], by: Int[Array, "..."] | int) -> Float[Array, "..."]:
    """x · 2^by, of any `by`: no factor on the way is infinite or 0."""
    x, rest = jnp.asarray(x), jnp.asarray(by, jnp.int32)
    for _ in range(3):  # from the smallest number beyond the largest
        part = jnp.clip(rest, -MOST, MOST)
        x, rest = x * _power(part).astype(x.dtype), rest - part
    return x


def _power(n):
    """2^n for whole n within ±126, exactly: n stands in the bits of a float32."""
    return jax.lax.bitcast_convert_type((n + 127) << 23, jnp.float32)


def rescaled(
    function: Callable, arrays: Sequence, by: Sequence, total: Int[Array, "..."], *given: Array
) -> Array:
    """2^total · function(2^−e x for each x of `arrays` and e of `by`, then what else is given).

    Args:
        function: A loss of these, which closes over no array.
        arrays: Floats.
        by: The exponent of each: one for all of it, or one for each example.
        total: Of the result, as many.
        given: Whole numbers and masks.
    """
    return _rescaled(function, tuple(arrays), tuple(map(jnp.asarray, by)), total, given)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _rescaled(function, arrays, by, total, given):
    return shifted(function(*_near(arrays, by), *given), total)


@_rescaled.defjvp
def _(function, primals, tangents):
    arrays, by, total, given = primals
    # by both powers at once, so that backwards they come behind the gradient of the function
    moved = [shifted(t, jnp.reshape(total, e.shape) - e) for t, e in zip(tangents[0], by)]
    near = _near(arrays, by)
    value, tangent = jax.jvp(lambda *x: function(*x, *given), near, moved)
    return shifted(value, total), tangent


def _near(arrays, by):
    return [shifted(x, -e) for x, e in zip(arrays, by)]
