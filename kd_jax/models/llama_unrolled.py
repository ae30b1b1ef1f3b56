"""A Llama whose layers are computed one by one, each with parameters of its own: faster on a CPU.

A scan over layers copies each one's parameters out of the stack before it computes with them, and
its gradients into another. Unrolled, a training step is a fifth faster there, and so is a token of
generation; to compile takes longer, the more layers the more.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree, Shaped

from kd_jax.models import llama
from kd_jax.models.attention import KVCache
from kd_jax.models.llama import CachedDecoder, Llama
from kd_jax.models.llama_layer import LlamaLayer, RMSNorm
from kd_jax.models.variants import Variant


class Unrolled(NamedTuple):
    """A Llama of parameters as `unstacked` gives them; called as the Llama is.

    Attributes:
        llama: The network.
    """

    llama: Llama

    @property
    def variant(self) -> Variant:
        """That of the Llama."""
        return self.llama.variant

    def apply(
        self,
        variables: dict[str, Any],
        ids: Int[Array, "B T"],
        mask: Shaped[Array, "B T"],
        cache: KVCache | None = None,
    ) -> tuple[Float[Array, "L1 B T D"], KVCache | None]:
        """See Llama; keys and values of the cache it gives are a tuple, an array for each layer.

        Args:
            variables: {"params": parameters}.
            ids: Tokens.
            mask: As a Llama's.
            cache: Of either kind.
        """
        net, params = self.llama, variables["params"]
        _, views, slots = llama.views(net, mask, cache)
        kinds = llama.layer_kinds(net)
        known = list(dict.fromkeys(kinds))
        hidden: list[Any] = [llama.embedded(net, params["embedding"], ids)]
        kept = []
        for number, (kind, own) in enumerate(zip(kinds, params["layers"], strict=True)):
            seen = views if len(known) == 1 else _at(views, known.index(kind))
            cached = cache and (cache.keys[number], cache.values[number])
            x, cached = self._layer(own, hidden[-1], cached, seen, cache.used if cache else 0)
            hidden.append(x)
            kept.append(cached)
        norm = RMSNorm(net.epsilon, net.variant.norm_offset)
        hidden[-1] = norm.apply({"params": params["norm"]}, hidden[-1])
        if cache is None:
            return jnp.stack(hidden), None
        keys, values = zip(*kept)
        return jnp.stack(hidden), KVCache(keys, values, slots, cache.used + ids.shape[1])

    def _layer(self, params, x, cached, views, used):
        """(The output of a layer, its keys and values so far)."""
        net = self.llama
        sizes = net.heads, net.num_kv_heads, net.head_dim, net.intermediate_size
        layer = LlamaLayer(*sizes, net.epsilon, net.biases, net.dtype, net.variant)

        def computed(params, x):
            _, found = layer.apply({"params": params}, x, cached, None, views, used)
            return found

        return (jax.checkpoint(computed) if net.remat else computed)(params, x)


def _at(tree, number):
    return jax.tree.map(lambda x: x[number], tree)


def unstacked(params: PyTree) -> PyTree:
    """The parameters of a Llama with those of each layer apart.

    Args:
        params: Of the Llama; its layers' are [layers, …].
    """
    layers = params["layers"]
    count = len(jax.tree.leaves(layers)[0])
    return params | {"layers": tuple(_at(layers, number) for number in range(count))}


def stacked(params: PyTree) -> PyTree:
    """The parameters of a Llama again; the inverse of `unstacked`.

    Args:
        params: Of an Unrolled one; those of a Llama are left as they are.
    """
    if isinstance(params["layers"], dict):
        return params
    layers = jax.tree.map(lambda *each: jnp.stack(each), *params["layers"])
    return params | {"layers": layers}


def is_faster() -> bool:
    """Whether layers should be unrolled where a program runs for long: on a CPU."""
    return jax.default_backend() == "cpu"


def for_long(net: Llama, params: PyTree) -> tuple[Llama | Unrolled, PyTree]:
    """A network and its parameters for a program that runs for long: Unrolled where it is faster.

    Args:
        net: The Llama.
        params: Of it.
    """
    return (Unrolled(net), unstacked(params)) if is_faster() else (net, params)


def cached_decoder(net: Llama) -> CachedDecoder:
    """A Llama for generation of many tokens: unrolled but for the prompt, where that is faster.

    Args:
        net: The network; its parameters are stacked, or `unstacked` already.
    """
    plain = llama.cached_decoder(net)
    if not is_faster():
        return plain

    def step(params, ids, mask, cache):
        if isinstance(params["layers"], dict):
            return plain.step(params, ids, mask, cache)
        hidden, cache = Unrolled(net).apply({"params": params}, ids, mask, cache)
        return llama.logits(params, hidden[-1, :, -1], net.variant.logits_cap), cache

    def prepare(params, cache):
        cache = cache._replace(keys=tuple(cache.keys), values=tuple(cache.values))
        if isinstance(params["layers"], dict):  # once, and not at every token
            params = jax.lax.optimization_barrier(unstacked(params))
        return params, cache

    return CachedDecoder(plain.empty, step, prepare)
