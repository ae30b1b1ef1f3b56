"""Distillation methods: weight · term + label_weight · CE(labels), each a row of a table.

A method says how the student's outputs are compared with the teacher's, which parameters of its own
it trains along, and over which weights it is tuned; the first is that of RepDistiller (Tian et al.
2020, arXiv 1910.10699) where it has the method. Methods see outputs; `training` trains their
students. One of your own is a `Method` with a function of yours as its term.
"""

from kd_jax.distill.methods.base import Method
from kd_jax.distill.methods.parameter_free import (
    LABELS,
    label_smoothing,
    labels_only,
    of_logits,
    of_maps,
    of_relations,
    pseudo_labels,
    soft_targets,
    without_teacher,
)
from kd_jax.distill.methods.with_projector import (
    factor_transfer,
    mutual,
    of_projected_maps,
    of_vectors,
)
from kd_jax.distill.objective import Outputs

__all__ = [
    "LABELS",
    "Method",
    "Outputs",
    "factor_transfer",
    "label_smoothing",
    "labels_only",
    "mutual",
    "of_logits",
    "of_maps",
    "of_projected_maps",
    "of_relations",
    "of_vectors",
    "pseudo_labels",
    "soft_targets",
    "without_teacher",
]
