"""The loss of an encoder's student on a batch: a weighted sum of `terms`, and its optimizer."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax

from kd_jax.language.encoder.loss_names import WEIGHTS
from kd_jax.language.encoder.terms import TERMS, Pair
from kd_jax.models.sentence import normalized
from kd_jax.training import optimizers
from kd_jax.training.state import Outcome, stateless


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
    temperature: float = 1.0,
) -> Callable:
    """The loss of a student on a batch: the sum of these terms with the member's weights.

    Args:
        apply: Of a Student's model.
        cut_to: Ascending widths, to the first of which that holds it a batch of short texts is
            cut; the others keep all tokens.
        terms: Names of TERMS; a member's weight of one is called name_weight.
        unit: Whether vectors have length 1 already.
        frozen: Names in the parameters that get no gradient.
        temperature: Of listwise_kl.

    Returns:
        (variables, Batch, key) -> Outcome; rows are ids, mask, the teacher's vectors, and hidden
        where that is a term; or places and scores of ranked.Lists, of texts that are shared.
    """

    def at_width(params, batch, width):
        tokens = {name: batch[name][:, :width] for name in ("ids", "mask")}
        fixed = {name: jax.lax.stop_gradient(params[name]) for name in frozen}
        (vectors, features), _ = apply(stateless({**params, **fixed}), tokens)
        targets, theirs = batch["vectors"], batch.get("hidden")
        ours, own = (x if unit else normalized({}, x) for x in (vectors, targets))
        theirs = None if theirs is None else theirs[:, :, :width]
        states = features["hidden"][1:]
        pair = Pair(
            vectors, targets, ours, own, states, theirs, tokens["mask"], batch.get("there"),
            batch.get("scores"), temperature,
        )  # fmt: skip
        return {name: TERMS[name](pair) for name in terms}

    def loss_fn(variables, batch, key):
        rows, numbers = _of_lists(batch) if "places" in batch.rows else batch.rows, batch.numbers
        longest = jnp.max(jnp.sum(rows["mask"], -1))
        whole = rows["ids"].shape[1]
        widths = [*(width for width in cut_to if width < whole), whole]
        choices = [lambda p, b, w=w: at_width(p, b, w) for w in widths]
        number = sum(((longest > width).astype(int) for width in widths[:-1]), jnp.int32(0))
        found = jax.lax.switch(number, choices, variables["params"], rows)
        first, *others = (numbers[f"{name}_weight"] * found[name] for name in terms)
        return Outcome(sum(others, first), found)

    return loss_fn


def _of_lists(batch):
    """The texts of a batch of rankings as a batch of texts, and their scores."""
    scores, places = batch.rows["scores"], batch.rows["places"].reshape(-1)
    there = jnp.pad(scores > -jnp.inf, ((0, 0), (1, 0)), constant_values=True).reshape(-1)
    return {name: x[places] for name, x in batch.shared.items()} | {
        "there": there, "scores": scores,
    }  # fmt: skip


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
