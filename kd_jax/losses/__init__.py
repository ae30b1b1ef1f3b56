"""Distillation losses: pure functions of arrays, one value per example.

Every loss is `f(student, teacher, labels, *, temperature=…, where=None)` with
the arrays it needs; leading axes (*B) are kept, so that the same function serves a
batch [B, C] and a batch of sequences [B, L, C]. There is no `reduction` and no
weight of a mixture: the caller writes the mean and the mixture. Values are in
nats. The teacher never receives a gradient. bfloat16 and float16 are raised to
float32; float64 stays float64. Relational losses, similarity losses and dist compare
the examples with each other and give one number; their first lines say so. Arrays of
NumPy are taken as well.

A wrong shape, a coefficient out of range or an empty batch is a ValueError. A
coefficient is one number; jax.vmap over the examples gives each its own. What
is known only at run time cannot raise: a temperature (or another coefficient that
must be above 0) that is not counts as 1, a fraction outside [0, 1] as the nearer
end, and a label outside [0, C) has no target. What `where` leaves out is not looked
at, labels of −100 for instance. Nothing gives NaN for finite inputs, as long as what its
formula names, a square for instance, is finite in float32.

A class whose logit is −inf has probability 0 and adds 0 to every sum; the loss is
infinite where its formula is (reverse_kl, or a student without a class of the
teacher's), its gradient finite. NaN and +inf give NaN, in that example alone.
"""

from kd_jax.losses.chunked import chunked
from kd_jax.losses.contrastive import contrastive, contrastive_constants, update_bank
from kd_jax.losses.feature_maps import (
    attention_transfer,
    attention_transfer_paper,
    flow,
    neuron_selectivity,
)
from kd_jax.losses.features import (
    activation_boundary,
    factor_transfer,
    hint,
    review_pyramid,
    variational_information,
)
from kd_jax.losses.logit_parts import decoupled, dist, normalized
from kd_jax.losses.logits import (
    cross_entropy,
    label_smoothing,
    logit_matching,
    soft_targets,
    teacher_free,
)
from kd_jax.losses.rankings import margin_mse
from kd_jax.losses.relations import adjacent_correlation, relational_angle, relational_distance
from kd_jax.losses.sequence import (
    forward_kl,
    jensen_shannon,
    masked_mean,
    reverse_kl,
    skew_kl,
    skew_reverse_kl,
    total_variation,
)
from kd_jax.losses.similarities import (
    correlation_congruence,
    probabilistic_transfer,
    similarity_preserving,
)
from kd_jax.losses.transforms import as_logits, standardize_logits
from kd_jax.losses.vocabulary import cached_top_k, top_k, universal_logit

__all__ = [
    "activation_boundary",
    "adjacent_correlation",
    "as_logits",
    "attention_transfer",
    "attention_transfer_paper",
    "cached_top_k",
    "chunked",
    "contrastive",
    "contrastive_constants",
    "correlation_congruence",
    "cross_entropy",
    "decoupled",
    "dist",
    "factor_transfer",
    "flow",
    "forward_kl",
    "hint",
    "jensen_shannon",
    "label_smoothing",
    "logit_matching",
    "margin_mse",
    "masked_mean",
    "neuron_selectivity",
    "normalized",
    "probabilistic_transfer",
    "relational_angle",
    "relational_distance",
    "reverse_kl",
    "review_pyramid",
    "similarity_preserving",
    "skew_kl",
    "skew_reverse_kl",
    "soft_targets",
    "standardize_logits",
    "teacher_free",
    "top_k",
    "total_variation",
    "universal_logit",
    "update_bank",
    "variational_information",
]
