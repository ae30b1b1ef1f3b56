"""Methods without parameters of their own: labels, logits, and relations within the batch."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from kd_jax import losses
from kd_jax.distill.methods.base import Method, Term, on_labels


def on_logits(loss: Callable, **options) -> Term:
    """The term of a loss of (student's logits, teacher's logits): its mean over the batch."""
    return lambda s, t, batch, extra: jnp.mean(loss(s.logits, t.logits, **options))


def on_logits_and_labels(loss: Callable, **options) -> Term:
    """The term of a loss of (student's logits, teacher's logits, labels): its mean."""
    return lambda s, t, batch, extra: jnp.mean(loss(s.logits, t.logits, batch["labels"], **options))


def on_embeddings(loss: Callable) -> Term:
    """The term of a loss that relates the embeddings of a batch to each other."""
    return lambda s, t, batch, extra: loss(s.embedding, t.embedding)


def on_maps(loss: Callable) -> Term:
    """The term of a loss of feature maps: its mean over the batch, summed over the layers."""

    def term(s, t, batch, extra):
        return sum(jnp.mean(loss(ours, theirs)) for ours, theirs in zip(s.maps, t.maps))

    return term


def _standardized(temperature):
    def term(s, t, batch, extra):
        ours, theirs = (losses.standardize_logits(x.logits) for x in (s, t))
        return jnp.mean(losses.soft_targets(ours, theirs, temperature=temperature))

    return term


def _permuted(temperature):
    def term(s, t, batch, extra):
        permuted = batch["permuted_logits"]
        return jnp.mean(losses.soft_targets(s.logits, permuted, temperature=temperature))

    return term


def without_teacher(smoothing: float = 0.2) -> list[Method]:
    """Methods without a teacher, the baseline first.

    Args:
        smoothing: ε of label smoothing.
    """
    smoothed = on_labels(lambda z, y: losses.label_smoothing(z, y, epsilon=smoothing))
    return [
        Method("labels only", 0.0, lambda s, t, batch, extra: 0.0),
        Method("label smoothing", 1.0, smoothed),
        Method("teacher-free (virtual teacher)", 1.0, on_labels(losses.teacher_free)),
    ]


def of_logits(temperature: float = 4.0) -> list[Method]:
    """Methods that compare logits, soft targets (KD) first.

    Args:
        temperature: of those that have one.
    """
    soft = losses.soft_targets
    at: dict[str, Any] = {"temperature": temperature}
    return [
        Method("soft targets (KD)", 9.0, on_logits(soft, **at)),
        Method("permuted teacher", 9.0, _permuted(temperature)),
        Method("logit matching", 1.0, on_logits(losses.logit_matching)),
        Method("decoupled (DKD)", 1.0, on_logits_and_labels(losses.decoupled, **at)),
        Method("normalized (NKD)", 1.0, on_logits_and_labels(losses.normalized)),
        Method("DIST", 2.0, lambda s, t, *_: losses.dist(s.logits, t.logits, **at)),
        Method("standardized logits", 9.0, _standardized(temperature)),
    ]


def of_relations() -> list[Method]:
    """Methods that compare how the examples of a batch relate to each other."""
    return [
        Method("relational, distances (RKD-D)", 25.0, on_embeddings(losses.relational_distance)),
        Method("relational, angles (RKD-A)", 50.0, on_embeddings(losses.relational_angle)),
        Method("similarity preserving (SP)", 3000.0, on_embeddings(losses.similarity_preserving)),
        Method("probabilistic (PKT)", 30_000.0, on_embeddings(losses.probabilistic_transfer)),
    ]


def of_maps() -> list[Method]:
    """Methods that compare feature maps of any number of channels."""
    return [
        Method("attention transfer (AT)", 1000.0, on_maps(losses.attention_transfer)),
        Method("attention, paper's form", 10.0, on_maps(losses.attention_transfer_paper)),
        Method("neuron selectivity (NST)", 50.0, on_maps(losses.neuron_selectivity)),
    ]
