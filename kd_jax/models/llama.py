"""Llama decoder: logits of every next token, with a key-value cache for generation.

Source: Touvron et al. 2023, arXiv 2302.13971; grouped-query attention: Ainslie et al. 2023, arXiv
2305.13245. With biases on queries, keys and values it is Qwen2 (arXiv 2407.10671); what else its
relatives do differently a Variant says.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree, Shaped

from kd_jax.errors import require
from kd_jax.models.attention import (
    KVCache,
    apart,
    capped,
    positions_and_mask,
    rotary_of,
    within_window,
)
from kd_jax.models.llama_layer import LlamaLayer, RMSNorm
from kd_jax.models.model import Model
from kd_jax.models.rotations import Rotation
from kd_jax.models.variants import Variant

embedding_init = nn.linear.default_embed_init  # 1/√D: a small decoder hardly learns from less


class Llama(nn.Module):
    """Llama's embeddings and layers, the layers' parameters stacked in one array each, [layers, …].

    Called with ids [B, T], a mask [B, T] (True: a token, False: padding, on either side; or whole
    numbers: which of several texts of its row a token is of, 0: padding) and perhaps a KVCache it
    gives (hidden [layers + 1, B, T, D], the KVCache with these tokens). Hidden states are the
    embeddings, every layer's output but the last, and the last normalized, from which `logits` are
    computed.

    Attributes:
        vocabulary: Number of tokens, V.
        width: D, the size of a hidden state.
        layers: Number of layers.
        heads: Heads of queries.
        num_kv_heads: Heads of keys and values.
        head_dim: Width of a head, H.
        intermediate_size: Width of the feed-forward nets.
        max_position_embeddings: Tokens of the longest text that it is made for, which callers heed.
        theta: Base of the rotary embedding's frequencies, where the variant names no other.
        epsilon: ε of the norms.
        tied: Whether the logits are read with the embeddings.
        biases: Whether queries, keys and values have biases.
        dtype: Of the layers' arithmetic.
        remat: Whether layers are computed again in the backward pass instead of kept.
        variant: What is other than in a Llama.
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
    variant: Variant = Variant()

    @nn.compact
    def __call__(
        self, ids: Int[Array, "B T"], mask: Shaped[Array, "B T"], cache: KVCache | None = None
    ) -> tuple[Float[Array, "L1 B T D"], KVCache | None]:
        table = self.param("embedding", embedding_init, (self.vocabulary, self.width))
        if not self.tied:  # it is `logits` that reads it
            self.param("head", nn.initializers.lecun_normal(), (self.width, self.vocabulary))
        kind, seen, slots = views(self, mask, cache)
        used = 0 if cache is None else cache.used
        scanned = nn.scan(
            nn.remat(LlamaLayer, prevent_cse=False) if self.remat else LlamaLayer,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=(
                nn.broadcast if cache is None else 0,
                nn.broadcast if kind is None else 0,
                *[nn.broadcast] * 2,
            ),
            length=self.layers,
        )
        sizes = self.heads, self.num_kv_heads, self.head_dim, self.intermediate_size
        own = self.epsilon, self.biases, self.dtype, self.variant
        layer = scanned(*sizes, *own, name="layers")
        first = embedded(self, table, ids)
        cached = None if cache is None else (cache.keys, cache.values)
        last, (hidden, cached) = layer(first, cached, kind, seen, used)
        last = RMSNorm(self.epsilon, self.variant.norm_offset, name="norm")(last)
        hidden = jnp.concatenate([first[None], hidden[:-1], last[None]])
        if cached is None:
            return hidden, None
        keys, values = cached
        return hidden, KVCache(keys, values, slots, used + ids.shape[1])


def embedded(
    llama: Llama, table: Float[Array, "V D"], ids: Int[Array, "B T"]
) -> Float[Array, "B T D"]:
    """What the first layer of a Llama reads.

    Args:
        llama: The network.
        table: Its embeddings.
        ids: Tokens.
    """
    first = jnp.asarray(table)[ids].astype(llama.dtype)
    if llama.variant.scaled_embeddings:
        first = first * jnp.asarray(llama.width**0.5, llama.dtype)
    return first


