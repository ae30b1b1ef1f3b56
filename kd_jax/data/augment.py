"""Data augmentation, drawn on the device: (key, image) -> image, and mixtures of a batch."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree

from kd_jax.errors import require


def jitter(
    key: Key[Array, ""], image: Float[Array, "H W *C"], radius: int = 2
) -> Float[Array, "H W *C"]:
    """The image moved by up to `radius` pixels in each direction, zeros moving in.

    Both offsets are uniform on {−radius, …, radius}.
    Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 3.

    Args:
        key: of the draw.
        image: gray or of channels.
        radius: the largest offset in pixels.
    """
    require(image.ndim >= 2, f"jitter moves images [H, W, …]: got an input {image.shape}")
    height, width = image.shape[:2]
    padding = [(radius, radius), (radius, radius)] + [(0, 0)] * (image.ndim - 2)
    corner = jax.random.randint(key, (2,), 0, 2 * radius + 1)
    starts = (corner[0], corner[1]) + (0,) * (image.ndim - 2)
    return jax.lax.dynamic_slice(jnp.pad(image, padding), starts, (height, width, *image.shape[2:]))


def crop_and_flip(
    key: Key[Array, ""], image: Float[Array, "H W C"], padding: int = 4
) -> Float[Array, "H W C"]:
    """The image moved by up to `padding` pixels in each direction and mirrored half of the time.

    Zeros move in: of normalized inputs, the mean color.
    Source: He et al. 2015, arXiv 1512.03385, section 4.2.

    Args:
        key: of the draw.
        image: of channels.
        padding: the largest offset in pixels.
    """
    move_key, flip_key = jax.random.split(key)
    moved = jitter(move_key, image, padding)
    return jnp.where(jax.random.bernoulli(flip_key), moved[:, ::-1], moved)


def mixup(key: Key[Array, ""], rows: PyTree[Float[Array, "B ..."]]) -> PyTree:
    """Every row of a batch mixed with the one before it, by a share that is drawn for each.

    λ x_i + (1 − λ) x_{i−1} with λ uniform on [0, 1], the same in all arrays, like images and the
    probabilities of their classes. The order of a batch is random, and so is who is mixed.
    Source: Zhang et al. 2017, arXiv 1710.09412, with α = 1.

    Args:
        key: of the draw.
        rows: arrays of one length.
    """
    leaves = jax.tree.leaves(rows)
    share = jax.random.uniform(key, (len(leaves[0]),))

    def mixed(x):
        of_row = share.reshape(-1, *[1] * (x.ndim - 1))
        return of_row * x + (1 - of_row) * jnp.roll(x, 1, axis=0)

    return jax.tree.map(mixed, rows)
