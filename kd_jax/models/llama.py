"""Llama decoder: logits of every next token, with a key-value cache for generation.

Source: Touvron et al. 2023, arXiv 2302.13971; grouped-query attention: Ainslie et al. 2023, arXiv
2305.13245. With biases on queries, keys and values it is Qwen2 (arXiv 2407.10671).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from kd_jax.models.attention import (
    KVCache,
    apply_rotary_embedding,
    positions_and_mask,
    rotary_embedding,
)
from kd_jax.models.model import Model

kernel_init = nn.initializers.normal(0.02)
embedding_init = nn.linear.default_embed_init  # 1/√D: a small decoder hardly learns from less


class RMSNorm(nn.Module):
    """Root mean square norm x / √(mean x² + ε) · scale, in float32 inside.

    Attributes:
        epsilon: ε.

    Source:
        Zhang and Sennrich 2019, arXiv 1910.07467, equation 4.
    """

    epsilon: float

    @nn.compact
    def __call__(self, x: Float[Array, "*B D"]) -> Float[Array, "*B D"]:
        scale = self.param("scale", nn.initializers.ones, (x.shape[-1],))
        high = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        mean = jnp.mean(jnp.square(high), axis=-1, keepdims=True)
        return (high * jax.lax.rsqrt(mean + self.epsilon) * scale).astype(x.dtype)


class LlamaLayer(nn.Module):
    """Pre-norm transformer layer: grouped-query attention and a gated feed-forward net (SwiGLU).

    Attributes:
        heads: Heads of queries.
        num_kv_heads: Heads of keys and values.
        head_dim: Width of a head, H.
        intermediate_size: Width of the feed-forward net.
        epsilon: ε of the norms.
        biases: Whether queries, keys and values have biases.
        dtype: Of the arithmetic.
    """

    heads: int
    num_kv_heads: int
    head_dim: int
    intermediate_size: int
    epsilon: float
    biases: bool
    dtype: Any

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "B T D"],
        cached: tuple[Array, Array] | None,
        rotary: tuple[Array, Array],
        attention_mask: Bool[Array, "B 1 T S"],
        used: Int[Array, ""] | int,
    ) -> tuple[Float[Array, "B T D"], tuple[Float[Array, "B T D"], tuple[Array, Array] | None]]:
        def dense(size, name, bias=False):
            return nn.Dense(size, bias, dtype=self.dtype, kernel_init=kernel_init, name=name)

        def by_head(y, heads, name):
            return dense(heads * self.head_dim, name, self.biases)(y).reshape(
                *y.shape[:2], heads, -1
            )

        y = RMSNorm(self.epsilon, name="attention_norm")(x)
        query = apply_rotary_embedding(by_head(y, self.heads, "query"), rotary)
        keys = apply_rotary_embedding(by_head(y, self.num_kv_heads, "key"), rotary)
        values = by_head(y, self.num_kv_heads, "value")
        if cached is not None:
            keys, values = (
                jax.lax.dynamic_update_slice_in_dim(slots, tokens, used, 1)
                for slots, tokens in zip(cached, (keys, values))
            )
        attended = jax.nn.dot_product_attention(query, keys, values, mask=attention_mask)
        x = x + dense(x.shape[-1], "attended")(attended.reshape(*x.shape[:2], -1))
        y = RMSNorm(self.epsilon, name="inner_norm")(x)
        wide = jax.nn.silu(dense(self.intermediate_size, "gate")(y)) * dense(
            self.intermediate_size, "up"
        )(y)
        x = x + dense(x.shape[-1], "down")(wide)
        return x, (x, None if cached is None else (keys, values))


class Llama(nn.Module):
    """Llama's embeddings and layers, the layers' parameters stacked in one array each, [layers, …].

    Called with ids [B, T], a mask [B, T] (True: a token, False: padding, on either side) and
    perhaps a KVCache it gives (hidden [layers + 1, B, T, D], the KVCache with these tokens). Hidden
    states are the embeddings, every layer's output but the last, and the last normalized, from
    which `logits` are computed.

    Attributes:
        vocabulary: Number of tokens, V.
        width: D, the size of a hidden state.
        layers: Number of layers.
        heads: Heads of queries.
        num_kv_heads: Heads of keys and values.
        head_dim: Width of a head, H.
        intermediate_size: Width of the feed-forward nets.
        max_position_embeddings: Tokens of the longest text that it is made for, which callers heed.
        theta: Base of the rotary embedding's frequencies.
        epsilon: ε of the norms.
        tied: Whether the logits are read with the embeddings.
        biases: Whether queries, keys and values have biases.
        dtype: Of the layers' arithmetic.
        remat: Whether layers are computed again in the backward pass instead of kept.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    num_kv_heads: int
    head_dim: int
    intermediate_size: int
    max_position_embeddings: int = 2048
    theta: float = 10000.0
    epsilon: float = 1e-5
    tied: bool = False
    biases: bool = False
    dtype: Any = jnp.float32
    remat: bool = False

    @nn.compact
    def __call__(
        self, ids: Int[Array, "B T"], mask: Bool[Array, "B T"], cache: KVCache | None = None
    ) -> tuple[Float[Array, "L1 B T D"], KVCache | None]:
        table = self.param("embedding", embedding_init, (self.vocabulary, self.width))
        if not self.tied:  # it is `logits` that reads it
            self.param("head", nn.initializers.lecun_normal(), (self.width, self.vocabulary))
        positions, attention_mask, slots = positions_and_mask(mask, cache)
        used = 0 if cache is None else cache.used
        scanned = nn.scan(
            nn.remat(LlamaLayer, prevent_cse=False) if self.remat else LlamaLayer,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=(nn.broadcast if cache is None else 0, *[nn.broadcast] * 3),
            length=self.layers,
        )
        sizes = self.heads, self.num_kv_heads, self.head_dim, self.intermediate_size
        layer = scanned(*sizes, self.epsilon, self.biases, self.dtype, name="layers")
        first = jnp.asarray(table)[ids].astype(self.dtype)
        cached = None if cache is None else (cache.keys, cache.values)
        rotary = rotary_embedding(positions, self.head_dim, self.theta)
        last, (hidden, cached) = layer(first, cached, rotary, attention_mask, used)
        last = RMSNorm(self.epsilon, name="norm")(last)
        hidden = jnp.concatenate([first[None], hidden[:-1], last[None]])
        if cached is None:
            return hidden, None
        keys, values = cached
        return hidden, KVCache(keys, values, slots, used + ids.shape[1])


