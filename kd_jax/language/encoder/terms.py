"""Losses of a sentence encoder beside its teacher: vectors, hidden states, similarities.

With s, t the vectors of student and teacher, ŝ, t̂ these at length 1, h their states after the
layers that correspond, the terms of a batch are

    cosine   mean(1 − ŝ·t̂)
    mse      mean‖s − t‖²
    hidden   mean‖h_s − h_t‖² / D, over tokens
    gram     losses.similarity_preserving(ŝ, t̂)

and of a batch of rankings, with c the student's cosines of a query and its passages, r a
reranker's scores in units of cosines, T a temperature,

    margin_mse    mean of losses.margin_mse(c, r)
    listwise_kl   mean KL(softmax(r/T) ‖ softmax(c/T)), losses.forward_kl

The first four know of no scores; of rankings they are those of all their texts.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kd_jax import losses


class Pair(NamedTuple):
    """What student and teacher say of a batch.

    Attributes:
        vectors: The student's.
        targets: The teacher's.
        unit: The student's at length 1.
        unit_targets: The teacher's.
        hidden: The student's states after each layer.
        hidden_targets: The teacher's after those that correspond; None where no term asks.
        mask: True for a token.
        there: False for a text that is counted for nothing; None: all count.
        scores: Of each query's passages, −∞ where there is none; None where the texts are no
            rankings. The texts are a query, its passages, the next query, and so on.
        temperature: T of their distributions.
    """

    vectors: Float[Array, "B D"]
    targets: Float[Array, "B D"]
    unit: Float[Array, "B D"]
    unit_targets: Float[Array, "B D"]
    hidden: Float[Array, "L B T W"]
    hidden_targets: Float[Array, "B L T W"] | None
    mask: Bool[Array, "B T"]
    there: Bool[Array, " B"] | None = None
    scores: Float[Array, "N P"] | None = None
    temperature: float = 1.0


def cosine(pair: Pair) -> Float[Array, ""]:
    """The mean of 1 − cosine."""
    return _mean(pair, 1 - jnp.sum(pair.unit * pair.unit_targets, -1))


def mse(pair: Pair) -> Float[Array, ""]:
    """The mean squared distance; twice `cosine` where vectors are of length 1."""
    return _mean(pair, jnp.sum((pair.vectors - pair.targets) ** 2, -1))


def hidden(pair: Pair) -> Float[Array, ""]:
    """The mean square of the states' differences, over tokens, layers and numbers."""
    theirs = jnp.asarray(pair.hidden_targets).swapaxes(0, 1).astype(jnp.float32)
    mask = pair.mask if pair.there is None else pair.mask & pair.there[:, None]
    counted = jnp.broadcast_to(mask, pair.hidden.shape[:3]).reshape(-1)
    flat = (x.reshape(-1, x.shape[-1]) for x in (pair.hidden, theirs))
    return losses.masked_mean(losses.hint(*flat, where=counted), counted)


def gram(pair: Pair) -> Float[Array, ""]:
    """losses.similarity_preserving of the batch."""
    return losses.similarity_preserving(pair.unit, pair.unit_targets, where=pair.there)


def margin_mse(pair: Pair) -> Float[Array, ""]:
    """The mean of losses.margin_mse over the queries."""
    return jnp.mean(losses.margin_mse(*_both_scores(pair)))


def listwise_kl(pair: Pair) -> Float[Array, ""]:
    """The mean of losses.forward_kl over the queries, between distributions over their passages."""
    return jnp.mean(losses.forward_kl(*_both_scores(pair), temperature=pair.temperature))


def _mean(pair, values):
    return jnp.mean(values) if pair.there is None else losses.masked_mean(values, pair.there)


def _both_scores(pair):
    """The student's cosines of passages with their query, and the given scores [N, P]."""
    given = jnp.asarray(pair.scores)
    texts = pair.unit.reshape(len(given), -1, pair.unit.shape[-1])
    # an accelerator's quick products would round margins in the third digit
    cosines = jnp.einsum("nd,npd->np", texts[:, 0], texts[:, 1:], precision="highest")
    return jnp.where(given > -jnp.inf, cosines, -jnp.inf), given


TERMS: dict[str, Callable[[Pair], Float[Array, ""]]] = {
    "cosine": cosine,
    "mse": mse,
    "hidden": hidden,
    "gram": gram,
    "margin_mse": margin_mse,
    "listwise_kl": listwise_kl,
}
