"""One layer of a Llama, and of its relatives that a Variant describes."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kd_jax.models.attention import apply_rotary_embedding, attend
from kd_jax.models.variants import Variant

kernel_init = nn.initializers.normal(0.02)


class RMSNorm(nn.Module):
    """Root mean square norm x / √(mean x² + ε) · (scale + offset), in float32 inside.

    Attributes:
        epsilon: ε.
        offset: What is added to the parameter.

    Source:
        Zhang and Sennrich 2019, arXiv 1910.07467, equation 4.
    """

    epsilon: float
    offset: float = 0.0

    @nn.compact
    def __call__(self, x: Float[Array, "*B D"]) -> Float[Array, "*B D"]:
        init = nn.initializers.constant(1 - self.offset)
        scale = self.param("scale", init, (x.shape[-1],))
        scale = scale + self.offset if self.offset else scale
        high = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        mean = jnp.mean(jnp.square(high), axis=-1, keepdims=True)
        return (high * jax.lax.rsqrt(mean + self.epsilon) * scale).astype(x.dtype)


class LlamaLayer(nn.Module):
    """Transformer layer: grouped-query attention and a gated feed-forward net.

    Attributes:
        heads: Heads of queries.
        num_kv_heads: Heads of keys and values.
        head_dim: Width of a head, H.
        intermediate_size: Width of the feed-forward net.
        epsilon: ε of the norms.
        biases: Whether queries, keys and values have biases.
        dtype: Of the arithmetic.
        variant: What is other than in a Llama.
    """

    heads: int
    num_kv_heads: int
    head_dim: int
    intermediate_size: int
    epsilon: float
    biases: bool
    dtype: Any
    variant: Variant

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "B T D"],
        cached: tuple[Array, Array] | None,
        kind: Int[Array, ""] | None,
        views: tuple[tuple[Array, Array], Bool[Array, "*K B 1 T S"]],
        used: Int[Array, ""] | int,
    ) -> tuple[Float[Array, "B T D"], tuple[Float[Array, "B T D"], tuple[Array, Array] | None]]:
        if kind is not None:  # layers of several kinds: this one's rotations and mask
            views = jax.tree.map(lambda each: each[kind], views)
        y = self._norm("attention_norm", self.variant.pre_norms)(x)
        y, cached = self._attention(y, cached, *views, used)
        x = x + self._norm("attended_norm", self.variant.post_norms)(y)
        y = self._norm("inner_norm", self.variant.pre_norms)(x)
        y = self._norm("down_norm", self.variant.post_norms)(self._inner(y))
        x = x + y
        return x, (x, cached)

    def _attention(self, y, cached, rotary, attention_mask, used):
        """What attention adds, and its keys and values so far, where they are kept."""
        query = apply_rotary_embedding(self._by_head(y, self.heads, "query"), rotary)
        keys = apply_rotary_embedding(self._by_head(y, self.num_kv_heads, "key"), rotary)
        values = self._by_head(y, self.num_kv_heads, "value")
        if cached is not None:
            keys, values = (
                jax.lax.dynamic_update_slice_in_dim(slots, tokens, used, 1)
                for slots, tokens in zip(cached, (keys, values))
            )
        scalar, cap = self.variant.attention_scalar, self.variant.attention_cap
        scale = None if scalar is None else scalar**-0.5
        attended = attend(query, keys, values, attention_mask, scale, cap)
        y = self._dense(y.shape[-1], "attended", self.variant.output_bias)(
            attended.reshape(*y.shape[:2], -1)
        )
        return y, None if cached is None else (keys, values)

    def _inner(self, y):
        """What the feed-forward net adds."""
        size, bias = self.intermediate_size, self.variant.inner_biases
        gate = self.variant.activation(self._dense(size, "gate", bias)(y))
        wide = gate * self._dense(size, "up", bias)(y)
        return self._dense(y.shape[-1], "down", bias)(wide)

    def _by_head(self, y, heads, name):
        normalized = name != "value"
        whole = self._norm(f"{name}_norm", normalized and self.variant.projection_norms)
        each = self._norm(f"{name}_norm", normalized and self.variant.head_norms)
        y = whole(self._dense(heads * self.head_dim, name, self.biases)(y))
        return each(y.reshape(*y.shape[:2], heads, -1))

    def _dense(self, size, name, bias):
        return nn.Dense(size, bias, dtype=self.dtype, kernel_init=kernel_init, name=name)

    def _norm(self, name, present):
        """A norm, or nothing where the variant has none there."""
        if not present:
            return lambda x: x
        return RMSNorm(self.epsilon, self.variant.norm_offset, name=name)