def logits(params: PyTree, hidden: Float[Array, "*B D"]) -> Float[Array, "*B V"]:
    """Logits of the next token from a Llama's last hidden states.

    Args:
        params: Of the Llama.
        hidden: Last hidden states.

    Returns:
        Logits, at least float32.
    """
    kernel = params["head"] if "head" in params else params["embedding"].T
    high = jnp.promote_types(hidden.dtype, jnp.float32)
    return jnp.matmul(hidden, kernel.astype(hidden.dtype), preferred_element_type=high)


def decoder(llama: Llama) -> Model:
    """A Llama as two pure functions.

    Under jit, logits that nobody uses are not computed.

    Args:
        llama: The network.

    Returns:
        A Model whose apply maps {"ids", "mask"} [B, T] to (logits [B, T, V],
        {"hidden": [layers + 1, B, T, D]}).
    """

    def init(key):
        found = llama.init(key, jnp.zeros((1, 2), int), jnp.ones((1, 2), bool))
        return {"params": found["params"], "state": {}}

    def apply(variables, inputs, train=False, key=None):
        params = variables["params"]
        hidden, _ = llama.apply({"params": params}, inputs["ids"], inputs["mask"])
        return (logits(params, hidden[-1]), {"hidden": hidden}), variables["state"]

    return Model(init, apply, llama)


class CachedDecoder(NamedTuple):
    """A decoder as two pure functions for generation token by token.

    Attributes:
        empty: (B, S) -> a KVCache without tokens, of S slots.
        step: (params, ids [B, T], mask [B, T], cache) -> (logits [B, V] after the last of the T,
            cache with the T). Texts of different lengths are padded on the left. More than S tokens
            in all overwrite the last ones silently.
    """

    empty: Callable
    step: Callable


def cached_decoder(llama: Llama) -> CachedDecoder:
    """Cached token-by-token generation with a Llama.

    Args:
        llama: The network.

    Returns:
        Its functions `empty` and `step`.
    """

    def empty(batch, slots):
        shape = llama.layers, batch, slots, llama.num_kv_heads, llama.head_dim
        keys, values = jnp.zeros(shape, llama.dtype), jnp.zeros(shape, llama.dtype)
        return KVCache(keys, values, jnp.zeros((batch, slots), bool), jnp.zeros((), jnp.int32))

    def step(params, ids, mask, cache):
        hidden, cache = llama.apply({"params": params}, ids, mask, cache)
        return logits(params, hidden[-1, :, -1]), cache

    return CachedDecoder(empty, step)
