"""The objectives that the experiment compares: a few by default, more on request."""

from experiments.language_model import report
from kd_jax import losses
from kd_jax.language.objectives import Objective, divergence, labels, likeliest

JSD = losses.jensen_shannon


FEW = (
    Objective(report.SFT, labels),
    Objective(report.FORWARD, divergence(losses.forward_kl)),
    Objective(report.REVERSE, divergence(losses.reverse_kl)),
    Objective(report.likeliest(64), likeliest, kept=64),
)


MORE = (
    Objective(report.likeliest(16), likeliest, kept=16),
    Objective(report.SEQUENCES, labels, written=True),
    *(Objective(f"JSD, beta {b:g}", divergence(JSD, beta=b)) for b in (0.1, 0.5, 0.9)),
    Objective("skewed KL, alpha 0.1", divergence(losses.skew_kl, alpha=0.1)),
    *(
        Objective(f"on-policy JSD, beta 0.5, lambda {s:g}", divergence(JSD, beta=0.5), share=s)
        for s in (0.5, 1.0)
    ),
)
