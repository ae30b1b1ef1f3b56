"""The Llama decoder: from token numbers to the logits of every next token, layer by layer.

Source: Touvron et al. 2023, arXiv 2302.13971; groups of heads that share keys and values: Ainslie
et al. 2023, arXiv 2305.13245. With biases on queries, keys and values it is Qwen2 (arXiv
2407.10671).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from kd_jax.models.functional import Model

normal = nn.initializers.normal(0.02)
embedded = nn.linear.default_embed_init  # 1/√D: a small decoder hardly learns from less


class Cache(NamedTuple):
    """What layers keep of the tokens so far, so that the next needs no other computation.

    keys and values [layers, B, S, groups, H], for up to S tokens; mask [B, S]: True where a slot
    holds a token; used: how many of the S slots are taken, by tokens or padding.
    """

    keys: jax.Array
    values: jax.Array
    mask: jax.Array
    used: jax.Array


class RMSNorm(nn.Module):
    """x / √(mean x² + ε) · scale, in float32 inside. Source: arXiv 1910.07467, equation 4."""

    epsilon: float

    @nn.compact
    def __call__(self, x):
        scale = self.param("scale", nn.initializers.ones, (x.shape[-1],))
        high = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        mean = jnp.mean(jnp.square(high), axis=-1, keepdims=True)
        return (high * jax.lax.rsqrt(mean + self.epsilon) * scale).astype(x.dtype)


def rotation(positions, size, theta):
    """cos and sin [B, T, 1, size/2] of the angles position · theta^(−2i/size), for `rotate`."""
    speeds = theta ** (-jnp.arange(0, size, 2) / size)
    angles = positions[..., None, None] * speeds
    return jnp.cos(angles), jnp.sin(angles)


def rotate(x, turn):
    """Turns the pairs (x_i, x_{i+H/2}) of [B, T, heads, H] by the angles of `rotation`.

    Source: Su et al. 2021, arXiv 2104.09864, equation 34; there the pairs are neighbours, here
    halves, as in Hugging Face's files.
    """
    (cos, sin), (first, second) = turn, jnp.split(x, 2, axis=-1)
    turned = first * cos - second * sin, second * cos + first * sin
    return jnp.concatenate(turned, axis=-1).astype(x.dtype)


def positions_and_sight(mask, cache=None):
    """(positions [B, T], which slots each token sees [B, 1, T, S], mask of the slots [B, S]).

    A token's position is the number of tokens before it; padding, on either side, has no part in
    it. Without a cache the slots are the T tokens themselves.
    """
    if cache is None:
        before, used, slots = jnp.int32(0), jnp.int32(0), mask
    else:
        before, used = jnp.sum(cache.mask, axis=1, keepdims=True), cache.used
        slots = jax.lax.dynamic_update_slice_in_dim(cache.mask, mask, used, 1)
    positions = jnp.maximum(before + jnp.cumsum(mask, axis=1) - 1, 0)
    earlier = jnp.arange(slots.shape[1]) <= used + jnp.arange(mask.shape[1])[:, None]
    return positions, (earlier & slots[:, None])[:, None], slots


class Layer(nn.Module):
    """Self-attention and a gated feed-forward net, each on the normalised input and then added."""

    heads: int
    groups: int
    size: int
    inner: int
    epsilon: float
    biases: bool
    dtype: Any

    @nn.compact
    def __call__(self, x, kept, turn, sight, used):
        def dense(size, name, bias=False):
            return nn.Dense(size, bias, dtype=self.dtype, kernel_init=normal, name=name)

        def by_head(y, heads, name):
            return dense(heads * self.size, name, self.biases)(y).reshape(*y.shape[:2], heads, -1)

        y = RMSNorm(self.epsilon, name="attention_norm")(x)
        query = rotate(by_head(y, self.heads, "query"), turn)
        keys = rotate(by_head(y, self.groups, "key"), turn)
        values = by_head(y, self.groups, "value")
        if kept is not None:
            keys, values = (
                jax.lax.dynamic_update_slice_in_dim(room, tokens, used, 1)
                for room, tokens in zip(kept, (keys, values))
            )
        seen = jax.nn.dot_product_attention(query, keys, values, mask=sight)
        x = x + dense(x.shape[-1], "attended")(seen.reshape(*x.shape[:2], -1))
        y = RMSNorm(self.epsilon, name="inner_norm")(x)
        wide = jax.nn.silu(dense(self.inner, "gate")(y)) * dense(self.inner, "up")(y)
        x = x + dense(x.shape[-1], "down")(wide)
        return x, (x, None if kept is None else (keys, values))


class Llama(nn.Module):
    """Embeddings and layers, whose parameters stand in one array each, [layers, …].

    ids [B, T], mask [B, T] (True: a token, False: padding, on either side), perhaps a Cache ->
    (hidden [layers + 1, B, T, D], the Cache with these tokens). Hidden states are the embeddings,
    every layer's output but the last, and the last normalised, of which `logits` are read.

    groups: heads of keys and values; size: width of a head; positions: tokens of the longest text
    that it is made for, which callers heed; dtype: of the layers' arithmetic; rematerialised:
    layers are computed again in the backward pass instead of kept.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    groups: int
    size: int
    inner: int
    positions: int = 2048
    theta: float = 10000.0
    epsilon: float = 1e-5
    tied: bool = False
    biases: bool = False
    dtype: Any = jnp.float32
    rematerialised: bool = False

    @nn.compact
    def __call__(self, ids, mask, cache=None):
        table = self.param("embedding", embedded, (self.vocabulary, self.width))
        if not self.tied:  # it is `logits` that reads it
            self.param("head", nn.initializers.lecun_normal(), (self.width, self.vocabulary))
        positions, sight, slots = positions_and_sight(mask, cache)
        used = 0 if cache is None else cache.used
        scanned = nn.scan(
            nn.remat(Layer, prevent_cse=False) if self.rematerialised else Layer,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=(nn.broadcast if cache is None else 0, *[nn.broadcast] * 3),
            length=self.layers,
        )
        sizes = self.heads, self.groups, self.size, self.inner
        layer = scanned(*sizes, self.epsilon, self.biases, self.dtype, name="layers")
        first = jnp.asarray(table)[ids].astype(self.dtype)
        kept = None if cache is None else (cache.keys, cache.values)
        turn = rotation(positions, self.size, self.theta)
        last, (hidden, kept) = layer(first, kept, turn, sight, used)
        last = RMSNorm(self.epsilon, name="norm")(last)
        hidden = jnp.concatenate([first[None], hidden[:-1], last[None]])
        if kept is None:
            return hidden, None
        keys, values = kept
        return hidden, Cache(keys, values, slots, used + ids.shape[1])


