"""The training of an encoder's students, one after the other by one compiled program."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from kd_jax.arguments import number, whole
from kd_jax.data import padding
from kd_jax.errors import above_0, counted, require
from kd_jax.language.encoder import loss
from kd_jax.language.encoder.outputs import TeacherOutputs
from kd_jax.language.encoder.ranked import Lists
from kd_jax.language.encoder.students import Student
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.training import keys, optimizers, samplers, sequential


class Recipe(NamedTuple):
    """How every student learns.

    Attributes:
        epochs: Passes over the texts.
        batch_size: Texts of a step; the last, partial batch of an epoch is dropped.
        learning_rate: Peak of AdamW's, with warm-up and cosine decay.
        widths: Ascending numbers of tokens that batches of short texts are cut to; () takes two of
            the texts' lengths.
        weights: {loss: its weight in the sum}.
    """

    epochs: int = 2
    batch_size: int = 32
    learning_rate: float = 1e-3
    widths: tuple[int, ...] = ()
    weights: dict[str, float] = loss.WEIGHTS


def changed(recipe: Any, changes: Mapping[str, Any]) -> Recipe:
    """A Recipe with some numbers of its own.

    Args:
        recipe: To begin with.
        changes: {field of a Recipe: its value}.

    Raises:
        InputError: It is no Recipe, or has no such field.
    """
    kind = type(recipe).__name__
    is_recipe = isinstance(recipe, Recipe)
    require(is_recipe, f"recipe is {kind}: give its numbers by name, like epochs=1, batch_size=32")
    for name in changes:
        known = f"expected {', '.join(Recipe._fields)}"
        require(name in Recipe._fields, f"{name} is no argument of distill_encoder: {known}")
    found = recipe._replace(**changes)
    rate = number("learning_rate", found.learning_rate)
    above_0("learning_rate", rate)
    return found._replace(
        epochs=whole("epochs", found.epochs), batch_size=whole("batch_size", found.batch_size),
        learning_rate=rate,
    )  # fmt: skip


def require_filled(size: int, rows: int) -> None:
    """InputError where there are fewer texts than a batch has.

    Args:
        size: Of the batch.
        rows: Texts.
    """
    require(
        rows >= size,
        f"--batch_size={size}: expected no more than {counted(rows, 'text')} to learn from",
    )


def widths(lengths: Int[np.ndarray, " N"], longest: int) -> tuple[int, ...]:
    """Widths that half and nine tenths of the texts fit into, multiples of 8 below the longest.

    Args:
        lengths: Of the texts, in tokens.
        longest: Tokens of all texts with their padding.
    """
    step = padding.MULTIPLE
    found = {int(-(-x // step) * step) for x in np.quantile(lengths, (0.5, 0.9))}
    return tuple(sorted(x for x in found if x < longest))


class Training:
    """Trains the students of one network, each by its seed and its weights."""

    def __init__(
        self,
        student: Student,
        outputs: TeacherOutputs,
        terms: Sequence[str],
        recipe: Recipe,
        *,
        lists: Lists | None = None,
        temperature: float = 1.0,
        base_seed: int = 0,
        execution: Execution = DEFAULT,
    ):
        """A training that has not begun.

        Args:
            student: Of the network of all.
            outputs: What the teacher says of the texts.
            terms: The losses that any of them has a weight for.
            recipe: How they learn.
            lists: Rankings of these texts, with scores in units of cosines, whose queries are drawn
                instead of texts: as many to a step as have a batch of texts.
            temperature: Of listwise_kl.
            base_seed: What order and draws follow from.
            execution: Where and how.

        Raises:
            InputError: There are fewer texts than a batch.
        """
        self.terms, self.recipe = tuple(terms), recipe
        tokens, longest = outputs.tokens, outputs.tokens.ids.shape[1]
        lengths = tokens.mask.sum(1)
        size, shared = recipe.batch_size, {}
        data = {**tokens._asdict(), "vectors": outputs.vectors}
        if "hidden" in terms:
            data["hidden"] = outputs.of_layers(student.imitates)
        if lists is not None:
            data, shared = {"places": lists.places, "scores": lists.scores}, data
            lengths = np.max(np.where(lists.there, lengths[lists.places], 0), 1)
            size = min(max(1, size // lists.places.shape[1]), len(lengths))
        rows = len(lengths)
        require_filled(size, rows)
        cut_to = recipe.widths or widths(lengths, longest)
        cut_to = tuple(width for width in cut_to if width < longest)
        order = keys.key(base_seed, "student", "order")
        sampler = samplers.by_length(order, lengths, (*cut_to, longest), size)
        steps = optimizers.steps(recipe.epochs, sampler)
        self.sequential = sequential.Sequential(
            loss.loss(
                student.model.apply, cut_to, terms, unit=student.unit, frozen=student.frozen,
                temperature=temperature,
            ),
            loss.optimizer(recipe.learning_rate, steps, student.params, student.frozen),
            student.params, data, sampler, keys.key(base_seed, "student"), epochs=recipe.epochs,
            numbers=self.weights(terms), shared=shared, execution=execution,
        )  # fmt: skip

    def weights(self, row: Sequence[str]) -> dict[str, float]:
        """{name: number} of a member of these losses.

        Args:
            row: Their names.
        """
        return loss.weights(row, self.terms, self.recipe.weights)

    def fit(
        self,
        student: Student,
        seed: int,
        row: Sequence[str],
        *,
        label: str = "",
        execution: Execution = DEFAULT,
    ) -> sequential.Fitted:
        """Train one student.

        Args:
            student: Of the network of all, as it begins.
            seed: Of its order.
            row: The losses that it learns by.
            label: Of the progress bar.
            execution: Of this student.
        """
        return self.sequential.fit(
            student.params, seed, label=label, execution=execution, numbers=self.weights(row)
        )
