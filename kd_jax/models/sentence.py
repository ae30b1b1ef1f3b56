"""One vector of a text from the vectors of its tokens: pooling, and a head of further steps."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

Hidden = Float[Array, "B T D"]
Mask = Bool[Array, "B T"]
Vectors = Float[Array, "B D"]
# of the last hidden states and the mask; a text without tokens gets zeros
Pooling = Callable[[Hidden, Mask], Vectors]


def mean(hidden: Hidden, mask: Mask) -> Vectors:
    """The mean of the tokens' vectors."""
    return _sum(hidden, mask) / jnp.maximum(jnp.sum(mask, 1), 1)[:, None]


def mean_by_root(hidden: Hidden, mask: Mask) -> Vectors:
    """The sum of the tokens' vectors, divided by the root of how many there are."""
    return _sum(hidden, mask) / jnp.sqrt(jnp.maximum(jnp.sum(mask, 1), 1))[:, None]


def weighted_mean(hidden: Hidden, mask: Mask) -> Vectors:
    """The mean of the tokens' vectors, the n-th of them with weight n."""
    weights = jnp.cumsum(mask, axis=1) * mask
    return _sum(hidden, weights) / jnp.maximum(jnp.sum(weights, 1), 1)[:, None]


def largest(hidden: Hidden, mask: Mask) -> Vectors:
    """The largest number of each column among the tokens."""
    found = jnp.max(jnp.where(mask[..., None], hidden, -jnp.inf), 1)
    return jnp.where(jnp.any(mask, 1)[:, None], found, 0)


def first(hidden: Hidden, mask: Mask) -> Vectors:
    """The vector of the first token, which is [CLS] where a tokenizer puts it there."""
    return _sum(hidden, mask & (jnp.cumsum(mask, axis=1) == 1))


def last(hidden: Hidden, mask: Mask) -> Vectors:
    """The vector of the last token."""
    return _sum(hidden, mask & (jnp.cumsum(mask, axis=1) == jnp.sum(mask, 1, keepdims=True)))


def _sum(hidden, weights):
    return jnp.sum(hidden * weights.astype(hidden.dtype)[..., None], 1)


def normalized(params: Any, vectors: Vectors) -> Vectors:
    """The step that gives vectors length 1; it has no params."""
    return vectors / jnp.maximum(jnp.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


@dataclasses.dataclass(frozen=True)
class Dense:
    """The step of a linear layer and an activation, elementwise."""

    activation: Callable

    def __call__(self, params: Any, vectors: Vectors) -> Float[Array, "B E"]:
        """The activation of x · kernel + bias; the bias may be missing."""
        return self.activation(vectors @ params["kernel"] + params.get("bias", 0))


class Head(NamedTuple):
    """How the vectors of tokens become one.

    Attributes:
        poolings: Each gives a vector of D; they are concatenated.
        steps: What follows, one after another: (its params, vectors) -> vectors.
    """

    poolings: tuple[Pooling, ...] = (mean,)
    steps: tuple[Callable, ...] = ()

    def __call__(self, params: Sequence[Any], hidden: Hidden, mask: Mask) -> Float[Array, "B E"]:
        """One vector of each text.

        Args:
            params: Those of each step.
            hidden: Last hidden states.
            mask: True for a token, False for padding.
        """
        found = jnp.concatenate([pool(hidden, mask) for pool in self.poolings], -1)
        for step, own in zip(self.steps, params, strict=True):
            found = step(own, found)
        return found
