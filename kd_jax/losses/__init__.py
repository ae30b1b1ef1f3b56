"""Distillation losses: pure functions of arrays, one value per example.

Every loss is `f(student, teacher, labels, *, temperature=…, where=None)` with
the arrays it needs; leading axes are kept, so that the same function serves a
batch [B, C] and a batch of sequences [B, L, C]. There is no `reduction` and no
weight of a mixture: the caller writes the mean and the mixture. Values are in
nats. The teacher never receives a gradient. bfloat16 and float16 are raised to
float32; float64 stays float64.
"""

from kd_jax.losses.logits import (
    cross_entropy,
    label_smoothing,
    logit_matching,
    soft_targets,
)

__all__ = ["cross_entropy", "label_smoothing", "logit_matching", "soft_targets"]
