"""The BERT encoder: from token numbers to a vector for every token, layer by layer.

Source: Devlin et al. 2018, arXiv 1810.04805; without token types it is DistilBERT (Sanh et al.
2019, arXiv 1910.01108).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from kd_jax.models.functional import Model

normal = nn.initializers.normal(0.02)


class Embeddings(nn.Module):
    """Word, position and (where there are any) type of every token: ids [B, T] -> [B, T, D]."""

    vocabulary: int
    width: int
    positions: int
    types: int
    epsilon: float

    @nn.compact
    def __call__(self, ids):
        def table(rows, name):
            return self.param(name, normal, (rows, self.width))

        x = table(self.vocabulary, "word")[ids] + table(self.positions, "position")[: ids.shape[1]]
        if self.types:  # single texts only: every token is of the first
            x = x + table(self.types, "type")[0]
        return nn.LayerNorm(self.epsilon, name="norm")(x)


class Layer(nn.Module):
    """Self-attention and a feed-forward net, each added and then normalised."""

    heads: int
    inner: int
    epsilon: float

    @nn.compact
    def __call__(self, x, mask):
        width = x.shape[-1]

        def dense(size, name):
            return nn.Dense(size, kernel_init=normal, name=name)

        def by_head(name):
            return dense(width, name)(x).reshape(*x.shape[:2], self.heads, -1)

        seen = jax.nn.dot_product_attention(
            by_head("query"), by_head("key"), by_head("value"), mask=mask[:, None, None]
        )
        x = x + dense(width, "attended")(seen.reshape(x.shape))
        x = nn.LayerNorm(self.epsilon, name="attention_norm")(x)
        wide = jax.nn.gelu(dense(self.inner, "inner")(x), approximate=False)
        x = nn.LayerNorm(self.epsilon, name="norm")(x + dense(width, "outer")(wide))
        return x, x


class Bert(nn.Module):
    """Embeddings and layers, whose parameters stand in one array each, [layers, …].

    ids [B, T], mask [B, T] (True: a token, False: padding) -> [layers + 1, B, T, D], the
    embeddings first.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    inner: int
    positions: int = 512
    types: int = 2
    epsilon: float = 1e-12

    @nn.compact
    def __call__(self, ids, mask):
        sizes = self.vocabulary, self.width, self.positions, self.types, self.epsilon
        first = Embeddings(*sizes, name="embeddings")(ids)
        scanned = nn.scan(
            Layer,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=nn.broadcast,
            length=self.layers,
        )
        layer = scanned(self.heads, self.inner, self.epsilon, name="layers")
        _, hidden = layer(first, mask)
        return jnp.concatenate([first[None], hidden])


def sentence(hidden, mask):
    """The sentences' unit vectors [B, D]: the mean of their tokens' [B, T, D], at length 1.

    Source: Reimers and Gurevych 2019, arXiv 1908.10084, section 3.
    """
    weights = mask[..., None].astype(hidden.dtype)
    mean = jnp.sum(hidden * weights, 1) / jnp.maximum(jnp.sum(weights, 1), 1)
    return mean / jnp.maximum(jnp.linalg.norm(mean, axis=-1, keepdims=True), 1e-12)


def sentence_encoder(bert):
    """The Model of a Bert: {"ids", "mask"} [B, T] -> (unit vectors [B, D], {"hidden": …})."""

    def init(key):
        return bert.init(key, jnp.zeros((1, 2), int), jnp.ones((1, 2), bool))["params"]

    def apply(params, inputs, train=False, key=None):
        hidden = bert.apply({"params": params}, inputs["ids"], inputs["mask"])
        return sentence(hidden[-1], inputs["mask"]), {"hidden": hidden}

    return Model(init, apply, bert)
