"""Data augmentation of one image, drawn on the device: (key, image) -> image."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

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