def views(
    llama: Llama, mask: Shaped[Array, "B T"], cache: KVCache | None
) -> tuple[Int[Array, " L"] | None, Any, Bool[Array, "B S"]]:
    """What layers see of each other's tokens.

    Layers that are all of one kind need no number of it, and their views no axis of kinds.

    Args:
        llama: The network.
        mask: As it is called with.
        cache: Likewise.

    Returns:
        Of which kind each layer is, rotations and masks of all kinds, slots with a token.
    """
    several = jnp.issubdtype(mask.dtype, jnp.integer)
    positions, attention_mask, slots = positions_and_mask(mask > 0 if several else mask, cache)
    turned_by = positions
    if several:
        turned_by, attention_mask = apart(mask, positions, attention_mask)

    def view(window, rotation):
        seen = within_window(attention_mask, positions, slots, window)
        return rotary_of(turned_by, llama.head_dim, rotation), seen

    each = layer_kinds(llama)
    kinds = list(dict.fromkeys(each))
    of_kinds = [view(*kind) for kind in kinds]
    if len(kinds) == 1:
        return None, of_kinds[0], slots
    stacked = jax.tree.map(lambda *several: jnp.stack(several), *of_kinds)
    return jnp.array([kinds.index(kind) for kind in each]), stacked, slots


def layer_kinds(llama: Llama) -> list[tuple[int, Rotation | None]]:
    """The window and the rotation of every layer.

    Args:
        llama: The network.

    Returns:
        (window, Rotation or None) of each; see Variant.

    Raises:
        InputError: The variant has those of another number of layers.
    """
    windows = llama.variant.windows or (0,) * llama.layers
    rotations = llama.variant.rotations or (Rotation(llama.theta),) * llama.layers
    for name, each in (("windows", windows), ("rotations", rotations)):
        require(
            len(each) == llama.layers,
            f"a Llama of {llama.layers} layers has the {name} of {len(each)}: expected one of each "
            "layer; layer_selection.shortened gives those of some layers",
        )
    return list(zip(windows, rotations))


def logits(
    params: PyTree, hidden: Float[Array, "*B D"], cap: float | None = None
) -> Float[Array, "*B V"]:
    """Logits of the next token from a Llama's last hidden states.

    Args:
        params: Of the Llama; of another one that is only read, its logits_cap may be among them.
        hidden: Last hidden states.
        cap: The variant's logits_cap.

    Returns:
        Logits, at least float32.
    """
    kernel = params["head"] if "head" in params else params["embedding"].T
    high = jnp.promote_types(hidden.dtype, jnp.float32)
    rows = hidden.reshape(-1, hidden.shape[-1])  # as a matrix, whose gradient is not transposed
    found = jnp.matmul(rows, kernel.astype(hidden.dtype), preferred_element_type=high)
    found = found.reshape(*hidden.shape[:-1], -1)
    cap = params.get("logits_cap", cap)
    return found if cap is None else capped(found, cap)


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
        found = logits(params, hidden[-1], llama.variant.logits_cap)
        return (found, {"hidden": hidden}), variables["state"]

    return Model(init, apply, llama)


class CachedDecoder(NamedTuple):
    """A decoder as two pure functions for generation token by token.

    Attributes:
        empty: (B, S) -> a KVCache without tokens, of S slots.
        step: (params, ids [B, T], mask [B, T], cache) -> (logits [B, V] after the last of the T,
            cache with the T). Texts of different lengths are padded on the left. More than S tokens
            in all overwrite the last ones silently.
        prepare: (params, cache) -> the same for many steps of a token each.
    """

    empty: Callable
    step: Callable
    prepare: Callable = lambda params, cache: (params, cache)


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
        return logits(params, hidden[-1, :, -1], llama.variant.logits_cap), cache

    return CachedDecoder(empty, step)
