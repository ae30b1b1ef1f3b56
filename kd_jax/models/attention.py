"""Rotary position embedding, attention and its masks, and the key-value cache of decoders."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kd_jax.models.rotations import Rotation


class KVCache(NamedTuple):
    """Key-value cache: keys and values of the tokens so far, for generation.

    Attributes:
        keys: [L, B, S, G, H]: of up to S tokens, G heads of keys of width H in each of L layers;
            or L arrays.
        values: Likewise.
        mask: True where a slot holds a token.
        used: How many of the S slots are taken, by tokens or padding.
    """

    keys: Any
    values: Any
    mask: Bool[Array, "B S"]
    used: Int[Array, ""] | int


def rotary_embedding(
    positions: Int[Array, "B T"], head_dim: int, theta: float
) -> tuple[Float[Array, "B T 1 h"], Float[Array, "B T 1 h"]]:
    """Cosines and sines of the rotary embedding's angles, position · theta^(−2i/head_dim).

    Args:
        positions: Of the tokens.
        head_dim: Width of a head, H.
        theta: The base of the inverse frequencies.

    Returns:
        (cos, sin), h = H/2 of each, for `apply_rotary_embedding`.
    """
    inverse_frequencies = theta ** (-jnp.arange(0, head_dim, 2) / head_dim)
    angles = positions[..., None, None] * inverse_frequencies
    return jnp.cos(angles), jnp.sin(angles)


def rotary_of(
    positions: Int[Array, "B T"], head_dim: int, rotation: Rotation | None
) -> tuple[Float[Array, "B T 1 h"], Float[Array, "B T 1 h"]]:
    """Cosines and sines of any Rotation.

    Args:
        positions: Of the tokens.
        head_dim: Width of a head, H.
        rotation: None: nothing is turned.

    Returns:
        (cos, sin), h = H/2 of each, for `apply_rotary_embedding`.
    """
    if rotation is None:
        shape = *positions.shape, 1, head_dim // 2
        return jnp.ones(shape), jnp.zeros(shape)
    if rotation.scaling is None:
        return rotary_embedding(positions, head_dim, rotation.theta)
    frequencies, magnitude = rotation.frequencies(head_dim)
    angles = positions[..., None, None] * jnp.asarray(frequencies, jnp.float32)
    return magnitude * jnp.cos(angles), magnitude * jnp.sin(angles)


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


def apart(
    texts: Int[Array, "B T"], positions: Int[Array, "B T"], attention_mask: Bool[Array, "B 1 T T"]
) -> tuple[Int[Array, "B T"], Bool[Array, "B 1 T T"]]:
    """Positions and attention mask of several texts in a row that know nothing of each other.

    Args:
        texts: Which text of its row each token is of, from 1 on, each text in one piece; 0:
            padding.
        positions: In the row, of `positions_and_mask`, as is the next.
        attention_mask: Of a row as one text.

    Returns:
        Positions that begin anew with each text, and which slots each token attends to.
    """
    first = jnp.diff(texts, axis=1, prepend=-1) != 0
    begun = jax.lax.cummax(jnp.where(first, positions, 0), axis=1)
    alike = texts[:, :, None] == texts[:, None]
    return positions - begun, attention_mask & alike[:, None]


def within_window(
    attention_mask: Bool[Array, "B 1 T S"],
    positions: Int[Array, "B T"],
    slots: Bool[Array, "B S"],
    window: int,
) -> Bool[Array, "B 1 T S"]:
    """Of the slots that a token attends to, those of the last tokens.

    Args:
        attention_mask: Of `positions_and_mask`, as are the next two.
        positions: Of the tokens.
        slots: Which slots hold a token.
        window: How many tokens are seen, the own one included; 0: all.

    Returns:
        The attention mask; padding between two tokens does not part them.
    """
    if not window:
        return attention_mask
    of_slots = jnp.cumsum(slots, axis=1) - 1
    near = positions[:, :, None] - of_slots[:, None] < window
    return attention_mask & near[:, None]


def attend(
    query: Float[Array, "B T N H"],
    keys: Float[Array, "B S G H"],
    values: Float[Array, "B S G H"],
    mask: Bool[Array, "B 1 T S"],
    scale: float | None = None,
    cap: float | None = None,
) -> Float[Array, "B T N H"]:
    """Attention of N heads of queries to G groups of keys and values, in float32 inside.

    Args:
        query: Of every token.
        keys: Of every slot.
        values: Likewise.
        mask: Which slots each token attends to.
        scale: What scores are multiplied by; None: 1/√H.
        cap: c of scores c · tanh(score / c); None: they are left alone.

    Returns:
        What each head of each token attends to.

    Source:
        Gemma Team 2024, arXiv 2408.00118, section 2 (logit soft-capping).
    """
    if cap is None:
        return jax.nn.dot_product_attention(query, keys, values, mask=mask, scale=scale)
    high = jnp.promote_types(query.dtype, jnp.float32)
    (batch, tokens, _, size), groups = query.shape, keys.shape[2]
    grouped = query.reshape(batch, tokens, groups, -1, size)
    scores = jnp.einsum("btgnh,bsgh->bgnts", grouped, keys, preferred_element_type=high)
    scores = capped(scores * (size**-0.5 if scale is None else scale), cap)
    weights = jax.nn.softmax(jnp.where(mask[:, :, None], scores, jnp.finfo(high).min))
    found = jnp.einsum("bgnts,bsgh->btgnh", weights.astype(values.dtype), values)
    return found.reshape(query.shape)


def capped(x: Float[Array, "*B"], cap: float | Array) -> Float[Array, "*B"]:
    """Numbers kept below a soft cap c: c · tanh(x / c)."""
    return cap * jnp.tanh(x / cap)
