"""Terms without parameters of their own: of labels, logits, and relations within the batch.

They are functions of this module, so that every method with the same term is in one program.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from kd_jax import losses
from kd_jax.distill.objective import Outputs, Term, soft_targets
from kd_jax.losses._math import pool_to_smaller
from kd_jax.training.state import Batch


def facing(student: Float[Array, "B ..."], teacher: Float[Array, "B ..."]) -> tuple[Array, Array]:
    """Two layers to compare by position: maps averaged to the smaller height and width of both.

    Args:
        student: A layer of the student.
        teacher: The one of the teacher.

    Returns:
        The student's and the teacher's maps [B, H, W, C] of one height and width; vectors as they
        are.
    """
    if student.ndim == teacher.ndim == 4:
        return pool_to_smaller(student, teacher)
    return student, teacher


def on_labels(loss: Callable) -> Term:
    """The term of a loss of (logits, labels): its mean over the labeled examples."""
    return lambda s, t, batch, extra: losses.masked_mean(
        loss(s.logits, batch.rows["labels"]), where=batch.rows.get("labeled")
    )


def on_logits(loss: Callable) -> Term:
    """The term of a loss of (student's logits, teacher's logits): its mean over the batch."""
    return lambda s, t, batch, extra: jnp.mean(loss(s.logits, t.logits))


def on_logits_and_labels(loss: Callable) -> Term:
    """The term of a loss of (student's logits, teacher's logits, labels): its mean."""
    return lambda s, t, batch, extra: jnp.mean(loss(s.logits, t.logits, batch.rows["labels"]))


def on_embeddings(loss: Callable) -> Term:
    """The term of a loss that relates the embeddings of a batch to each other."""
    return lambda s, t, batch, extra: loss(s.embedding, t.embedding)


def on_maps(loss: Callable) -> Term:
    """The term of a loss of feature maps: its mean over the batch, summed over the layers."""

    def term(s, t, batch, extra):
        return sum(jnp.mean(loss(*facing(*both))) for both in zip(s.maps, t.maps))

    return term


def decoupled(student: Outputs, teacher: Outputs, batch: Batch, extra: Any) -> Float[Array, ""]:
    """Decoupled distillation at the arm's temperature, its mean over the batch."""
    at, labels = batch.numbers["temperature"], batch.rows["labels"]
    return jnp.mean(losses.decoupled(student.logits, teacher.logits, labels, temperature=at))


def dist(student: Outputs, teacher: Outputs, batch: Batch, extra: Any) -> Float[Array, ""]:
    """DIST, a relation of the whole batch, at the arm's temperature."""
    at = batch.numbers["temperature"]
    return losses.dist(student.logits, teacher.logits, temperature=at)


def standardized(student: Outputs, teacher: Outputs, batch: Batch, extra: Any) -> Float[Array, ""]:
    """Soft targets of standardized logits, their mean over the batch."""
    ours, theirs = (
        x._replace(logits=losses.standardize_logits(x.logits)) for x in (student, teacher)
    )
    return soft_targets(ours, theirs, batch)


def pseudo_labels(student: Outputs, teacher: Outputs, batch: Batch, extra: Any) -> Float[Array, ""]:
    """Cross-entropy of the teacher's most probable classes, its mean over the batch."""
    return jnp.mean(losses.cross_entropy(student.logits, teacher.logits.argmax(-1)))


logit_matching = on_logits(losses.logit_matching)
normalized = on_logits_and_labels(losses.normalized)
teacher_free = on_labels(losses.teacher_free)
relational_distance = on_embeddings(losses.relational_distance)
relational_angle = on_embeddings(losses.relational_angle)
similarity_preserving = on_embeddings(losses.similarity_preserving)
probabilistic_transfer = on_embeddings(losses.probabilistic_transfer)
attention_transfer = on_maps(losses.attention_transfer)
attention_transfer_paper = on_maps(losses.attention_transfer_paper)
neuron_selectivity = on_maps(losses.neuron_selectivity)
