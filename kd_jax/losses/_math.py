"""Arithmetic that several losses share, safe in value and gradient.

A gradient through `where` is safe only if the branch not taken is finite too, so
the argument of a root or a logarithm is replaced before it, not its result after.

A class whose logit is −∞ has probability 0. As in Σ p log p, what has probability 0
contributes 0, whatever it is multiplied by. NaN is never taken for a 0.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Shaped

from kd_jax.losses._numbers import Scalar
from kd_jax.losses._scales import shifted

# On accelerators the default would round the factors of these small products.
einsum = functools.partial(jnp.einsum, precision="highest")


def weighted(p: Scalar, values: Array) -> Array:
    """p · values elementwise, 0 where p is 0, also if the value is infinite."""
    return p * jnp.where(p == 0, 0, values)


@jax.custom_jvp
def divergence(log_p: Array, log_q: Array) -> Array:
    """p (log p − log q) elementwise, in nats: 0 where p is 0, and ∞ where q alone is.

    The gradient is finite there too: nothing but the mask of the infinite stands between value and
    derivative, which is no slower than leaving it to JAX, that has to keep both branches.
    """
    p = jnp.exp(log_p)
    return jnp.where(p == 0, 0, p * (log_p - log_q))


@divergence.defjvp
def _(primals, tangents):
    (log_p, log_q), (to_p, to_q) = primals, tangents
    p = jnp.exp(log_p)
    difference = jnp.where((p == 0) | (log_q == -jnp.inf), 0, log_p - log_q)
    return divergence(log_p, log_q), p * ((difference + 1) * to_p - to_q)


def kl(log_p: Float[Array, "*B C"], log_q: Float[Array, "*B C"]) -> Float[Array, "*B"]:
    """Kullback-Leibler divergence KL(p ‖ q) = Σ p (log p − log q) over the last axis, in nats."""
    return jnp.sum(divergence(log_p, log_q), -1)


@jax.custom_jvp
def kl_to_softmax(log_p: Float[Array, "*B C"], z: Float[Array, "*B C"]) -> Float[Array, "*B"]:
    """kl of log p and log q = log softmax(z), with gradients for z alone.

    ∂/∂z_c = q_c Σ p − p_c, in one pass over the classes where the chain of both takes several.
    """
    return kl(log_p, jax.nn.log_softmax(z))


@kl_to_softmax.defjvp
def _(primals, tangents):
    (log_p, z), (_, to_z) = primals, tangents
    p, log_q = jnp.exp(log_p), jax.nn.log_softmax(z)
    slope = jnp.exp(log_q) * jnp.sum(p, -1, keepdims=True) - p
    return kl(log_p, log_q), jnp.sum(slope * to_z, -1)


def _shifted(
    scores: Float[Array, "*B C"], members: Bool[Array, "*B C"]
) -> tuple[Float[Array, "*B C"], Float[Array, "*B 1"], Float[Array, "*B 1"]]:
    """Scores less the members' largest (0 elsewhere), that largest, and Σ exp of the members' rest.

    No −inf stands in for the other classes, so that gradients stay finite.
    """
    lowest = jnp.min(scores, -1, keepdims=True)
    peak = jax.lax.stop_gradient(jnp.max(jnp.where(members, scores, lowest), -1, keepdims=True))
    peak = jnp.where(jnp.isfinite(peak), peak, 0)  # without it −∞ less −∞ would be NaN
    shifted = jnp.where(members, scores - peak, 0)
    return shifted, peak, jnp.sum(jnp.where(members, jnp.exp(shifted), 0), -1, keepdims=True)


def _log(total: Array) -> Array:
    """log, of 0 as of 1: without a member, or with none above −∞, there is no mass."""
    return jnp.log(jnp.where(total == 0, 1, total))


def log_mass(log_p: Float[Array, "*B C"], members: Bool[Array, "*B C"]) -> Float[Array, "*B"]:
    """log Σ p over the members of the last axis; −∞ where they have no mass.

    Computed from the members themselves: 1 − the others would lose a small mass.
    """
    _, peak, total = _shifted(log_p, members)
    return jnp.where(total == 0, -jnp.inf, _log(total) + peak)[..., 0]


def log_within(scores: Float[Array, "*B C"], members: Bool[Array, "*B C"]) -> Float[Array, "*B C"]:
    """log softmax of the scores among the members alone; 0 for the other classes."""
    shifted, _, total = _shifted(scores, members)
    return jnp.where(members, shifted - _log(total), 0)


def log_mixture(log_p: Array, log_q: Array, weight: Scalar) -> Array:
    """log(w p + (1 − w) q) elementwise, exact at w = 0 and 1; w may be traced.

    Inside it is a large negative number, not −∞, where both are 0, for the sake of the gradient.
    """
    inside = (weight > 0) & (weight < 1)
    # log w and log(1 − w) are infinite at the ends, so they are taken elsewhere.
    w = jnp.where(inside, weight, 0.5).astype(log_p.dtype)
    least = jnp.finfo(log_p.dtype).min / 4
    parts = log_p + jnp.log(w), log_q + jnp.log1p(-w)
    mixed = jnp.logaddexp(*(jnp.maximum(part, least) for part in parts))
    return jnp.where(inside, mixed, jnp.where(weight >= 1, log_p, log_q))


def lowering(x: Array, most: float = 2.0**32, axis: int | tuple[int, ...] | None = None) -> Array:
    """The power of two by which `lowered` multiplies x; the axes of size 1 stay."""
    _, over = jnp.frexp(jax.lax.stop_gradient(jnp.max(jnp.abs(x), axis, keepdims=True)) / most)
    return shifted(jnp.ones(over.shape, x.dtype), -jnp.maximum(over, 0))


def lowered(x: Array, most: float = 2.0**32, axis: int | tuple[int, ...] | None = None) -> Array:
    """x, divided where an entry along `axis` is above `most`, so that powers and sums are finite.

    For what does not change with the scale of x. A power of two rounds nothing: equal entries
    differ by 0 also where a compiler joins the product and the difference in one operation.
    """
    return x * lowering(x, most, axis)


def norm(x: Array, axis: int = -1, keepdims: bool = False) -> Array:
    """Euclidean norm over `axis`; where it is 0 its gradient is 0, not NaN."""
    # Divided by the largest entry first: squares neither overflow nor vanish.
    scale = jax.lax.stop_gradient(jnp.max(jnp.abs(x), axis, keepdims=True))
    scale = jnp.where(scale > 0, scale, 1)
    squares = jnp.sum((x / scale) ** 2, axis, keepdims=True)
    alive = ~(squares == 0)  # NaN is
    length = jnp.where(alive, jnp.sqrt(jnp.where(alive, squares, 1)), 0) * scale
    return length if keepdims else jnp.squeeze(length, axis)


def unit(x: Array, axis: int = -1) -> Array:
    """x over its norm; a vector no longer than 1e-12 has no direction: 0, with gradient 0."""
    x = lowered(x, axis=axis)
    length = norm(x, axis, keepdims=True)
    alive = ~(length <= 1e-12)  # NaN is
    return jnp.where(alive, x / jnp.where(alive, length, 1), 0)


def smooth_l1(difference: Array) -> Array:
    """Smooth L1 (Huber) loss: ½ d² where |d| < 1, |d| − ½ elsewhere."""
    size = jnp.abs(difference)
    return jnp.where(size < 1, 0.5 * difference**2, size - 0.5)


def flat(x: Array) -> Shaped[Array, "B D"]:
    """x flattened to one row per example."""
    return x.reshape(x.shape[0], -1)


def _windows(size: int, pooled: int) -> Float[np.ndarray, "l n"]:
    """[l, n] for n = size, l = pooled: row j averages entries ⌊j·n/l⌋ to ⌈(j + 1)·n/l⌉."""
    matrix = np.zeros((pooled, size))
    for j in range(pooled):
        start, stop = j * size // pooled, -(-(j + 1) * size // pooled)
        matrix[j, start:stop] = 1 / (stop - start)
    return matrix


def pool(maps: Float[Array, "B H W C"], height: int, width: int) -> Float[Array, "B h w C"]:
    """Adaptive average pooling of NHWC maps to height × width; the same size is left alone."""
    batch, *size, channels = maps.shape
    if size == [height, width]:
        return maps
    if not (size[0] % height or size[1] % width):  # then windows do not overlap
        apart = batch, height, size[0] // height, width, size[1] // width, channels
        return jnp.mean(maps.reshape(apart), (2, 4))
    rows, columns = _windows(maps.shape[1], height), _windows(maps.shape[2], width)
    return einsum("bhwc,ih,jw->bijc", maps, rows.astype(maps.dtype), columns.astype(maps.dtype))


def pool_to_smaller(a: Float[Array, "B H W C"], b: Float[Array, "B h w c"]) -> tuple[Array, Array]:
    """Both NHWC maps pooled to the smaller height and the smaller width of the two."""
    height, width = min(a.shape[1], b.shape[1]), min(a.shape[2], b.shape[2])
    return pool(a, height, width), pool(b, height, width)
