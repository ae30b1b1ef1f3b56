"""BERT encoder: hidden states and sentence embeddings of token ids.

Source: Devlin et al. 2018, arXiv 1810.04805; without token types it is DistilBERT (Sanh et al.
2019, arXiv 1910.01108).
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kd_jax.models.model import Model

kernel_init = nn.initializers.normal(0.02)


class Embeddings(nn.Module):
    """Sum of token, position and (where there are any) type embeddings, layer-normalized.

    Attributes:
        vocabulary: Number of tokens.
        width: D, the size of a vector.
        max_position_embeddings: Tokens of the longest text.
        types: Number of token types; 0 for none.
        epsilon: ε of the layer norm.
    """

    vocabulary: int
    width: int
    max_position_embeddings: int
    types: int
    epsilon: float

    @nn.compact
    def __call__(self, ids: Int[Array, "B T"]) -> Float[Array, "B T D"]:
        def table(rows, name):
            return self.param(name, kernel_init, (rows, self.width))

        x = (
            table(self.vocabulary, "word")[ids]
            + table(self.max_position_embeddings, "position")[: ids.shape[1]]
        )
        if self.types:  # single texts only: every token is of the first
            x = x + table(self.types, "type")[0]
        return nn.LayerNorm(self.epsilon, name="norm")(x)


class BertLayer(nn.Module):
    """Post-norm transformer layer: self-attention and feed-forward, each added and normalized.

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
        self, x: Float[Array, "B T D"], mask: Bool[Array, "B T"]
    ) -> tuple[Float[Array, "B T D"], Float[Array, "B T D"]]:
        width = x.shape[-1]

        def dense(size, name):
            return nn.Dense(size, kernel_init=kernel_init, name=name)

        def by_head(name):
            return dense(width, name)(x).reshape(*x.shape[:2], self.heads, -1)

        attended = jax.nn.dot_product_attention(
            by_head("query"), by_head("key"), by_head("value"), mask=mask[:, None, None]
        )
        x = x + dense(width, "attended")(attended.reshape(x.shape))
        x = nn.LayerNorm(self.epsilon, name="attention_norm")(x)
        wide = jax.nn.gelu(dense(self.intermediate_size, "inner")(x), approximate=False)
        x = nn.LayerNorm(self.epsilon, name="norm")(x + dense(width, "outer")(wide))
        return x, x


class Bert(nn.Module):
    """BERT's embeddings and layers, the layers' parameters stacked in one array each, [layers, …].

    Called with ids [B, T] and a mask [B, T] (True: a token, False: padding) it gives the hidden
    states [layers + 1, B, T, D], the embeddings first.

    Attributes:
        vocabulary: Number of tokens.
        width: D, the size of a hidden state.
        layers: Number of layers.
        heads: Number of attention heads.
        intermediate_size: Width of the feed-forward nets.
        max_position_embeddings: Tokens of the longest text.
        types: Number of token types; 0 for DistilBERT.
        epsilon: ε of the layer norms.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    intermediate_size: int
    max_position_embeddings: int = 512
    types: int = 2
    epsilon: float = 1e-12

    @nn.compact
    def __call__(
        self, ids: Int[Array, "B T"], mask: Bool[Array, "B T"]
    ) -> Float[Array, "L1 B T D"]:
        sizes = self.vocabulary, self.width, self.max_position_embeddings, self.types, self.epsilon
        first = Embeddings(*sizes, name="embeddings")(ids)
        scanned = nn.scan(
            BertLayer,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=nn.broadcast,
            length=self.layers,
        )
        layer = scanned(self.heads, self.intermediate_size, self.epsilon, name="layers")
        _, hidden = layer(first, mask)
        return jnp.concatenate([first[None], hidden])


def mean_pooling(hidden: Float[Array, "B T D"], mask: Bool[Array, "B T"]) -> Float[Array, "B D"]:
    """Sentence embeddings by mean pooling: the mean of the tokens' vectors, at length 1.

    Args:
        hidden: Last hidden states.
        mask: True for a token, False for padding.

    Returns:
        Unit vectors; 0 where there is no token.

    Source:
        Reimers and Gurevych 2019, arXiv 1908.10084, section 3.
    """
    weights = mask[..., None].astype(hidden.dtype)
    mean = jnp.sum(hidden * weights, 1) / jnp.maximum(jnp.sum(weights, 1), 1)
    return mean / jnp.maximum(jnp.linalg.norm(mean, axis=-1, keepdims=True), 1e-12)


def sentence_encoder(bert: Bert) -> Model:
    """A BERT as a sentence encoder of two pure functions.

    Args:
        bert: The network.

    Returns:
        A Model whose apply maps {"ids", "mask"} [B, T] to (unit vectors [B, D],
        {"hidden": [layers + 1, B, T, D]}).
    """

    def init(key):
        found = bert.init(key, jnp.zeros((1, 2), int), jnp.ones((1, 2), bool))
        return {"params": found["params"], "state": {}}

    def apply(variables, inputs, train=False, key=None):
        params = {"params": variables["params"]}
        hidden: Any = bert.apply(params, inputs["ids"], inputs["mask"])
        return (mean_pooling(hidden[-1], inputs["mask"]), {"hidden": hidden}), variables["state"]

    return Model(init, apply, bert)
