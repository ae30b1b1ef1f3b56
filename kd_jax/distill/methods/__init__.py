"""Distillation methods: weight · term + label_weight · CE(labels), each a row of a table.

A method says how the student's outputs are compared with the teacher's, which parameters of its own
it trains along, and over which weights it is tuned; the first is that of RepDistiller (Tian et al.
2020, arXiv 1910.10699) where it has the method. Methods see outputs; `training` trains their
students. One of your own is a `Method` with a function of yours as its term.
"""

from kd_jax.distill.methods.base import Method
from kd_jax.distill.methods.parameter_free import (
    LABELS,
    attention_transfer,
    attention_transfer_paper,
    decoupled,
    dist,
    label_smoothing,
    labels_only,
    logit_matching,
    neuron_selectivity,
    normalized,
    of_logits,
    of_maps,
    of_relations,
    probabilistic_transfer,
    pseudo_labels,
    relational_angle,
    relational_distance,
    similarity_preserving,
    soft_targets,
    standardized,
    teacher_free,
    without_teacher,
)
from kd_jax.distill.methods.with_projector import (
    activation_boundary,
    contrastive,
    correlation_congruence,
    factor_transfer,
    flow,
    hint,
    mutual,
    of_projected_maps,
    of_vectors,
    projected,
    review,
    variational_information,
)
from kd_jax.distill.objective import Outputs

__all__ = [
    "LABELS",
    "Method",
    "Outputs",
    "activation_boundary",
    "attention_transfer",
    "attention_transfer_paper",
    "contrastive",
    "correlation_congruence",
    "decoupled",
    "dist",
    "factor_transfer",
    "flow",
    "hint",
    "label_smoothing",
    "labels_only",
    "logit_matching",
    "mutual",
    "neuron_selectivity",
    "normalized",
    "of_logits",
    "of_maps",
    "of_projected_maps",
    "of_relations",
    "of_vectors",
    "probabilistic_transfer",
    "projected",
    "pseudo_labels",
    "relational_angle",
    "relational_distance",
    "review",
    "similarity_preserving",
    "soft_targets",
    "standardized",
    "teacher_free",
    "variational_information",
    "without_teacher",
]
