"""The objectives that the experiment compares: a few by default, more on request."""

from experiments.language_model import rows
from kd_jax import losses
from kd_jax.language.objectives import Objective, cached_top_k, divergence, labels

JSD = losses.jensen_shannon


FEW = (
    Objective(rows.SFT, labels),
    Objective(rows.FORWARD, divergence(losses.forward_kl)),
    Objective(rows.REVERSE, divergence(losses.reverse_kl)),
    Objective(rows.top_k(64), cached_top_k, top_k=64),
)


MORE = (
    Objective(rows.top_k(16), cached_top_k, top_k=16),
    Objective(rows.SEQUENCES, labels, teacher_texts=True),
    *(Objective(f"JSD, beta {b:g}", divergence(JSD, beta=b)) for b in (0.1, 0.5, 0.9)),
    Objective("skewed KL, alpha 0.1", divergence(losses.skew_kl, alpha=0.1)),
    *(
        Objective(
            f"on-policy JSD, beta 0.5, lambda {fraction:g}", divergence(JSD, beta=0.5),
            on_policy_fraction=fraction,
        )
        for fraction in (0.5, 1.0)
    ),
)  # fmt: skip
