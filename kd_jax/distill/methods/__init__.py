"""Distillation methods as one term beside the labels: CE(labels) + weight · term.

A method says how the student's outputs are compared with the teacher's, which parameters of its own
it trains along, and around which weight it is tuned. Every method is tuned alike: the weight at the
center, a tenth of it and ten times it; the center is that of RepDistiller (Tian et al. 2020, arXiv
1910.10699) where it has the method. Methods see outputs; `training` trains their students.
"""

from kd_jax.distill.methods.base import Method, Outputs
from kd_jax.distill.methods.parameter_free import (
    of_logits,
    of_maps,
    of_relations,
    on_logits,
    without_teacher,
)
from kd_jax.distill.methods.with_projector import (
    factor_transfer,
    mutual,
    of_projected_maps,
    of_vectors,
)

__all__ = [
    "Method",
    "Outputs",
    "factor_transfer",
    "mutual",
    "of_logits",
    "of_maps",
    "of_projected_maps",
    "of_relations",
    "of_vectors",
    "on_logits",
    "without_teacher",
]
