"""Rotary position embedding, causal attention masks and the key-value cache of decoders."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


class KVCache(NamedTuple):
    """Key-value cache: keys and values of the tokens so far, for generation.

    Attributes:
        keys: Of up to S tokens, G heads of keys of width H in each of L layers.
        values: Likewise.
        mask: True where a slot holds a token.
        used: How many of the S slots are taken, by tokens or padding.
    """

    keys: Float[Array, "L B S G H"]
    values: Float[Array, "L B S G H"]
    mask: Bool[Array, "B S"]
    used: Int[Array, ""] | int


def rotary_embedding(
    positions: Int[Array, "B T"], size: int, theta: float
) -> tuple[Float[Array, "B T 1 h"], Float[Array, "B T 1 h"]]:
    """Cosines and sines of the rotary embedding's angles, position · theta^(−2i/size).

    Args:
        positions: Of the tokens.
        size: Width of a head, H.
        theta: The base of the inverse frequencies.

    Returns:
        (cos, sin), h = H/2 of each, for `apply_rotary_embedding`.
    """
    inverse_frequencies = theta ** (-jnp.arange(0, size, 2) / size)
    angles = positions[..., None, None] * inverse_frequencies
    return jnp.cos(angles), jnp.sin(angles)


def apply_rotary_embedding(
    x: Float[Array, "B T heads H"], rotary: tuple[Float[Array, "B T 1 h"], Float[Array, "B T 1 h"]]
) -> Float[Array, "B T heads H"]:
    """Apply rotary position embedding: turn the pairs (x_i, x_{i+H/2}).

    Args:
        x: Queries or keys.
        rotary: (cos, sin) of `rotary_embedding`.

    Returns:
        The turned queries or keys.

    Source:
        Su et al. 2021, arXiv 2104.09864, equation 34; there the pairs are neighbors, here halves,
        as in Hugging Face's files.
    """
    (cos, sin), (first, second) = rotary, jnp.split(x, 2, axis=-1)
    rotated = first * cos - second * sin, second * cos + first * sin
    return jnp.concatenate(rotated, axis=-1).astype(x.dtype)


def positions_and_mask(
    mask: Bool[Array, "B T"], cache: KVCache | None = None
) -> tuple[Int[Array, "B T"], Bool[Array, "B 1 T S"], Bool[Array, "B S"]]:
    """Token positions and the causal attention mask, with or without a cache.

    A token's position is the number of tokens before it; padding, on either side, has no part in
    it. Without a cache the S slots are the T tokens themselves.

    Args:
        mask: True for a token, False for padding.
        cache: Of the tokens before.

    Returns:
        Positions, which slots each token attends to, and which slots hold a token.
    """
    if cache is None:
        before, used, slots = jnp.int32(0), jnp.int32(0), mask
    else:
        before, used = jnp.sum(cache.mask, axis=1, keepdims=True), cache.used
        slots = jax.lax.dynamic_update_slice_in_dim(cache.mask, mask, used, 1)
    positions = jnp.maximum(before + jnp.cumsum(mask, axis=1) - 1, 0)
    earlier = jnp.arange(slots.shape[1]) <= used + jnp.arange(mask.shape[1])[:, None]
    return positions, (earlier & slots[:, None])[:, None], slots
