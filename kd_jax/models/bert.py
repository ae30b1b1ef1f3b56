"""BERT encoder and its relatives: hidden states and sentence embeddings of token ids.

Source: Devlin et al. 2018, arXiv 1810.04805. Without token types it is DistilBERT (Sanh et al.
2019, arXiv 1910.01108); with positions that count from the padding's id RoBERTa (Liu et al. 2019,
arXiv 1907.11692) and XLM-R (arXiv 1911.02116); with a bias of relative positions as well MPNet
(Song et al. 2020, arXiv 2004.09297).
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from kd_jax.models.model import Model

kernel_init = nn.initializers.normal(0.02)
BUCKETS = 32  # of relative positions: 16 for tokens on either side
NEAR = 8  # distances that have a bucket of their own
# where the next bucket begins, squared: each is √2 times as far as the one before
FARTHER = NEAR**2 * 2 ** np.arange(BUCKETS // 2 - NEAR)


def relative_buckets(length: int) -> Int[np.ndarray, "T T"]:
    """The bucket of each token's (row's) distance to every other, by Raffel et al. 2019.

    Source: arXiv 1910.10683, section 2.1; there are as many for tokens behind as for those before.
    """
    distance = np.arange(length)[None] - np.arange(length)[:, None]
    far = NEAR - 1 + np.searchsorted(FARTHER, distance**2, side="right")
    return np.where(abs(distance) < NEAR, abs(distance), far) + (distance > 0) * BUCKETS // 2


class Embeddings(nn.Module):
    """Sum of token, position and (where there are any) type embeddings, layer-normalized.

    Called with ids [B, T] and a mask [B, T] it gives that sum, and the bias [1, heads, T, T] that
    relative positions add to the attention of all layers, None without buckets.

    Attributes: those of a Bert.
    """

    vocabulary: int
    width: int
    heads: int
    max_position_embeddings: int
    types: int
    epsilon: float
    padding: int
    buckets: int

    @nn.compact
    def __call__(
        self, ids: Int[Array, "B T"], mask: Bool[Array, "B T"]
    ) -> tuple[Float[Array, "B T D"], Float[Array, "1 heads T T"] | None]:
        def table(rows, name, width=self.width):
            return jnp.asarray(self.param(name, kernel_init, (rows, width)))

        x = table(self.vocabulary, "word")[ids]
        x = x + table(self.max_position_embeddings, "position")[self._positions(ids, mask)]
        if self.types:  # single texts only: every token is of the first
            x = x + table(self.types, "type")[0]
        x = nn.LayerNorm(self.epsilon, name="norm")(x)
        if not self.buckets:
            return x, None
        bias = table(self.buckets, "relative", self.heads)[relative_buckets(ids.shape[1])]
        return x, bias.transpose(2, 0, 1)[None]

    def _positions(self, ids, mask):
        """Rows of the position table: padding, on either side, has no part in them."""
        if self.padding < 0:
            return jnp.maximum(jnp.arange(ids.shape[1]) - jnp.argmax(mask, 1)[:, None], 0)
        counted = mask & (ids != self.padding)  # the padding's token in a text is not counted
        return jnp.cumsum(counted, axis=1) * counted + self.padding


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
        self,
        x: Float[Array, "B T D"],
        mask: Bool[Array, "B T"],
        bias: Float[Array, "1 heads T T"] | None,
    ) -> tuple[Float[Array, "B T D"], Float[Array, "B T D"]]:
        width = x.shape[-1]

        def dense(size, name):
            return nn.Dense(size, kernel_init=kernel_init, name=name)

        def by_head(name):
            return dense(width, name)(x).reshape(*x.shape[:2], self.heads, -1)

        attended = jax.nn.dot_product_attention(
            by_head("query"), by_head("key"), by_head("value"), bias, mask[:, None, None]
        )
        x = x + dense(width, "attended")(attended.reshape(x.shape))
        x = nn.LayerNorm(self.epsilon, name="attention_norm")(x)
        wide = jax.nn.gelu(dense(self.intermediate_size, "inner")(x), approximate=False)
        x = nn.LayerNorm(self.epsilon, name="norm")(x + dense(width, "outer")(wide))
        return x, x


class Bert(nn.Module):
    """BERT's embeddings and layers, the layers' parameters stacked in one array each, [layers, …].

    Called with ids [B, T] and a mask [B, T] (True: a token, False: padding, on either side) it
    gives the hidden states [layers + 1, B, T, D], the embeddings first.

    Attributes:
        vocabulary: Number of tokens.
        width: D, the size of a hidden state.
        layers: Number of layers.
        heads: Number of attention heads.
        intermediate_size: Width of the feed-forward nets.
        max_position_embeddings: Rows of the position table.
        types: Number of token types; 0 for DistilBERT and MPNet.
        epsilon: ε of the layer norms.
        padding: The padding's id, behind which positions count (RoBERTa, MPNet); −1: from 0.
        buckets: Rows of the table of relative positions (MPNet); 0: there is none.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    intermediate_size: int
    max_position_embeddings: int = 512
    types: int = 2
    epsilon: float = 1e-12
    padding: int = -1
    buckets: int = 0

    @property
    def longest(self) -> int:
        """Tokens of the longest text."""
        return self.max_position_embeddings - self.padding - 1

    @nn.compact
    def __call__(
        self, ids: Int[Array, "B T"], mask: Bool[Array, "B T"]
    ) -> Float[Array, "L1 B T D"]:
        first, bias = Embeddings(
            self.vocabulary, self.width, self.heads, self.max_position_embeddings, self.types,
            self.epsilon, self.padding, self.buckets, name="embeddings",
        )(ids, mask)  # fmt: skip
        scanned = nn.scan(
            BertLayer,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=nn.broadcast,
            length=self.layers,
        )
        layer = scanned(self.heads, self.intermediate_size, self.epsilon, name="layers")
        last, hidden = layer(first, mask, bias)
        # the last by itself: where nothing else is used, under jit, the others are not kept
        return jnp.concatenate([first[None], hidden[:-1], last[None]])


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


def sentence_encoder(bert: nn.Module) -> Model:
    """A BERT as a sentence encoder of two pure functions.

    Args:
        bert: The network, or another that gives the hidden states of ids and a mask.

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