def logits(params, hidden):
    """The logits [..., V], at least float32, of the last hidden states [..., D] of a Llama."""
    kernel = params["head"] if "head" in params else params["embedding"].T
    high = jnp.promote_types(hidden.dtype, jnp.float32)
    return jnp.matmul(hidden, kernel.astype(hidden.dtype), preferred_element_type=high)


def decoder(llama):
    """The Model of a Llama: {"ids", "mask"} [B, T] -> (logits [B, T, V], {"hidden": …}).

    Under jit, logits that nobody uses are not computed.
    """

    def init(key):
        return llama.init(key, jnp.zeros((1, 2), int), jnp.ones((1, 2), bool))["params"]

    def apply(params, inputs, train=False, key=None):
        hidden, _ = llama.apply({"params": params}, inputs["ids"], inputs["mask"])
        return logits(params, hidden[-1]), {"hidden": hidden}

    return Model(init, apply, llama)


class Writer(NamedTuple):
    """A decoder as two pure functions for writing token by token.

    empty: (B, S) -> a Cache without tokens, with room for S.
    step: (params, ids [B, T], mask [B, T], cache) -> (logits [B, V] after the last of the T, cache
      with the T). Texts of different lengths are padded on the left. More than S tokens in all
      overwrite the last ones silently: the cache must have room.
    """

    empty: Callable
    step: Callable


def writer(llama):
    """The Writer of a Llama."""

    def empty(batch, room):
        shape = llama.layers, batch, room, llama.groups, llama.size
        keys, values = jnp.zeros(shape, llama.dtype), jnp.zeros(shape, llama.dtype)
        return Cache(keys, values, jnp.zeros((batch, room), bool), jnp.zeros((), jnp.int32))

    def step(params, ids, mask, cache):
        hidden, cache = llama.apply({"params": params}, ids, mask, cache)
        return logits(params, hidden[-1, :, -1]), cache

    return Writer(empty, step)
