"""Losses of a sentence encoder beside its teacher: vectors, hidden states, similarities.

With s, t the vectors of student and teacher, ŝ, t̂ these at length 1, h their states after the
layers that correspond, the terms of a batch are

    cosine   mean(1 − ŝ·t̂)
    mse      mean‖s − t‖²
    hidden   mean‖h_s − h_t‖² / D, over tokens
    gram     losses.similarity_preserving(ŝ, t̂)

and what is minimized is their sum with a member's weights.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from kd_jax import losses
from kd_jax.errors import require
from kd_jax.models.sentence import normalized
from kd_jax.training import optimizers
from kd_jax.training.state import Outcome, stateless


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
    """

    vectors: Float[Array, "B D"]
    targets: Float[Array, "B D"]
    unit: Float[Array, "B D"]
    unit_targets: Float[Array, "B D"]
    hidden: Float[Array, "L B T W"]
    hidden_targets: Float[Array, "B L T W"] | None
    mask: Bool[Array, "B T"]


def cosine(pair: Pair) -> Float[Array, ""]:
    """The mean of 1 − cosine."""
    return jnp.mean(1 - jnp.sum(pair.unit * pair.unit_targets, -1))


def mse(pair: Pair) -> Float[Array, ""]:
    """The mean squared distance; twice `cosine` where vectors are of length 1."""
    return jnp.mean(jnp.sum((pair.vectors - pair.targets) ** 2, -1))


def hidden(pair: Pair) -> Float[Array, ""]:
    """The mean square of the states' differences, over tokens, layers and numbers."""
    theirs = jnp.asarray(pair.hidden_targets).swapaxes(0, 1).astype(jnp.float32)
    counted = jnp.broadcast_to(pair.mask, pair.hidden.shape[:3]).reshape(-1)
    flat = (x.reshape(-1, x.shape[-1]) for x in (pair.hidden, theirs))
    return losses.masked_mean(losses.hint(*flat, where=counted), counted)


def gram(pair: Pair) -> Float[Array, ""]:
    """losses.similarity_preserving of the batch."""
    return losses.similarity_preserving(pair.unit, pair.unit_targets)


TERMS: dict[str, Callable[[Pair], Float[Array, ""]]] = {
    "cosine": cosine,
    "mse": mse,
    "hidden": hidden,
    "gram": gram,
}
WEIGHTS = {"cosine": 1.0, "mse": 1.0, "hidden": 1.0, "gram": 10.0}


def named(row: str) -> tuple[str, ...]:
    """The terms of a row's name, such as cosine+hidden+gram.

    Args:
        row: Terms with + between them.

    Raises:
        InputError: One is not known, or stands there twice.
    """
    found = tuple(row.split("+"))
    known = ", ".join(TERMS)
    for name in found:
        require(name in TERMS, f"--losses={row}: there is no loss '{name:.40}'; there are {known}")
    require(len(set(found)) == len(found), f"--losses={row}: expected each loss once")
    return found


def weights(row: Sequence[str], terms: Sequence[str], of: dict[str, float] = WEIGHTS) -> dict:
    """{name: weight} of all terms, 0 for those that a row leaves out.

    Args:
        row: Its terms.
        terms: All that are computed.
        of: The weights.
    """
    return {f"{name}_weight": of[name] * (name in row) for name in terms}


def loss(
    apply: Callable,
    cut_to: Sequence[int],
    terms: Sequence[str],
    *,
    unit: bool = False,
    frozen: Sequence[str] = ("embeddings",),
) -> Callable:
    """The loss of a student on a batch: the sum of these terms with the member's weights.

    Args:
        apply: Of a Student's model.
        cut_to: Ascending widths, to the first of which that holds it a batch of short texts is
            cut; the others keep all tokens.
        terms: Names of TERMS; a member's weight of one is called name_weight.
        unit: Whether vectors have length 1 already.
        frozen: Names in the parameters that get no gradient.

    Returns:
        (variables, Batch, key) -> Outcome; rows are ids, mask, the teacher's vectors, and hidden
        where that is a term.
    """

    def at_width(params, batch, width):
        tokens = {name: batch[name][:, :width] for name in ("ids", "mask")}
        fixed = {name: jax.lax.stop_gradient(params[name]) for name in frozen}
        (vectors, features), _ = apply(stateless({**params, **fixed}), tokens)
        targets, theirs = batch["vectors"], batch.get("hidden")
        ours, own = (x if unit else normalized({}, x) for x in (vectors, targets))
        theirs = None if theirs is None else theirs[:, :, :width]
        states = features["hidden"][1:]
        pair = Pair(vectors, targets, ours, own, states, theirs, tokens["mask"])
        return {name: TERMS[name](pair) for name in terms}

    def loss_fn(variables, batch, key):
        rows, numbers = batch.rows, batch.numbers
        longest = jnp.max(jnp.sum(rows["mask"], -1))
        whole = rows["ids"].shape[1]
        widths = [*(width for width in cut_to if width < whole), whole]
        choices = [lambda p, b, w=w: at_width(p, b, w) for w in widths]
        number = sum(((longest > width).astype(int) for width in widths[:-1]), jnp.int32(0))
        found = jax.lax.switch(number, choices, variables["params"], rows)
        first, *others = (numbers[f"{name}_weight"] * found[name] for name in terms)
        return Outcome(sum(others, first), found)

    return loss_fn


def optimizer(
    learning_rate: float, steps: int, params: dict[str, Any], frozen: Sequence[str]
) -> optax.GradientTransformation:
    """optimizers.adamw_warmup_cosine of all that learns.

    Args:
        learning_rate: Its peak.
        steps: Of the training.
        params: Of the student, by name.
        frozen: Names of those that do not learn.
    """
    moved = optimizers.adamw_warmup_cosine(learning_rate, steps)
    parts = {"moved": moved, "fixed": optax.set_to_zero()}
    return optax.partition(parts, {x: "fixed" if x in frozen else "moved" for x in params})
