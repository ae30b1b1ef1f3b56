"""ModernBERT encoder: rotary positions, local and global attention, gated feed-forward nets.

It shares no part with a `bert.Bert` but the attention itself: layers normalize before instead of
behind, none has biases, and positions turn queries and keys instead of being looked up.

Source: Warner et al. 2024, arXiv 2412.13663.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kd_jax.models.attention import apply_rotary_embedding, rotary_embedding

kernel_init = nn.initializers.normal(0.02)
Rotary = tuple[Float[Array, "1 T 1 h"], Float[Array, "1 T 1 h"]]


class Embeddings(nn.Module):
    """Token embeddings, layer-normalized.

    Attributes:
        vocabulary: Number of tokens.
        width: D, the size of a vector.
        epsilon: ε of the layer norm.
    """

    vocabulary: int
    width: int
    epsilon: float

    @nn.compact
    def __call__(self, ids: Int[Array, "B T"]) -> Float[Array, "B T D"]:
        table = jnp.asarray(self.param("word", kernel_init, (self.vocabulary, self.width)))
        return nn.LayerNorm(self.epsilon, use_bias=False, name="norm")(table[ids])


class ModernBertLayer(nn.Module):
    """Pre-norm transformer layer: rotary self-attention and a gated feed-forward net (GeGLU).

    Attributes:
        heads: Number of attention heads.
        intermediate_size: Width of the feed-forward net.
        epsilon: ε of the layer norms.
    """

    heads: int
    intermediate_size: int
    epsilon: float

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "B T D"],
        layer: tuple[Bool[Array, ""], Bool[Array, ""]],
        masks: tuple[Bool[Array, "B 1 T T"], Bool[Array, "B 1 1 T"]],
        rotaries: tuple[Rotary, Rotary],
    ) -> tuple[Float[Array, "B T D"], Float[Array, "B T D"]]:
        first, local = layer
        width = x.shape[-1]

        def norm(name):
            return nn.LayerNorm(self.epsilon, use_bias=False, name=name)

        def dense(size, name):
            return nn.Dense(size, use_bias=False, kernel_init=kernel_init, name=name)

        def own(local_and_global):
            return jax.tree.map(lambda a, b: jnp.where(local, a, b), *local_and_global)

        # the embeddings are normalized already: the norm of the first layer is not used
        y = jnp.where(first, x, norm("attention_norm")(x))
        heads = dense(3 * width, "qkv")(y).reshape(*x.shape[:2], 3, self.heads, -1)
        query, key, value = (heads[:, :, n] for n in range(3))
        rotary = own(rotaries)
        query, key = apply_rotary_embedding(query, rotary), apply_rotary_embedding(key, rotary)
        attended = jax.nn.dot_product_attention(query, key, value, mask=own(masks))
        x = x + dense(width, "attended")(attended.reshape(x.shape))
        y = norm("inner_norm")(x)
        wide, gate = jnp.split(dense(2 * self.intermediate_size, "inner")(y), 2, axis=-1)
        wide = jax.nn.gelu(wide, approximate=False) * gate
        x = x + dense(width, "outer")(wide)
        return x, x


class ModernBert(nn.Module):
    """ModernBERT's embeddings and layers, the layers' parameters stacked, [layers, …].

    Called with ids [B, T] and a mask [B, T] (True: a token, False: padding, on either side) it
    gives the hidden states [layers + 1, B, T, D]: the embeddings, every layer's output but the
    last, and the last normalized.

    Attributes:
        vocabulary: Number of tokens.
        width: D, the size of a hidden state.
        local: For each layer, whether its attention is local.
        heads: Number of attention heads.
        intermediate_size: Width of the feed-forward nets.
        max_position_embeddings: Tokens of the longest text that it is made for, which callers heed.
        window: Tokens on either side that local attention sees.
        theta: Base of the rotary embedding's frequencies where attention is global.
        local_theta: The same where it is local.
        epsilon: ε of the layer norms.
    """

    vocabulary: int
    width: int
    local: tuple[bool, ...]
    heads: int
    intermediate_size: int
    max_position_embeddings: int = 8192
    window: int = 64
    theta: float = 160000.0
    local_theta: float = 10000.0
    epsilon: float = 1e-5

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.local)

    @property
    def longest(self) -> int:
        """Tokens of the longest text."""
        return self.max_position_embeddings

    @nn.compact
    def __call__(
        self, ids: Int[Array, "B T"], mask: Bool[Array, "B T"]
    ) -> Float[Array, "L1 B T D"]:
        sizes = self.vocabulary, self.width, self.epsilon
        first = Embeddings(*sizes, name="embeddings")(ids)
        scanned = nn.scan(
            ModernBertLayer,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=(0, nn.broadcast, nn.broadcast),
            length=self.layers,
        )
        layer = scanned(self.heads, self.intermediate_size, self.epsilon, name="layers")
        positions = jnp.arange(ids.shape[1])
        near = abs(positions - positions[:, None]) <= self.window
        everywhere = mask[:, None, None]

        def rotary(theta):
            return rotary_embedding(positions[None], self.width // self.heads, theta)

        rotaries = rotary(self.local_theta), rotary(self.theta)
        each = jnp.arange(self.layers) == 0, jnp.asarray(self.local)
        last, hidden = layer(first, each, (everywhere & near, everywhere), rotaries)
        last = nn.LayerNorm(self.epsilon, use_bias=False, name="norm")(last)
        return jnp.concatenate([first[None], hidden[:-1], last[None]])
